"""The gain is there: recomputed from raw, at a declared block count, at the declared level (D01 D02 D03 D09 D10).

    y = median over the rounds of log(metric), d_b = y_candidate − y_reference per block of two fresh launches
    real: declared n, L > log(1 + floor), exact sign-flip p <= 0.05

Without a plan there may be few launches: an interval on their levels decides (``bankable.tools.statistics.few``), the
floor is 1 %, and one launch a side is never a real gain.

The looks must keep 5 % together, every earlier look must have left the question open, and every block that was measured
counts. "Undecided" and "not real" are both not banked, and they are not the same; an operator that is faster alone may
still be stacked (``bankable.nodes.auditor.stacking``). What the simple rule says of all rounds is reported beside it.
Goodput is a rate that may be zero: its launches are compared without logarithms (``bankable.tools.statistics.rates``).
A guard of the plan that is broken makes a gain not real, one that is undecided leaves it undecided.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.measured import MOST_LOOKS, SMALLEST_LEVEL, find_plan_fault, values
from bankable.nodes.auditor.rule import GAINS, Found, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.stacking import may_stack
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import GOODPUT, REQUEST_SPEED, Side
from bankable.tools.statistics.paired import Decision
from bankable.tools.statistics.pocock import nominal_alpha
from bankable.tools.statistics.simple import simple_rule

LEVEL_SLACK = 0.0005
METRICS = ("output_throughput", "request_throughput", GOODPUT, REQUEST_SPEED)
"""Larger is better. A latency is reported beside the gain, never as one; its inverse is a speed."""


def check(case: Case) -> Iterator[Outcome]:
    if case.planned is None:
        yield from _judge_without_plan(case)
        return
    plan, decision, where = case.plan, case.measured.decision, at(case.plan_file)
    if plan.metric not in METRICS:
        yield fail(f"one of {', '.join(METRICS)}", plan.metric, "declare a throughput metric", where)
        return
    if fault := find_plan_fault(plan):
        advice = "declare a few looks, and the level that keeps 5 % over all of them"
        expected = f"at most {MOST_LOOKS} looks, at a level of at least {SMALLEST_LEVEL:g}"
        yield fail(expected, fault, advice, where, action=Action.REMEASURE, modes=("D10",), code="impossible_plan")
        return
    if decision is None:
        what = "a positive throughput in every round"
        if plan.metric == GOODPUT:
            what = "latency limits in the plan, and every request of each round"
        yield Unverifiable(what, (at(case.comparison.path("legs")),))
        return
    yield from _check_declared(case, decision)
    yield from _simple(case)
    observed = f"{decision.describe(2)} over {decision.n} blocks: {decision.reason}"
    if decision.verdict == "real":
        yield info("a gain above the floor", observed, where)
    elif may_stack(case):
        yield flag(
            "a gain above the floor",
            observed,
            "no win on its own: carry it to the bundle's validation, where it counts with the others",
            where,
            action=Action.STACK,
            modes=("D01",),
            code="stack",
        )
    elif decision.verdict == "not_real":
        yield fail("a gain above the floor", observed, "drop this lever here", where, modes=("D01",), code="not_real")
    else:
        more = decision.more_blocks_needed
        need = "no feasible number of blocks would" if more is None else f"about {more} more blocks would"
        yield fail(
            "a decided gain above the floor",
            observed,
            f"{need} decide this; declare them in a new plan and measure fresh blocks",
            where,
            action=Action.REMEASURE,
            modes=("D01", "D02", "D03"),
            code="undecided",
        )


def _judge_without_plan(case: Case) -> Iterator[Outcome]:
    """Launches without a plan, decided with an assumption about what was not observed."""
    where, few = at(case.candidate_file), case.measured.few
    if few is None:
        what = "a positive throughput in every round"
        if case.metric == GOODPUT:
            what = "the requests of every round, with a good one in each"
        yield Unverifiable(what, (where,), excuses=True)
        return
    low, high = few.gain_interval
    simple = few.simple
    rounds = "" if few.round_sd is None else f", round sd {few.round_sd:.1%}"
    observed = (
        f"{few.gain:+.2%} [{low:+.2%}, {high:+.2%}], launch sd {few.launch_sd:.1%} "
        f"({few.launch_sd_source}){rounds}; assumed: {few.assumed}; simple rule: {simple.delta:+.2%}, "
        f"{'separated' if simple.separated else 'overlapping'}"
        f"{', fewer than two rounds on a side' if simple.vacuous else ''}"
    )
    yield from _unequal(case)
    if case.options.no_worse:
        yield info("no gain is asked for", observed, where)
        return
    if case.shared_processes:
        yield _one_process(case, real=few.verdict == "real")
    if few.verdict == "real" and not case.token_source_shown:
        yield flag(
            "a gain in tokens that came back",
            f"{observed}; where the token counts come from is not shown",
            "record the server's own usage, and compare again: what was credited is not what was streamed",
            where,
            action=Action.REMEASURE,
            modes=("Q08",),
            code="token_source",
        )
    elif few.verdict == "real":
        yield info("a gain above the floor", observed, where)
    elif few.lacks_launches:
        advice = (
            "launch both sides at least twice, better six times in turns: one launch does not show how launches differ"
        )
        yield flag("two launches a side", observed, advice, where, modes=("D03",), code="one_launch")
    elif few.outcome == "undecided":
        advice = f"measure six interleaved pairs of fresh launches: {few.reason}"
        action = Action.REMEASURE
        yield fail(
            "a gain above the floor", observed, advice, where, action=action, modes=("D01", "D03"), code="undecided"
        )
    elif few.outcome == "slower":
        advice = f"go back to the reference: {few.reason}, and below 0"
        yield fail(
            "a gain above the floor", observed, advice, where, action=Action.REVERT, modes=("D01",), code="slower"
        )
    else:
        advice = f"drop this change, or hold it to margins with --no-worse: {few.reason}"
        yield fail("a gain above the floor", observed, advice, where, modes=("D01",), code="disproved")


def _unequal(case: Case) -> Iterator[Outcome]:
    """Say that the legs were measured unequally."""
    legs = [case.counted(side) for side in Side]
    launches = [len(side) for side in legs]
    rounds = [sorted({len(leg.rows) for leg in side}) for side in legs]
    if launches[0] != launches[1] or rounds[0] != rounds[1]:
        shown = [
            f"{count} launches of {'/'.join(map(str, sizes))} rounds"
            for count, sizes in zip(launches, rounds, strict=True)
        ]
        yield flag(
            "both legs measured equally often",
            f"{shown[0]} on the reference, {shown[1]} on the candidate",
            "measure both legs with the same number of launches and rounds, in turns",
            at(case.candidate_file),
            modes=("D03",),
            code="unequal_legs",
        )


def _one_process(case: Case, *, real: bool) -> Found:
    """A server that was not launched again can have changed nothing."""
    weigh = fail if real else flag
    return weigh(
        "another launch on each side",
        "files of both legs come from one server process: an equal start-up time",
        "launch the candidate's server afresh; two runs of one process are an A/A comparison",
        at(case.candidate_file),
        action=Action.REMEASURE,
        modes=("D03", "E08"),
        code="one_process",
    )


def _simple(case: Case) -> Iterator[Found]:
    """The textbook rule's result; reported beside the verdict, never in its place. It has none for a goodput."""
    if case.plan.metric == GOODPUT:
        return
    sides = (Side.REFERENCE, Side.CANDIDATE)
    rounds = [[rate for leg in case.comparison.side(side) for rate in values(leg, case.plan.metric)] for side in sides]
    decision = simple_rule(rounds[0], rounds[1])
    apart = "no candidate round below a reference round" if decision.separated else "ranges of the rounds overlap"
    word = "a win" if decision.wins else "no win"
    yield info(
        "the simple rule, for comparison: medians further apart than the band, and ranges that do not overlap",
        f"medians {decision.delta:+.2%}, band {decision.band:.1%}, {apart}: {word}",
        at(case.plan_file),
        code="simple_rule",
    )


