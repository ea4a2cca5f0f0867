"""Evidence that a rule can need, and which files of it are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import ComparisonView, LegView

Missing = Callable[[Case], list[str]]


def missing(case: Case, needs: tuple[str, ...]) -> list[str]:
    """Paths of needed files that are absent or unusable. An unknown need is a ``KeyError``: a bug of the rule."""
    return sorted({path for need in needs for path in NEEDS[need](case)})


def _plan(case: Case) -> list[str]:
    return [] if case.comparison.plan else [case.comparison.path("plan.json")]


def _claim(case: Case) -> list[str]:
    return [] if case.comparison.claim else [case.comparison.path("claim.json")]


def _rounds(case: Case) -> list[str]:
    return _blocks(case.comparison)


def _control(case: Case) -> list[str]:
    plan = [] if case.control.plan else [case.control.path("plan.json")]
    return plan + _blocks(case.control)


def _blocks(comparison: ComparisonView) -> list[str]:
    return [] if comparison.blocks else [comparison.path("legs/*/bench_runs.jsonl of a complete pair")]


def _each_leg(present: Callable[[LegView], object], name: str) -> Missing:
    return lambda case: [leg.path(name) for leg in case.legs if not present(leg)]


def _components(case: Case) -> list[str]:
    return [] if case.view.components else ["components/*/verdict.json"]


def _profile(case: Case) -> list[str]:
    return [] if case.view.profile is not None else ["profile/profile.json"]


def _ledger(case: Case) -> list[str]:
    return [] if case.view.ledger is not None else ["ledger.jsonl"]


def _operator(name: str) -> Missing:
    """A file of the operator benchmark, which a rule reads as a typed record of the same name."""
    files = {"task": "task.json", "oracle": "oracle.json", "measurement": "measurement.json", "claim": "claim.json"}
    return lambda case: [] if getattr(case.benchmark, name) is not None else [case.benchmark.path(files[name])]


def _bench(case: Case) -> list[str]:
    return [] if case.benchmark.rows else [case.benchmark.runs_file]


NEEDS: Mapping[str, Missing] = {
    "plan": _plan,
    "claim": _claim,
    "rounds": _rounds,
    "control": _control,
    "server_info": _each_leg(lambda leg: leg.server_info, "server_info.json"),
    "server_log": _each_leg(lambda leg: leg.log, "server.log"),
    "host": _each_leg(lambda leg: leg.host, "host.jsonl"),
    "profile": _profile,
    "components": _components,
    "task": _operator("task"),
    "oracle": _operator("oracle"),
    "measurement": _operator("measurement"),
    "bench": _bench,
    "bench_claim": _operator("claim"),
    "ledger": _ledger,
}
