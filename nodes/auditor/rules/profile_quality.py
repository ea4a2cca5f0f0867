"""The profile can route work: shares add up, operators are whole, the window is the steady mix (P01 P02 P03 P06 P07).

FAIL where the shares are not shares, or the window holds no steps. FLAG, with the corrected figure, where most time has
no shapes or no phase, a collective's share is mostly waiting, the window is the prefill ramp, or the trace is torn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import Found, Outcome, Remark, Rule, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action
from bankable.tools.profiling.records import OpShare, Profile, StepPhase

PROFILE = "profile/profile.json"
BLANK = 0.30
UNPHASED = 0.30
HIDDEN = 0.20
"""Share of the operators that were left out of the list."""
SKEW, SKEWED_SHARE = 3.0, 0.05
RAMP = 0.9
"""Share of steps in prefill above which the window shows the ramp and not the mix."""
FEWEST_STEPS = 5


def check(case: Case) -> Iterator[Outcome]:
    profile = case.view.profile
    if profile is None:
        return
    yield from _shares(profile)
    yield from _traces(case, profile)
    for name, share, limit, mode in (
        ("time without shapes", profile.blank_shape_share, BLANK, "P03"),
        ("time outside known phases", profile.unphased_share, UNPHASED, "P03"),
        ("time of operators left out", profile.ops_omitted_share, HIDDEN, "P01"),
    ):
        if share > limit:
            yield _flag(f"{name} below {limit:.0%}", f"{share:.0%}", "profile again with shapes recorded", mode)
    yield from _split(profile)
    for op in profile.ops:
        if op.family == "communication" and op.skew > SKEW and op.share > SKEWED_SHARE:
            yield _flag(
                f"{op.op}: its share without waiting {op.settled_share:.0%}",
                f"{op.share:.0%} with mean/median {op.skew:.1f}",
                "decide by the share without waiting",
                "P02",
            )
    yield from _phases(profile)


def _shares(profile: Profile) -> Iterator[Outcome]:
    total = math.fsum(op.share for op in profile.ops) + profile.ops_omitted_share
    families = math.fsum(family.share for family in profile.families)
    time = math.fsum(op.us for op in profile.ops)
    for name, value in (("operator shares", total), ("family shares", families)):
        if profile.operator_us > 0 and not 0.98 <= value <= 1.02:
            yield _fail(f"{name} that add up to 1", f"{value:.3f}", "compute shares from one sum of self times", "P01")
    if time > 1.02 * profile.operator_us:
        yield _fail(
            f"at most {profile.operator_us:.0f} µs", f"operators of {time:.0f} µs", "count self time once", "P01"
        )
    for op in profile.ops:
        if profile.operator_us > 0 and abs(op.share - op.us / profile.operator_us) > 0.01:
            yield _fail(
                f"{op.op}: share {op.us / profile.operator_us:.3f}", f"{op.share:.3f}", "recompute shares", "P01"
            )
            return


def _traces(case: Case, profile: Profile) -> Iterator[Outcome]:
    if not profile.traces:
        yield _fail("at least one trace", "none", "profile again", "P07")
    present = case.view.hash_folder("profile")
    for trace in profile.traces:
        if present.get(trace.name) is None:
            yield Remark(f"trace {trace.name} is not in the evidence; its digest is recorded")
        elif present[trace.name] != trace.digest:
            yield _fail(f"{trace.name}: {trace.digest[:12]}", present[trace.name][:12], "profile again", "R03")
        if trace.torn or trace.malformed:
            yield _flag("a whole trace", f"{trace.name}: torn or {trace.malformed} bad events", "profile again", "P07")


def _split(profile: Profile) -> Iterator[Outcome]:
    """An operator that hides behind many small names shows in the chains, and must be routed by its chain's share."""
    largest = max(profile.chains, key=lambda chain: chain.share, default=None)
    top = max((op.share for op in profile.ops), default=0.0)
    if largest is not None and largest.share > 2 * top and largest.share > 0.1:
        yield _flag(
            f"{largest.name} routed as one operator: {largest.share:.0%}",
            f"split over {largest.calls_each:.0f} calls, the largest operator is {top:.0%}",
            "route by the chain's share",
            "P01",
        )
    names: dict[str, OpShare] = {}
    for op in profile.ops:
        if op.op in names or op.op.strip() in ("", "void"):
            yield _flag("full and distinct operator names", repr(op.op), "keep whole symbols", "P06")
            return
        names[op.op] = op


def _phases(profile: Profile) -> Iterator[Outcome]:
    if profile.steps < 1 or profile.operator_us <= 0:
        yield _fail("a window with forward steps", f"{profile.steps} steps", "profile under load", "P07")
        return
    steps = {mix.phase: mix.steps for mix in profile.phases}
    prefill = steps.get(StepPhase.PREFILL, 0) / max(1, sum(steps.values()))
    text = ", ".join(f"{phase.value} {count}" for phase, count in sorted(steps.items()))
    if profile.steps < FEWEST_STEPS:
        yield _flag(f"at least {FEWEST_STEPS} steps", f"{profile.steps} ({text})", "profile a longer window", "P07")
    elif prefill > RAMP:
        yield _flag("the steady mix of prefill and decode", text, "start the profiler after the ramp", "P07")
    else:
        yield info("the steady mix of prefill and decode", text, at(PROFILE))


def _fail(expected: str, observed: str, advice: str, mode: str) -> Found:
    return fail(expected, observed, advice, at(PROFILE), action=Action.REDO, modes=(mode,), code="profile_wrong")


def _flag(expected: str, observed: str, advice: str, mode: str) -> Found:
    return flag(expected, observed, advice, at(PROFILE), modes=(mode,), code="profile_misleads")


rule = Rule("profile_quality", frozenset({"profile"}), ("P01", "P02", "P03", "P06", "P07"), ("profile",), check)
