"""Adds the judge's findings to a verdict. No finding is removed, so the verdict can only get lower."""

from __future__ import annotations

from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.nodes.auditor.judge.votes import RULE
from bankable.nodes.auditor.verdict import Action, Finding, Severity, Verdict, Word, action_of, word_of
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest

WITHHELD = " (withheld)"


def merge(verdict: Verdict, record: JudgeRecord) -> Verdict:
    """The verdict over the findings of rules and judge. ``verdict.json`` keeps the rules' verdict.

    Raises ``UserError`` when the two are about different evidence.
    """
    sealed = digest(canonical({entry.file: entry.sha256 for entry in verdict.evidence}))
    unread = record.evidence is None and not record.findings
    if record.request != verdict.request or (record.evidence != sealed and not unread):
        raise UserError(
            "Cannot merge the judge's record: it is about other evidence", verdict.subject, "judge this evidence again"
        )
    added = tuple(finding.model_copy(update={"rule": RULE}) for finding in record.findings)
    if record.degraded:
        added = (*added, _make_degraded(record.degraded))
    findings = (*verdict.findings, *added)
    word = word_of(findings)
    kernel = not any(finding.code == "lever_class" for finding in record.findings) and word is not Word.FAIL
    newly_withheld = word is Word.FAIL and verdict.verdict is not Word.FAIL
    return verdict.model_copy(
        update={
            "verdict": word,
            "action": action_of(word, findings),
            "counts_as_kernel_win": verdict.counts_as_kernel_win and kernel,
            "headline": verdict.headline + (WITHHELD if newly_withheld else ""),
            "findings": findings,
            "degraded": (*verdict.degraded, RULE) if record.degraded else verdict.degraded,
        }
    )


def _make_degraded(reason: str) -> Finding:
    return Finding(
        rule=RULE,
        severity=Severity.INFO,
        expected="more than half of the votes answered",
        observed=f"degraded: {reason}",
        action=Action.PASS,
        advice="nothing to do: the verdict is the rules'; the interpretive checks were not made",
        code="degraded",
    )
