"""Faults of the conditions: load on the machine, and different requests to the legs (C)."""

from __future__ import annotations

from random import Random

from bankable.evals.faults.fault import Fault, FaultTarget
from bankable.evals.fixtures.build.edits import candidates, later, references, rows, tenants
from bankable.evals.fixtures.build.files import Json, edit_each


def _guest(target: FaultTarget, percent: float, _: Random) -> None:
    """A foreign process uses CPU while the reference alone is loaded."""
    if percent:
        for leg in references(target.run, target.subject):
            tenants(leg, percent)


def _steal(target: FaultTarget, percent: float, _: Random) -> None:
    """The hypervisor steals time while the reference is loaded."""
    for leg in references(target.run, target.subject):
        edit_each(
            leg / "host.jsonl",
            lambda document: document.update(steal_percent=(document.get("steal_percent") or 0.0) + percent),
        )


def _throttled(target: FaultTarget, percent: float, _: Random) -> None:
    """The reference's cores run at a lower clock."""

    def slower(sample: Json) -> None:
        if sample.get("cpu_mhz"):
            sample["cpu_mhz"] *= 1 - percent / 100

    for leg in references(target.run, target.subject):
        edit_each(leg / "host.jsonl", slower)


def _busy_peer(target: FaultTarget, percent: float, _: Random) -> None:
    """The idle server of a block computes while the reference is loaded."""

    def busy(row: Json) -> None:
        stamp = row["bankable"]
        stamp["peer_cpu_s"] = (stamp["peer_cpu_s"] or 0.0) + percent / 100 * (stamp["ended"] - stamp["started"])

    for leg in references(target.run, target.subject):
        edit_each(leg / "bench_runs.jsonl", busy)


def _apart(target: FaultTarget, minutes: float, _: Random) -> None:
    """The launch that came second in the last block, at a later time."""
    if minutes:
        later(references(target.run, target.subject)[-1], 60 * minutes)


def _shorter_prompts(target: FaultTarget, tokens: float, _: Random) -> None:
    def shorter(row: Json) -> None:
        lengths = [length - round(tokens) for length in row["input_lens"]]
        row.update(input_lens=lengths, total_input_tokens=sum(lengths))

    for leg in candidates(target.run, target.subject):
        rows(leg, shorter)


def _cached(target: FaultTarget, percent: float, _: Random) -> None:
    """This share of the candidate's prompts came from its prefix cache."""

    def warm(row: Json) -> None:
        left, cached = round(sum(row["input_lens"]) * percent / 100), list[int]()
        for length in row["input_lens"]:
            cached.append(min(left, length))
            left -= cached[-1]
        row["cached_tokens"] = cached

    if percent:
        for leg in candidates(target.run, target.subject):
            edit_each(leg / "bench_runs.jsonl", warm)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "C05-launches-apart",
        "minutes between the legs of the last block",
        "interleaving",
        50,
        65,
        (0, 10, 30, 50, 58, 65, 120, 600),
        _apart,
        base="alternating",
    ),
    Fault(
        "C08-shorter-prompts",
        "prompt tokens less on the candidate, per request",
        "same_workload",
        0,
        1,
        (0, 1, 2, 4, 8),
        _shorter_prompts,
    ),
    Fault(
        "C11-busy-peer",
        "% of one core used by the idle server",
        "co_resident_valid",
        7,
        11,
        (0, 2, 5, 7, 9, 11, 20, 100),
        _busy_peer,
    ),
    Fault(
        "C15-guest",
        "% of one core, a foreign process beside the reference",
        "contention",
        20,
        30,
        (0, 10, 20, 25, 30, 50, 100, 200),
        _guest,
    ),
    Fault("C15-steal", "% of the reference's time stolen", "contention", 4, 6, (0, 2, 4, 5, 6, 10, 20, 40), _steal),
    Fault("C15-throttled", "% lower clock on the reference", "clocks", 9, 11, (0, 3, 6, 9, 11, 15, 30), _throttled),
    Fault(
        "C17-warm-cache",
        "% of the candidate's prompt tokens from the cache",
        "same_workload",
        0.8,
        2,
        (0, 0.8, 2, 5, 10, 50),
        _cached,
    ),
)
