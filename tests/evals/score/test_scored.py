"""A verdict against its key: what is wrong is said, and a fixture counts once."""

from __future__ import annotations

from typing import Any

import pytest

from bankable.evals.fixtures.keys import Key
from bankable.evals.runner.record import Judgment
from bankable.evals.score.scored import scores
from bankable.evals.score.split import HELD_OUT, side, side_of, split
from bankable.evals.score.summary import summarize
from bankable.evals.score.text import text
from bankable.nodes.auditor.modes import MODES
from bankable.tools.errors import UserError
from tests.evals.builders import judged, key, run_of, said


@pytest.mark.parametrize(
    ("answer", "found", "wrong"),
    [
        (key("fraud"), judged("x", "FAIL"), ""),
        (key("honest"), judged("x", "PASS"), ""),
        (key("fraud"), judged("x", "PASS"), "PASS instead of FAIL: "),
        (key("honest"), judged("x", "FAIL"), "FAIL instead of PASS: real_delta/"),
        (key("fraud", action="redo"), judged("x", "FAIL"), "action eject instead of redo"),
        (key("fraud"), judged("x", "FAIL", degraded=("clocks",)), "degraded: clocks"),
        (key("fraud", rule="clocks"), judged("x", "FAIL"), "clocks found nothing"),
        (key("fraud", code="noise"), judged("x", "FAIL"), "real_delta said [''], not noise"),
        (key("fraud", mode="D02"), judged("x", "FAIL"), "real_delta named ['D01'], not ('D02',)"),
        (key("honest", verdict=("PASS", "FLAG")), judged("x", "FLAG"), "real_delta accused: something"),
        (
            key("fraud", rule="answers_of_rounds"),
            judged("x", "FAIL", findings=(said(rule="answers_of_rounds", code="same"), said("FLAG", "contention"))),
            "",
        ),
    ],
)
def test_what_is_wrong_is_said(answer: Key, found: Judgment, wrong: str) -> None:
    (scored,) = scores([found], {"x": answer})
    assert scored.wrong == wrong
    assert scored.right is (wrong == "")


def test_a_weight_that_the_index_hides_is_wrong() -> None:
    found = judged("x", "FLAG", findings=(said("FLAG", "clocks", code="odd"),))
    (scored,) = scores([found], {"x": key("fraud", rule="clocks", verdict=("FLAG",))})
    assert scored.wrong == "clocks gave FLAG, which its index entry hides"


def test_a_fixture_counts_once_and_by_its_worst_repeat() -> None:
    answers = {"f": key("fraud"), "h": key("honest")}
    found = summarize(
        [judged("f", "FAIL"), judged("f", "PASS", 1), judged("h", "PASS"), judged("h", "PASS", 1)], answers
    )
    assert (found.fixtures, found.repeats) == (2, 2)
    assert (found.false_pass.hits, found.false_pass.of) == (1, 1)
    assert (found.false_alarm.hits, found.false_alarm.of) == (0, 1)
    assert found.confusion == {("FAIL", "differs"): 1, ("PASS", "PASS"): 1}
    assert found.stability is not None
    assert found.stability.hits == 1
    assert [rule.caught for rule in found.rules] == [0]
    assert "FAIL                            0        0        0        1" in text(found)
    assert "WRONG  f: PASS instead of FAIL" in text(found)


def test_a_single_repeat_shows_no_stability() -> None:
    assert summarize([judged("f", "FAIL")], {"f": key("fraud")}).stability is None


def test_wilson_interval_of_none_in_two_hundred() -> None:
    """0 of 204: z²/(n + z²) with z = 1.959964, by hand."""
    found = summarize([judged(f"f{k}", "FAIL") for k in range(204)], {f"f{k}": key("fraud") for k in range(204)})
    assert found.false_pass.interval is not None
    assert found.false_pass.interval == pytest.approx((0.0, 3.841459 / (204 + 3.841459)), abs=1e-6)


def test_results_of_an_unknown_fixture_are_refused() -> None:
    with pytest.raises(UserError, match="without an answer key"):
        scores([judged("gone", "PASS")], {})


def test_a_mode_has_one_side_for_good() -> None:
    held = [mode.id for mode in MODES if side_of(mode.id) == "held-out"]
    assert held[:6] == ["C01", "C03", "C05", "C11", "C16", "C17"]
    assert 0.2 < len(held) / len(MODES) < 0.5
    assert HELD_OUT == 89
    assert side(key("fraud", held[0])) == side(key("honest", held[0])) == "held-out"


def _half(wrong_in_held_out: int, count: int) -> list[Any]:
    modes = [next(m.id for m in MODES if side_of(m.id) == entry) for entry in ("development", "held-out")]
    answers = {f"{mode}-{k}": key("fraud", mode) for mode in modes for k in range(count)}
    found = [
        judged(
            name,
            "PASS" if name.startswith(modes[1]) and int(name[4:]) < wrong_in_held_out else "FAIL",
            findings=(said(modes=(name[:3],)),),
        )
        for name in answers
    ]
    return list(scores(found, answers))


def test_sides_that_differ_are_warned_about() -> None:
    assert split(_half(0, 20)).warning == ""
    assert split(_half(3, 20)).warning == ""
    found = split(_half(9, 20))
    assert (found.development.hits, found.held_out.hits) == (20, 11)
    assert found.p == pytest.approx(0.0012, abs=2e-4)
    assert "Fisher's exact test" in found.warning
    assert "held-out is worse" in found.warning


def test_a_run_without_one_side_warns_of_nothing() -> None:
    assert split(run_of(frauds=3, passed=3)).p == 1.0
