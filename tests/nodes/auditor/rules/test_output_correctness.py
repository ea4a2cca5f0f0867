"""Parity with the true baseline, accuracy where numerics change, nothing over gibberish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import Lever
from tests.nodes.auditor.builders import Json, answer, edit_lines, hits, judge, legs, write_lines

RULE = "output_correctness"
DTYPE = Lever(flags={"dtype": "bfloat16"})


def _outputs(
    run: Path, change: Callable[[Json], object], name: str = "patch-stream_interval", side: str = "candidate"
) -> None:
    edit_lines(legs(run, name, side)[0] / "outputs.jsonl", lambda rows: [change(row) for row in rows])


def _swap(row: Json) -> None:
    row["token_ids"] = [*row["token_ids"][:-1], 7]


def _answers(run: Path, wrong: int, count: int = 400) -> None:
    for name, side, lost in (("control", "reference", 0), ("patch-stream_interval", "candidate", wrong)):
        rows = [answer(i, correct=i % 4 != 0 and not (i % 4 == 1 and i // 4 < lost)) for i in range(count)]
        write_lines(legs(run, name, side)[0] / "accuracy.jsonl", rows)


def test_equal_tokens_pass(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_other_tokens_with_equal_accuracy_pass_where_numerics_change(make: Callable[..., Path]) -> None:
    """Q03: reordered arithmetic; byte parity would over-reject."""
    run = make(lever=DTYPE)
    _outputs(run, _swap)
    _answers(run, wrong=0)
    assert not hits(judge(run), RULE)


def test_a_non_deterministic_reference_is_judged_by_accuracy(run: Path) -> None:
    _outputs(run, lambda row: _swap(row) if row["repeat"] else None, "control", "reference")
    _outputs(run, _swap)
    _answers(run, wrong=1)
    assert not hits(judge(run), RULE, Severity.FAIL)


def test_other_tokens_without_a_reason_fail(run: Path) -> None:
    _outputs(run, _swap)
    found = hits(judge(run), RULE, Severity.FAIL)
    assert [entry.code for entry in found] == ["tokens_differ"]


def test_drift_against_the_true_baseline_fails(run: Path) -> None:
    """Q04: equal to its own reference, but both have drifted from the control's."""
    for side in ("reference", "candidate"):
        _outputs(run, _swap, side=side)
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FAIL)] == ["tokens_differ"]


def test_lost_accuracy_fails(make: Callable[..., Path]) -> None:
    run = make(lever=DTYPE)
    _outputs(run, _swap)
    _answers(run, wrong=40)
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FAIL)] == ["accuracy_loss"]


def test_too_few_questions_decide_nothing(make: Callable[..., Path]) -> None:
    run = make(lever=DTYPE)
    _outputs(run, _swap)
    _answers(run, wrong=1, count=40)
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FLAG)] == ["accuracy_undecided"]


def test_gibberish_is_unverifiable(run: Path) -> None:
    """Q01: byte parity with a reference that decodes noise proves nothing."""
    for name in ("control", "patch-stream_interval"):
        for side in ("reference", "candidate"):
            _outputs(run, lambda row: row.update(text="xq zvk wqj pfx " * 20), name, side)
    verdict = judge(run)
    assert verdict.verdict is Word.FAIL
    assert [hit.code for hit in hits(verdict, RULE)] == ["unverifiable_noncoherent_reference"]
    assert [entry.severity for entry in hits(judge(run, "baseline"), RULE)] == [Severity.FLAG]


def test_answers_cut_short_fail(make: Callable[..., Path]) -> None:
    run = make(lever=DTYPE)
    _outputs(run, lambda row: row.update(token_ids=row["token_ids"][:3]))
    _answers(run, wrong=0)
    assert "shorter_answers" in {hit.code for hit in hits(judge(run), RULE, Severity.FAIL)}


def test_request_errors_are_not_wrong_answers(make: Callable[..., Path]) -> None:
    """Q05: a third of the questions failed, and the rest looks fine."""
    run = make(lever=DTYPE)
    _outputs(run, _swap)
    _answers(run, wrong=0)
    edit_lines(
        legs(run, side="candidate")[0] / "accuracy.jsonl",
        lambda rows: [row.update(error="timeout", correct=False) for row in rows[::3]],
    )
    verdict = judge(run)
    assert verdict.verdict is Word.FAIL
    assert any("request errors" in note.text for note in verdict.notes)


def test_answers_graded_right_that_are_wrong_fail(make: Callable[..., Path]) -> None:
    run = make(lever=DTYPE)
    _outputs(run, _swap)
    _answers(run, wrong=40)
    edit_lines(
        legs(run, side="candidate")[0] / "accuracy.jsonl", lambda rows: [row.update(correct=True) for row in rows]
    )
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FAIL)] == ["graded_wrong"]


def test_missing_outputs_are_never_a_pass(run: Path) -> None:
    (legs(run, side="candidate")[0] / "outputs.jsonl").unlink()
    assert judge(run).verdict is Word.FAIL
