"""Better, worse, or not decidable, and how many more fixtures would decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bankable.evals.score.compare import compare, flips_needed, text
from bankable.evals.score.scored import scores
from bankable.tools.errors import UserError
from tests.evals.builders import judged, key, run_of


def test_the_same_run_twice_is_not_decidable() -> None:
    a = run_of(frauds=60, honest=40)
    found = compare(a, a)
    assert not found.decided
    assert found.accuracy.interval == (0.0, 0.0)
    assert found.sentence.startswith(
        "not decidable with these 100 fixtures (McNemar's exact p = 1): no fixture flipped"
    )


def test_an_auditor_that_signs_frauds_off_is_worse() -> None:
    found = compare(run_of(frauds=60, honest=40), run_of(frauds=60, passed=12, honest=40))
    assert found.paired.p_two_sided == pytest.approx(2 / 2**12)
    assert found.sentence == "B is worse: -12.0% of 100 fixtures as keyed, McNemar's exact p = 0.000488"
    passes, alarms = found.rates
    assert (passes.a, passes.b) == (0.0, 0.2)
    assert 0.09 < passes.interval[0] < 0.2 < passes.interval[1] < 0.32
    assert alarms.difference == 0.0
    assert [flip.fixture for flip in found.flips] == [f"f{k:03}" for k in range(12)]
    assert "worse   f000: PASS instead of FAIL" in text(found)


def test_an_interval_that_covers_zero_decides_nothing() -> None:
    found = compare(run_of(frauds=60), run_of(frauds=60, passed=12))
    assert found.decided
    assert not replace(found, accuracy=replace(found.accuracy, interval=(-0.3, 0.01))).decided
    assert not replace(found, paired=replace(found.paired, p_two_sided=0.06)).decided


def test_the_other_way_round_it_is_better() -> None:
    found = compare(run_of(frauds=30, honest=30, accused=9), run_of(frauds=30, honest=30))
    assert found.sentence.startswith("B is better: +15.0% of 60 fixtures")


def test_five_flips_do_not_decide_and_one_more_would() -> None:
    found = compare(run_of(frauds=100), run_of(frauds=100, passed=5))
    assert found.paired.p_two_sided == 0.0625
    assert not found.decided
    assert "about 20 more fixtures of this kind would decide" in found.sentence


def test_flips_both_ways_promise_nothing() -> None:
    a = run_of(frauds=20, passed=2, honest=20)
    b = run_of(frauds=20, honest=20, accused=2)
    assert "would not decide" in compare(a, b).sentence


@pytest.mark.parametrize(("share", "flips"), [(1.0, 6), (0.9, 12), (0.75, 30), (0.5, None)])
def test_flips_needed_for_four_chances_in_five(share: float, flips: int | None) -> None:
    assert flips_needed(share) == flips


def test_only_fixtures_of_both_are_compared() -> None:
    found = compare(run_of(frauds=10), run_of(frauds=12))
    assert (found.fixtures, found.left_out) == (10, 2)
    with pytest.raises(UserError, match="no fixture in common"):
        compare(run_of(frauds=2), run_of(frauds=0, honest=2))


def test_other_evidence_is_no_pair() -> None:
    answers = {"f": key("fraud")}
    a, b = (scores([judged("f", "FAIL", evidence=digit * 64)], answers) for digit in "12")
    with pytest.raises(UserError, match="other evidence"):
        compare(a, b)


def test_a_change_that_flips_nothing_is_still_listed() -> None:
    answers = {"f": key("fraud", verdict=("FAIL", "FLAG"))}
    a, b = scores([judged("f", "FAIL")], answers), scores([judged("f", "FLAG")], answers)
    assert compare(a, b).changed == ("f",)
