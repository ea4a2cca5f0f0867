"""Percentages in a headline: what each is about, which way it goes, and how much it may be rounded."""

from __future__ import annotations

import pytest

from bankable.nodes.auditor.findings.stated import Stated, percentages


def _one(headline: str) -> Stated:
    (found,) = percentages(headline)
    return found


@pytest.mark.parametrize(
    ("headline", "about", "sign", "value"),
    [
        ("output throughput +30.1 %", "throughput", 1, 30.1),
        ("+30.1% more tok/s", "throughput", 1, 30.1),
        ("TTFT +119 %", "ttft", 1, 119.0),
        ("12 % later first token", "ttft", 1, 12.0),
        ("TPOT 21 % lower", "tpot", -1, 21.0),
        ("inter-token latency \u22124.5 %", "itl", -1, 4.5),
        ("TTFT 5 % higher, not lower", "ttft", 1, 5.0),
        ("95 % confidence interval", "level", 0, 95.0),
        ("at a confidence level of 95 %", "level", 0, 95.0),
        ("above the floor of 1 %", "floor", 0, 1.0),
        ("95 % higher at any confidence", "", 1, 95.0),
        ("+30 % over the floor", "", 1, 30.0),
        ("Durchsatz +30,1 %", "", 1, 30.1),
        ("+1,300 %", "", 1, 1300.0),
        ("+1,30 %", "", 1, 1.3),
    ],
)
def test_what_a_percentage_says(headline: str, about: str, sign: int, value: float) -> None:
    found = _one(headline)
    assert (found.about, found.sign, found.value) == (about, sign, value)


def test_each_percentage_belongs_to_what_stands_before_it() -> None:
    found = list(percentages("output throughput +30.0% at the cost of TTFT +119%, ITL 3 % better"))
    assert [(entry.about, entry.sign) for entry in found] == [("throughput", 1), ("ttft", 1), ("itl", -1)]


def test_rounding_is_of_the_last_digit_and_never_a_large_part() -> None:
    assert _one("27 %").is_(0.266)
    assert not _one("28 %").is_(0.2740)
    assert not _one("2 %").is_(0.016)
    assert _one("+26.7 %").is_(0.2665)
    assert not _one("+26.8 %").is_(0.2665)
    assert not _one("1,300 %").is_(0.013)


def test_a_direction_that_is_said_must_be_right() -> None:
    assert _one("TTFT +20 %").is_(0.2, signed=True)
    assert not _one("TTFT +20 %").is_(-0.2, signed=True)
    assert not _one("TTFT 20 % lower").is_(0.2, signed=True)
    assert _one("TTFT 20 %").is_(-0.2, signed=True)


def test_nothing_beyond_what_is_read() -> None:
    assert list(percentages("x" * 2000 + "5 %")) == []
    assert list(percentages("no figures at all")) == []
