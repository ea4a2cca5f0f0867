"""The end of an audit: one word, one action, one honest headline."""

from __future__ import annotations

from collections.abc import Sequence

from nodes.auditor.case import Case
from nodes.auditor.credit import decompose, lever_class, lever_text
from nodes.auditor.harness import measured as harness_measured
from nodes.auditor.ruleset import ruleset_digest
from nodes.auditor.verdict import (
    EvidenceDigest,
    Finding,
    LeverPart,
    Metric,
    Note,
    Verdict,
    Word,
    action_of,
    word_of,
)
from tools.evidence.records import Kind


def conclude(
    case: Case,
    findings: Sequence[Finding],
    notes: Sequence[Note],
    degraded: Sequence[str],
    evidence: tuple[EvidenceDigest, ...],
) -> Verdict:
    """Put the verdict together. Nothing here adds or removes a finding."""
    found = tuple(findings)
    word = word_of(found)
    kind = lever_class(case)
    request = case.request
    return Verdict(
        scope=request.scope,
        subject=request.subject,
        attempt=request.attempt,
        request=request,
        verdict=word,
        action=action_of(word, found),
        lever_class=kind,
        lever_decomposition=_parts(case),
        counts_as_kernel_win=kind == "A" and word is not Word.FAIL and _gains(case),
        headline=_headline(case, word),
        metrics=_metrics(case),
        findings=found,
        notes=tuple(notes),
        degraded=tuple(degraded),
        evidence=evidence,
        ruleset=ruleset_digest(),
    )


def _parts(case: Case) -> tuple[LeverPart, ...]:
    found = decompose(case)
    return found.parts if found is not None else ()


def _gains(case: Case) -> bool:
    decision = case.measured.decision if case.comparison.plan is not None else None
    return decision is not None and decision.verdict == "real"


def _metrics(case: Case) -> tuple[Metric, ...]:
    if case.request.scope == "harness":
        return harness_measured.metrics(case.isolated) if case.isolated is not None else ()
    return case.measured.metrics if case.comparison.plan is not None and case.blocks else ()


def _headline(case: Case, word: Word) -> str:
    if case.request.scope == "profile":
        return "profile usable for routing" if word is not Word.FAIL else "profile not usable for routing"
    if case.request.scope == "harness":
        return harness_measured.headline(case.bakeoff, case.isolated) + (" (withheld)" if word is Word.FAIL else "")
    if case.comparison.plan is None or (decision := case.measured.decision) is None:
        return "nothing could be derived from the evidence"
    low, high = decision.gain_interval
    span = f"{decision.gain:+.1%}" + (f" [{low:+.1%}, {high:+.1%}]" if decision.n > 1 else "")
    what = "reference against itself" if case.plan.kind is Kind.CONTROL else lever_text(case.lever)
    state = "" if case.plan.kind is Kind.CONTROL else f", {decision.verdict.replace('_', ' ')}"
    withheld = " (withheld)" if word is Word.FAIL else ""
    return f"{what}: {case.plan.metric} {span} over {decision.n} blocks{state}{withheld}"
