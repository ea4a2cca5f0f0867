"""Kinds of evidence that a rule can need, and which of their files are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import ComparisonView, LegView
from bankable.nodes.auditor.rule import Unverifiable
from bankable.nodes.auditor.verdict import Evidence, Severity
from bankable.tools.evidence.records import Side

MOST = 5
"""Largest number of missing files that a finding names."""


@dataclass(frozen=True)
class Need:
    """One kind of evidence."""

    missing: Callable[[Case], list[str]]
    """Paths of its files that are absent or unusable."""
    what: str = ""
    """Name of the record in messages about another tool's files."""
    fix: str = ""
    """How to obtain it."""
    rule: str = ""
    """The rule that reports its absence in other tools' files; the others that need it are skipped."""
    own_runs_only: bool = False
    """Whether only runs of this project have it: a rule that needs it is skipped for other tools' files."""
    code: str = "unverifiable"
    """Stable identifier for programs, where its absence is a finding of its own."""
    optional: bool = False
    """Whether other tools do not write it: a note says that it was not checked."""
    owed: Callable[[Case], bool] = lambda _: False
    """Whether other tools' files need it too: without it nothing can be signed off."""


def missing(case: Case, needs: tuple[str, ...]) -> list[str]:
    """Paths of needed files that are absent or unusable. An unknown need is a ``KeyError``: a bug of the rule."""
    return sorted({path for need in needs for path in NEEDS[need].missing(case)})


def run_records(needs: tuple[str, ...]) -> list[str]:
    """The needs that only a run of this project can meet."""
    return [need for need in needs if NEEDS[need].own_runs_only]


def absence(case: Case, need: str, severity: Severity) -> Unverifiable | None:
    """The outcome of a rule whose need the files do not meet; ``None`` when they do."""
    files = NEEDS[need].missing(case)
    if not files:
        return None
    requirement = NEEDS[need]
    return Unverifiable(
        requirement.what or ", ".join(files[:MOST]),
        tuple(Evidence(file=path) for path in files[:MOST]),
        severity,
        requirement.code,
        requirement.fix,
        excuses=requirement.owed(case),
        own_runs_only=requirement.optional,
    )


def _plan(case: Case) -> list[str]:
    return [] if case.planned else [case.comparison.path("plan.json")]


def _lever(case: Case) -> list[str]:
    """A plan declares the lever; files without a plan may have none."""
    return [] if case.imported else _plan(case)


def _claim(case: Case) -> list[str]:
    return [] if case.claims or case.imported else [case.comparison.path("claim.json")]


def _rounds(case: Case) -> list[str]:
    if case.scope == "frontier":
        return [] if case.legs else [case.comparison.path("legs/*/bench_runs.jsonl of a complete launch")]
    if not case.imported:
        return _blocks(case.comparison)
    sides = (Side.REFERENCE,) if case.scope == "baseline" else tuple(Side)
    return [side.value for side in sides if not case.counted(side)]


def _control(case: Case) -> list[str]:
    plan = [] if case.control.plan else [case.control.path("plan.json")]
    return plan + _blocks(case.control)


def _true_baseline(case: Case) -> list[str]:
    """A run compares every change with its control; two files have only each other."""
    return [] if case.imported else _control(case)


def _blocks(comparison: ComparisonView) -> list[str]:
    return [] if comparison.blocks else [comparison.path("legs/*/bench_runs.jsonl of a complete pair")]


def _each_leg(present: Callable[[LegView], object], name: str) -> Callable[[Case], list[str]]:
    return lambda case: [leg.path(name) for leg in case.legs if not present(leg)]


def _lacks_arguments(case: Case) -> bool:
    """The arguments of one side are missing although the other has them.

    Where no leg has them, the server may have had none to give: not every server answers ``/server_info``.
    """
    bare = {leg.side for leg in case.legs if not leg.server_info}
    return bool(bare) and any(leg.server_info for leg in case.legs)


def _components(case: Case) -> list[str]:
    return [] if case.view.components else ["components/*/verdict.json"]


def _profile(case: Case) -> list[str]:
    return [] if case.view.profile is not None else ["profile/profile.json"]


def _ledger(case: Case) -> list[str]:
    return [] if case.view.ledger is not None else ["ledger.jsonl"]


def _operator(name: str) -> Callable[[Case], list[str]]:
    """A file of the operator benchmark, which a rule reads as a typed record of the same name."""
    files = {"task": "task.json", "oracle": "oracle.json", "measurement": "measurement.json", "claim": "claim.json"}
    return lambda case: [] if getattr(case.benchmark, name) is not None else [case.benchmark.path(files[name])]


def _bench(case: Case) -> list[str]:
    return [] if case.benchmark.rows else [case.benchmark.runs_file]


NEEDS: Mapping[str, Need] = {
    "plan": Need(_plan, own_runs_only=True),
    "lever": Need(_lever),
    "claim": Need(_claim),
    "rounds": Need(
        _rounds, "rounds of both legs", "measure both legs", "rows_complete", code="no_rounds", owed=lambda _: True
    ),
    "control": Need(_control, own_runs_only=True),
    "true_baseline": Need(_true_baseline),
    "server_info": Need(
        _each_leg(lambda leg: leg.server_info, "server_info.json"),
        "resolved server arguments",
        "put the server's /server_info answer beside each result",
        "same_conditions",
        owed=_lacks_arguments,
    ),
    "server_log": Need(
        _each_leg(lambda leg: leg.log, "server.log"),
        "server log",
        "put server.log beside each result",
        "server_faults",
    ),
    "host": Need(
        _each_leg(lambda leg: leg.host, "host.jsonl"),
        "what else ran on the machine (host.jsonl)",
        "record the machine once a second",
        "contention",
        optional=True,
    ),
    "profile": Need(_profile, own_runs_only=True),
    "components": Need(_components, own_runs_only=True),
    "task": Need(_operator("task"), own_runs_only=True),
    "oracle": Need(_operator("oracle"), own_runs_only=True),
    "measurement": Need(_operator("measurement"), own_runs_only=True),
    "bench": Need(_bench, own_runs_only=True),
    "bench_claim": Need(_operator("claim"), own_runs_only=True),
    "ledger": Need(_ledger, own_runs_only=True),
    "recorder": Need(
        lambda _: [], own_runs_only=True
    ),  # runs of earlier versions have none, and are judged all the same
}
