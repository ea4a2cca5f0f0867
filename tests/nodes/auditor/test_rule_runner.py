"""Checks behind their guards, and what comes of their answers."""

from __future__ import annotations

import time

from bankable.nodes.auditor.rule import Remark, fail
from bankable.nodes.auditor.rule_runner import MAX_FINDINGS, RuleRun
from bankable.nodes.auditor.verdict import Severity


def test_many_remarks_do_not_push_a_fail_out() -> None:
    rule_run = RuleRun()
    rule_run.run("a_rule", lambda: [*[Remark("harmless")] * 500, fail("a", "b", "c"), *[Remark("more")] * 500])
    assert [finding.severity for finding in rule_run.findings] == [Severity.FAIL]
    assert [note.text for note in rule_run.notes] == ["harmless"] * (MAX_FINDINGS - 1) + [
        "961 more outcomes not listed"
    ]


def test_a_check_that_raises_leaves_the_others_alone() -> None:
    rule_run = RuleRun()

    def broken() -> list[Remark]:
        raise ZeroDivisionError

    rule_run.run("real_delta", broken, gate=True)
    rule_run.run("lever_class", broken)
    rule_run.run("rows_complete", lambda: [Remark("fine")])
    assert rule_run.degraded == ["real_delta", "lever_class"]
    assert [finding.severity for finding in rule_run.findings] == [Severity.FAIL, Severity.FLAG]
    assert [note.text for note in rule_run.notes] == ["fine"]


def test_a_check_that_never_ends_is_cut_short() -> None:
    rule_run = RuleRun()
    rule_run.run("lever_class", lambda: (Remark(str(time.sleep(0.01))) for _ in range(1000)), seconds=0.05)
    assert [finding.observed for finding in rule_run.findings] == ["degraded: OutOfTime"]
