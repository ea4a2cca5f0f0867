"""The end of an audit: whose gain it is, how large, and one honest headline."""

from __future__ import annotations

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.credit import decompose, lever_class, lever_text
from bankable.nodes.auditor.harness import isolated as isolated_speedup
from bankable.nodes.auditor.record import plain
from bankable.nodes.auditor.rule_runner import VerdictFigures
from bankable.nodes.auditor.verdict import LeverPart, Metric, Word
from bankable.tools.evidence.records import ComparisonKind


def figures(case: Case, word: Word) -> VerdictFigures:
    """What the evidence supports, in place of what the producer said. ``word``: of the findings."""
    kind = lever_class(case)
    return VerdictFigures(
        headline=plain(_headline(case, word)),
        lever_class=kind,
        parts=_parts(case),
        kernel_win=kind == "A" and word is not Word.FAIL and _gains(case),
        metrics=_metrics(case),
    )


def _parts(case: Case) -> tuple[LeverPart, ...]:
    found = decompose(case)
    return found.parts if found is not None else ()


def _gains(case: Case) -> bool:
    decision = case.measured.decision if case.comparison.plan is not None else None
    return decision is not None and decision.verdict == "real"


def _metrics(case: Case) -> tuple[Metric, ...]:
    if case.request.scope == "harness":
        return isolated_speedup.build_metrics(case.isolated) if case.isolated is not None else ()
    return case.measured.metrics if case.comparison.plan is not None and case.blocks else ()


def _headline(case: Case, word: Word) -> str:
    if case.request.scope == "profile":
        return "profile usable for routing" if word is not Word.FAIL else "profile not usable for routing"
    if case.request.scope == "harness":
        withheld = " (withheld)" if word is Word.FAIL else ""
        return isolated_speedup.build_headline(case.benchmark, case.isolated) + withheld
    if case.comparison.plan is None or (decision := case.measured.decision) is None:
        return VerdictFigures().headline
    low, high = decision.gain_interval
    span = f"{decision.gain:+.1%}" + (f" [{low:+.1%}, {high:+.1%}]" if decision.n > 1 else "")
    what = "reference against itself" if case.plan.kind is ComparisonKind.CONTROL else lever_text(case.lever)
    state = "" if case.plan.kind is ComparisonKind.CONTROL else f", {decision.verdict.replace('_', ' ')}"
    withheld = " (withheld)" if word is Word.FAIL else ""
    return f"{what}: {case.plan.metric} {span} over {decision.n} blocks{state}{withheld}"
