"""A merged verdict is never better than the verdict."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.judge.merge import merge
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.nodes.auditor.verdict import Action, Finding, Severity, Verdict, Word, action_of, word_of
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest
from tests.nodes.auditor.builders import judge as rules
from tests.nodes.auditor.builders import standard_run


@cache
def _honest() -> Verdict:
    return rules(standard_run(Path(mkdtemp()) / "run"))


def _with(verdict: Verdict, *findings: Finding) -> Verdict:
    every = (*verdict.findings, *findings)
    word = word_of(every)
    return verdict.model_copy(update={"findings": every, "verdict": word, "action": action_of(word, every)})


def _finding(severity: Severity, action: Action = Action.FLAG, code: str = "", rule: str = "judge") -> Finding:
    return Finding(rule=rule, severity=severity, expected="e", observed="o", action=action, advice="a", code=code)


def _judged(verdict: Verdict, *findings: Finding, degraded: str = "") -> JudgeRecord:
    sealed = digest(canonical({entry.file: entry.sha256 for entry in verdict.evidence}))
    return JudgeRecord(request=verdict.request, evidence=sealed, model="m", findings=findings, degraded=degraded)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(Severity), st.sampled_from(Action), st.sampled_from(["", "lever_class"]))),
    st.lists(st.tuples(st.sampled_from(Severity), st.sampled_from(Action))),
    st.booleans(),
    st.booleans(),
)
def test_it_never_gets_better(
    mine: list[tuple[Severity, Action, str]], theirs: list[tuple[Severity, Action]], kernel: bool, degraded: bool
) -> None:
    verdict = _with(_honest(), *(_finding(*their, rule="code") for their in theirs))
    verdict = verdict.model_copy(update={"counts_as_kernel_win": kernel})
    judged = _judged(verdict, *(_finding(*entry) for entry in mine), degraded="why" if degraded else "")
    found = merge(verdict, judged)
    words = list(Word)
    assert words.index(found.verdict) <= words.index(verdict.verdict)
    assert found.findings[: len(verdict.findings)] == verdict.findings
    assert found.counts_as_kernel_win <= verdict.counts_as_kernel_win
    assert found.headline.startswith(verdict.headline)
    if verdict.verdict is Word.FAIL:
        assert list(Action).index(found.action) <= list(Action).index(verdict.action)
    for name in ("metrics", "evidence", "ruleset", "notes", "lever_class", "lever_decomposition", "request"):
        assert getattr(found, name) == getattr(verdict, name)


def test_a_pass_becomes_what_the_judge_shows() -> None:
    verdict = _honest()
    assert verdict.verdict is Word.PASS
    flagged = merge(verdict, _judged(verdict, _finding(Severity.FLAG, Action.DOWNGRADE_HEADLINE)))
    assert (flagged.verdict, flagged.action) == (Word.FLAG, Action.DOWNGRADE_HEADLINE)
    assert flagged.headline == verdict.headline
    failed = merge(verdict, _judged(verdict, _finding(Severity.FAIL, Action.EJECT)))
    assert (failed.verdict, failed.action) == (Word.FAIL, Action.EJECT)
    assert failed.headline == f"{verdict.headline} (withheld)"


def test_a_judge_without_an_objection_changes_no_byte() -> None:
    verdict = _honest()
    assert merge(verdict, _judged(verdict)).to_bytes() == verdict.to_bytes()


def test_a_degraded_judge_is_said_and_nothing_else() -> None:
    verdict = _honest()
    found = merge(verdict, _judged(verdict, degraded="1 of 3 votes were answered (refused)"))
    assert (found.verdict, found.action, found.degraded) == (Word.PASS, Action.PASS, ("judge",))
    assert found.findings[-1].observed == "degraded: 1 of 3 votes were answered (refused)"


def test_another_kind_of_lever_is_no_kernel_win() -> None:
    verdict = _honest().model_copy(update={"counts_as_kernel_win": True})
    assert not merge(verdict, _judged(verdict, _finding(Severity.FLAG, code="lever_class"))).counts_as_kernel_win
    assert merge(verdict, _judged(verdict, _finding(Severity.FLAG, code="other"))).counts_as_kernel_win


def test_a_finding_under_another_name_is_the_judges() -> None:
    verdict = _honest()
    found = merge(verdict, _judged(verdict, _finding(Severity.FLAG, rule="real_delta")))
    assert found.findings[-1].rule == "judge"


@pytest.mark.parametrize("other", ["evidence", "request", "unread"])
def test_a_record_about_other_evidence_is_refused(other: str) -> None:
    verdict = _honest()
    judged = _judged(verdict, _finding(Severity.FAIL, Action.EJECT))
    changes: dict[str, object] = {
        "evidence": {"evidence": "0" * 64},
        "request": {"request": verdict.request.model_copy(update={"attempt": 2})},
        "unread": {"evidence": None},
    }
    with pytest.raises(UserError, match="other evidence"):
        merge(verdict, judged.model_copy(update=changes[other]))
