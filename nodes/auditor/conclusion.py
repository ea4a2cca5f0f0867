"""The conclusion of an audit: attribution of the gain, its size, and a headline that the evidence supports."""

from __future__ import annotations

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.credit import decompose, lever_class, lever_text
from bankable.nodes.auditor.findings.margins import join_outcomes, judge_margins
from bankable.nodes.auditor.findings.reference import name_reference
from bankable.nodes.auditor.harness import isolated as isolated_speedup
from bankable.nodes.auditor.ladder import describe_frontier
from bankable.nodes.auditor.measured import UNITS, leg_figure
from bankable.nodes.auditor.record import plain
from bankable.nodes.auditor.rule_runner import VerdictFigures
from bankable.nodes.auditor.verdict import LeverPart, Metric, Word
from bankable.tools.evidence.records import GOODPUT, ComparisonKind, Side, describe_limits


def figures(case: Case, word: Word) -> VerdictFigures:
    """The headline that the evidence supports, in place of the producer's. ``word``: verdict of the findings."""
    if case.scope == "frontier":
        return VerdictFigures(headline=plain(_of_ladder(case, word)))
    kind = lever_class(case)
    # In another tool's files a kernel's gain is signed off only without open findings: a pair rarely shows that much.
    open_ = (Word.FAIL, Word.FLAG) if case.imported else (Word.FAIL,)
    return VerdictFigures(
        headline=plain(_headline(case, word)),
        lever_class=kind,
        parts=_parts(case),
        kernel_win=kind == "A" and word not in open_ and _gains(case),
        metrics=_metrics(case),
    )


def _parts(case: Case) -> tuple[LeverPart, ...]:
    decomposition = decompose(case)
    return decomposition.parts if decomposition is not None else ()


def _gains(case: Case) -> bool:
    gain = case.measured.gain
    return gain is not None and gain.verdict == "real" and case.token_source_shown


def _metrics(case: Case) -> tuple[Metric, ...]:
    if case.scope == "harness":
        return isolated_speedup.build_metrics(case.isolated) if case.isolated is not None else ()
    return case.measured.metrics if case.legs and (case.imported or case.planned is not None) else ()


def _headline(case: Case, word: Word) -> str:
    if case.scope == "profile":
        return "profile usable for routing" if word is not Word.FAIL else "profile not usable for routing"
    withheld = " (withheld)" if word is Word.FAIL else ""
    if case.scope == "harness":
        return isolated_speedup.build_headline(case.benchmark, case.isolated) + withheld
    if case.imported:
        return _of_files(case) + (withheld + _over(case) if case.scope != "baseline" else "")
    if case.planned is None or (decision := case.measured.decision) is None:
        return VerdictFigures().headline
    span, limits = decision.describe(), ""
    if case.plan.metric == GOODPUT:
        limits = f" ({describe_limits(case.plan.limits)})"
    what = "reference against itself" if case.plan.kind is ComparisonKind.CONTROL else lever_text(case.lever)
    if case.plan.kind is ComparisonKind.CONTROL:
        return f"{what}: {case.plan.metric} {span}{limits} over {decision.n} blocks{withheld}"
    state = f", {decision.verdict.replace('_', ' ')}{_guards(case)}"
    return f"{what}: {case.plan.metric} {span}{limits} over {decision.n} blocks{state}{withheld}{_over(case)}"


def _of_ladder(case: Case, word: Word) -> str:
    """The frontier and the configuration of each load."""
    frontier = case.frontier if case.planned is not None else None
    if frontier is None:
        return VerdictFigures().headline
    return describe_frontier(case.plan, frontier) + (" (withheld)" if word is Word.FAIL else "")


def _guards(case: Case) -> str:
    """Outcomes of the plan's guards; empty without any."""
    guards = case.measured.judge_guards(case.plan)
    return f", guards {', '.join(f'{guard.metric} {guard.outcome}' for guard in guards)}" if guards else ""


def _over(case: Case) -> str:
    """What a gain is over, for the end of a headline."""
    reference = name_reference(case)
    return f", over {reference}" if reference else ""


def _of_files(case: Case) -> str:
    """The result for another tool's files."""
    if case.scope == "baseline":
        rate = leg_figure(case.counted(Side.REFERENCE), case.metric)
        rounds = sum(len(leg.rows) for leg in case.legs)
        return (
            f"baseline {rate:.2f} {UNITS[case.metric]} over {rounds} rounds of {len(case.legs)} launches"
            if rate
            else "no rate"
        )
    few = case.measured.few
    if few is None:
        return VerdictFigures().headline
    low, high = few.gain_interval
    launches = " and ".join(map(str, few.launches))
    state: str = few.outcome
    if few.verdict == "real" and not case.token_source_shown:
        state = "token source not shown"
    if case.options.no_worse:
        state = _no_worse(case)
    limits = f" ({describe_limits(case.options.limits)})" if case.metric == GOODPUT else ""
    return f"{case.metric} {few.gain:+.1%} [{low:+.1%}, {high:+.1%}]{limits} on {launches} launches, {state}"


def _no_worse(case: Case) -> str:
    """The outcome of the caller's margins together."""
    return join_outcomes([decision for _, _, decision in judge_margins(case)]).replace("_", " ")
