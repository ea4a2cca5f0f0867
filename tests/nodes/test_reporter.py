"""What is said of a result."""

from __future__ import annotations

import pytest

from bankable.nodes.reporter import verdict_words


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