def _check_declared(case: Case, decision: Decision) -> Iterator[Found]:
    plan, where = case.plan, at(case.plan_file)
    looks = plan.looks
    if not looks or list(looks) != sorted(set(looks)) or looks[0] < 1:
        yield fail(
            "ascending looks", f"{list(looks)}", "declare block counts in ascending order", where, modes=("D10",)
        )
        return
    allowed = nominal_alpha(looks)
    if plan.alpha > allowed + LEVEL_SLACK:
        yield fail(
            f"a level of at most {allowed:g} at each of {len(looks)} looks",
            f"{plan.alpha:g}",
            "declare the level that keeps 5 % over all looks",
            where,
            modes=("D10",),
            code="level",
        )
    if decision.n not in looks:
        yield fail(
            f"a stop at one of {list(looks)} blocks",
            f"{decision.n} blocks",
            "go on to the next declared look",
            where,
            action=Action.REMEASURE,
            modes=("D10", "D02"),
            code="not_a_look",
        )
    for earlier in (look for look in looks if look < decision.n):
        before = case.measured.decide(plan, range(earlier))
        if before is not None and before.verdict != "undecided":
            weigh = fail if before.verdict == "not_real" else flag
            yield weigh(
                "a stop at the first look that decides",
                f"{earlier} blocks were {before.verdict}, and it went on",
                "the first decision counts; continuing until the result changes is optional stopping",
                where,
                modes=("D10", "D09"),
                code="went_on",
            )


rule = Rule(
    "real_delta",
    GAINS,
    ("D01", "D02", "D03", "D09", "D10", "D11", "E08", "Q08"),
    ("lever", "rounds"),
    check,
    gate=True,
)
