"""Tells the loads of a sweep apart, so that each is compared with its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.reading.rows import BenchRound

LOADS = frozenset(
    {
        "max_concurrency",
        "request_rate",
        "conc",
        "concurrency",
        "num_concurrent_requests",
        "isl",
        "osl",
        "random_input_len",
        "random_output_len",
        "streams",
        "type_",
        "requested_rate",
        "rate",
        "rate_qps",
    }
)
"""Last parts of the names of arguments that make a load; ``type_`` and ``streams`` are GuideLLM's strategy."""

Load = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sweep:
    """The loads of legs of which at least one has several."""

    common: tuple[Load, ...]
    """Loads that all legs have, in the order of the first."""
    others: tuple[Load, ...]
    """Loads that some leg does not have."""


def load_of(row: BenchRound) -> Load:
    """The arguments of a round that make its load; empty where it states none."""
    return tuple((name, value) for name, value in row.arguments if name.rpartition(".")[2] in LOADS)


def find_sweep(sides: Sequence[Sequence[ImportedLeg]]) -> Sweep | None:
    """The loads of both sides, or of the only one; ``None`` where no side has several."""
    seen = [dict.fromkeys(load_of(row) for leg in legs for row in leg.rows) for legs in sides]
    if max(map(len, seen)) < 2:
        return None
    loads = dict.fromkeys(load for side in seen for load in side)
    common = tuple(load for load in loads if all(load in side for side in seen))
    return Sweep(common, tuple(load for load in loads if load not in common))


def select(legs: Sequence[ImportedLeg], load: Load) -> tuple[ImportedLeg, ...]:
    """The launches with their rounds at one load."""
    chosen = []
    for leg in legs:
        rows = [row for row in leg.rows if load_of(row) == load]
        if len(rows) == len(leg.rows):
            chosen.append(leg)
        elif rows:
            chosen.append(leg.with_rows(rows))
    return tuple(chosen)


def describe(load: Load) -> str:
    """A load as text, without the defaults that say nothing."""
    return ", ".join(f"{name}={value}" for name, value in load if value not in ("inf", "None"))
