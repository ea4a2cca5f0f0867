"""A verdict with the judge's findings laid over it: some are added and none is taken away, so it only gets lower."""

from __future__ import annotations

from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.nodes.auditor.judge.votes import RULE
from bankable.nodes.auditor.verdict import Action, Finding, Severity, Verdict, Word, action_of, word_of
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest

WITHHELD = " (withheld)"


def merge(verdict: Verdict, judged: JudgeRecord) -> Verdict:
    """What both say together. The code's verdict stays as it is in ``verdict.json``; this one is for who decides.

    Raises ``UserError`` when the two are about different evidence.
    """
    sealed = digest(canonical({it.file: it.sha256 for it in verdict.evidence}))
    unread = judged.evidence is None and not judged.findings
    if judged.request != verdict.request or (judged.evidence != sealed and not unread):
        raise UserError("the judge's record is about other evidence", verdict.subject, "have this evidence judged")
    added = tuple(it.model_copy(update={"rule": RULE}) for it in judged.findings)
    if judged.degraded:
        added = (*added, _degraded(judged.degraded))
    findings = (*verdict.findings, *added)
    word = word_of(findings)
    kernel = not any(it.code == "lever_class" for it in judged.findings) and word is not Word.FAIL
    newly_withheld = word is Word.FAIL and verdict.verdict is not Word.FAIL
    return verdict.model_copy(
        update={
            "verdict": word,
            "action": action_of(word, findings),
            "counts_as_kernel_win": verdict.counts_as_kernel_win and kernel,
            "headline": verdict.headline + (WITHHELD if newly_withheld else ""),
            "findings": findings,
            "degraded": (*verdict.degraded, RULE) if judged.degraded else verdict.degraded,
        }
    )


def _degraded(why: str) -> Finding:
    return Finding(
        rule=RULE,
        severity=Severity.INFO,
        expected="more than half of the votes answered",
        observed=f"degraded: {why}",
        action=Action.PASS,
        advice="nothing to do: the rules have decided, and what only a reader sees was not judged",
        code="degraded",
    )
