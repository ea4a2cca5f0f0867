"""The comparison's reference is the control's reference: one true baseline for the whole run (C12 Q04 Q10 D15).

Proves: equal reference configuration, model and workload in both plans; equal model and engine-tree digests, host and
device set of their legs; and that the reference level did not drift beyond its band,

    |log(level_now / level_control)| <= max(5 %, 3·s of launch levels in either)

A patch is measured on top of the patches that were accepted before it: what its reference has beyond the true baseline
must have been claimed as a real gain by an earlier comparison of this run. Its level may then differ.

Drift makes no paired gain false, but a gain quoted against the earlier baseline would be: action ``flag``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, stdev

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.measured import values
from bankable.nodes.auditor.reading.view import ComparisonView
from bankable.nodes.auditor.rule import GAINS, Found, NotApplicable, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import ComparisonKind, LegRecord, Plan, Side, describe_limits
from bankable.tools.statistics.paired import launch_level

BAND = 0.05
SIGMAS = 3.0


def check(case: Case) -> Iterator[Outcome]:
    control, plan = case.control.plan, case.plan
    if control is None:
        return
    earlier = _accepted_earlier(case)
    on_top = {name for name, value in case.laid_before.items() if (name, str(value)) in earlier}
    strange = sorted(set(case.laid_before) - on_top)
    if strange:
        yield _other(
            f"reference configuration: {control.reference}",
            f"{', '.join(f'{name} = {case.laid_before[name]}' for name in strange)}, accepted by nothing before",
            case.plan_file,
            "Q04",
        )
    for what, mine, theirs in (
        ("model", plan.model, control.model),
        ("workload", plan.workload, control.workload),
        ("metric", plan.metric, control.metric),
        ("limits", describe_limits(plan.limits), describe_limits(control.limits)),
        ("guards", _guards(plan), _guards(control)),
    ):
        if mine != theirs:
            yield _other(f"{what}: {theirs}", f"{what}: {mine}", case.plan_file, "Q04")
    yield from _machine(case)
    if on_top and not strange:
        names = ", ".join(sorted(on_top))
        yield NotApplicable(f"the reference has accepted levers on top of the true baseline: {names}")
        return
    metric = case.noise_metric
    yield from _drift(case, _levels(case.control, metric), _levels(case.comparison, metric))


def _guards(plan: Plan) -> str:
    return ", ".join(f"{guard.metric} {guard.margin:g}" for guard in plan.guards)


def _accepted_earlier(case: Case) -> set[tuple[str, str]]:
    """(name, value) of every lever that a comparison of this run claimed as a real gain."""
    return {
        (name, str(value))
        for trial in case.view.trials
        if trial.plan is not None
        and trial.plan.kind is ComparisonKind.PATCH
        and trial.name != case.request.comparison
        and trial.claim is not None
        and trial.claim.decision == "real"
        for name, value in {**trial.plan.lever.flags, **trial.plan.lever.env}.items()
    }


def _machine(case: Case) -> Iterator[Found]:
    first, second = (
        next((leg for leg in entry.side(Side.REFERENCE)), None) for entry in (case.control, case.comparison)
    )
    if first is None or second is None or first.record is None or second.record is None:
        return
    for what, mode, a, b in _pairs(first.record, second.record):
        if a != b:
            yield _other(f"{what}: {a}", f"{what}: {b}", second.path("leg.json"), mode)


def _pairs(first: LegRecord, second: LegRecord) -> tuple[tuple[str, str, object, object], ...]:
    return (
        ("model digest", "Q10", first.model_digest, second.model_digest),
        ("engine tree", "C12", first.engine.tree_digest, second.engine.tree_digest),
        ("sglang", "C18", first.engine.sglang, second.engine.sglang),
        ("kernel package", "C18", first.engine.kernels, second.engine.kernels),
        ("driver", "R02", first.driver, second.driver),
        ("host", "C16", first.host, second.host),
        ("device set", "C16", first.device_set, second.device_set),
    )


def _levels(comparison: ComparisonView, metric: str) -> list[float]:
    rounds = [values(leg, metric) for leg in comparison.side(Side.REFERENCE)]
    return [launch_level(rates) for rates in rounds if rates and min(rates) > 0]


def _drift(case: Case, before: list[float], now: list[float]) -> Iterator[Outcome]:
    where = at(case.comparison.path("legs"))
    if not before or not now:
        yield Unverifiable("reference rounds with tokens", (where,))
        return
    change = fmean(now) - fmean(before)
    band = max([BAND, *(SIGMAS * stdev(levels) for levels in (before, now) if len(levels) > 1)])
    observed = f"{math.expm1(change):+.1%} since the control, band {band:.1%}"
    if abs(change) > band:
        yield flag(
            "a reference at the control's level",
            observed,
            "quote the gain against the reference of its own blocks, never against the earlier baseline",
            where,
            modes=("D15",),
            code="drift",
        )
    else:
        yield info("a reference at the control's level", observed, where, modes=("D15",))


def _other(expected: str, observed: str, file: str, mode: str) -> Found:
    return fail(
        expected[:300],
        observed[:300],
        "compare with the baseline that the run's control measured",
        at(file),
        action=Action.REMEASURE,
        modes=(mode,),
        code="other_baseline",
    )


rule = Rule("baseline_drift", GAINS, ("D15", "Q04", "C12", "Q10"), ("plan", "rounds", "control"), check)
