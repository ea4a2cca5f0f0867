"""Faults of what was measured: gains, launches, rounds, requests, latencies, reported figures (D)."""

from __future__ import annotations

from random import Random

from bankable.evals.faults.fault import Fault, FaultTarget
from bankable.evals.fixtures.build.edits import candidates, claim, rate, reclaim, references, rows
from bankable.evals.fixtures.build.files import Json, read

LISTS = ("input_lens", "output_lens", "ttfts", "itls", "errors", "cached_tokens", "generated_texts")
"""Per-request lists of a round, in the order of its requests."""


def _smaller_gain(target: FaultTarget, points: float, _: Random) -> None:
    """Every candidate launch is slower by this many percent; the claim follows."""
    for leg in candidates(target.run, target.subject):
        rate(leg, 1 - points / 100)
    reclaim(target.run, target.subject)


def _slow_reference(target: FaultTarget, percent: float, rng: Random) -> None:
    """One reference launch was slow by itself, and contributes a part of the gain."""
    rate(rng.choice(references(target.run, target.subject)), 1 - percent / 100)
    reclaim(target.run, target.subject)


def _slow_first_round(target: FaultTarget, percent: float, _: Random) -> None:
    for side in (references, candidates):
        for leg in side(target.run, target.subject):
            rate(leg, 1 - percent / 100, 1.0)
    reclaim(target.run, target.subject)


def _dropped_requests(target: FaultTarget, count: float, _: Random) -> None:
    """The slowest requests of every candidate round are removed, and its totals reduced accordingly."""

    def drop(row: Json) -> None:
        times = [first + sum(gaps) for first, gaps in zip(row["ttfts"], row["itls"], strict=True)]
        order = sorted(range(len(times)), key=times.__getitem__)
        remaining = sorted(order[: len(order) - round(count)])
        for name in LISTS:
            if row.get(name):
                row[name] = [row[name][index] for index in remaining]
        row.update(
            completed=len(remaining),
            total_output_tokens=sum(row["output_lens"]),
            total_input_tokens=sum(row["input_lens"]),
        )

    if round(count):
        for leg in candidates(target.run, target.subject):
            rows(leg, drop)
        reclaim(target.run, target.subject)


def _later_first_token(target: FaultTarget, percent: float, _: Random) -> None:
    for leg in candidates(target.run, target.subject):
        rows(leg, lambda row: row.update(ttfts=[value * (1 + percent / 100) for value in row["ttfts"]]))
    reclaim(target.run, target.subject)


def _inflated_claim(target: FaultTarget, points: float, _: Random) -> None:
    """The claimed gain is larger than the measured one by this many percentage points."""
    stored_claim = read(target.run / "comparisons" / target.subject / "claim.json")
    claim(target.run, target.subject, delta=stored_claim["delta"] + points / 100)


def _drifted(target: FaultTarget, percent: float, _: Random) -> None:
    """Both legs are faster than the control's reference by this many percent."""
    for side in (references, candidates):
        for leg in side(target.run, target.subject):
            rate(leg, 1 + percent / 100)
    reclaim(target.run, target.subject)


def _unstreamed(target: FaultTarget, percent: float, _: Random) -> None:
    """This many percent of the credited tokens appear in no stream."""

    def cut(row: Json) -> None:
        row["itls"] = [gaps[: len(gaps) - round(len(gaps) * percent / 100)] for gaps in row["itls"]]

    for leg in candidates(target.run, target.subject):
        rows(leg, cut)
    reclaim(target.run, target.subject)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "D01-smaller-gain",
        "% slower than the built gain of 30 %",
        "real_delta",
        10,
        23,
        (0, 5, 10, 15, 18, 20, 21, 22, 23, 25, 30),
        _smaller_gain,
    ),
    Fault(
        "D05-slow-reference-launch",
        "% slower, one reference launch",
        "faulted_rounds",
        20,
        60,
        (0, 10, 20, 30, 40, 50, 60, 75),
        _slow_reference,
    ),
    Fault(
        "D07-slow-first-round",
        "% slower, first round of every launch",
        "baseline_noise",
        0.5,
        5,
        (0, 0.5, 1, 2, 3, 5, 10, 20),
        _slow_first_round,
        scope="baseline",
    ),
    Fault(
        "D11-dropped-requests",
        "slowest requests of each candidate round",
        "rows_complete",
        0,
        1,
        (0, 1, 2, 3),
        _dropped_requests,
    ),
    Fault(
        "D13-later-first-token",
        "% later first token",
        "headline_integrity",
        40,
        100,
        (0, 20, 40, 60, 80, 100, 200),
        _later_first_token,
    ),
    Fault(
        "D14-inflated-claim",
        "percentage points above the measured gain",
        "reported_vs_raw",
        0.05,
        0.2,
        (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.5, 2),
        _inflated_claim,
    ),
    Fault(
        "D15-drifted",
        "% faster machine than in the control",
        "baseline_drift",
        3,
        15,
        (0, 1, 3, 5, 7, 10, 15, 25),
        _drifted,
    ),
    Fault(
        "Q08-unstreamed-tokens",
        "% of streamed pieces missing",
        "rows_complete",
        10,
        45,
        (0, 10, 20, 30, 40, 45, 60, 90),
        _unstreamed,
        base="scheduling",
    ),
)
