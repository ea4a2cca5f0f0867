"""What is said of a result."""

from __future__ import annotations

import pytest

from bankable.nodes.reporter import RunOutcome, verdict_words


@pytest.mark.parametrize(
    ("word", "degraded", "said"),
    [
        ("PASS", (), "verified gain"),
        ("FLAG", (), "verified gain, corrected headline"),
        ("PASS", ("clocks",), "measured gain, not fully judged"),
        ("FLAG", ("clocks",), "measured gain, not fully judged"),
        ("SKIPPED", (), "measured gain, not audited"),
        (None, ("clocks",), "no verified gain"),
    ],
)
def test_only_a_verdict_whose_rules_all_answered_verifies_a_gain(
    word: str | None, degraded: tuple[str, ...], said: str
) -> None:
    assert verdict_words(word, degraded) == said


def test_an_outcome_at_one_load_is_written_as_it_always_was_also_in_part() -> None:
    outcome = RunOutcome(verdict="v", headline="h", delta=None, interval=None, accepted=[], decisions=[])
    assert "frontier" not in outcome.model_dump()
    assert outcome.model_dump(include={"verdict", "headline"}) == {"verdict": "v", "headline": "h"}
    assert outcome.model_copy(update={"frontier": "f"}).model_dump()["frontier"] == "f"
