"""Tells the loads of a sweep apart, so that each is compared with its own."""

from __future__ import annotations

from collections.abc import Sequence

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
        "requested_rate",
        "rate",
        "rate_qps",
    }
)
"""Last parts of the names of arguments that make a load."""

Load = tuple[tuple[str, str], ...]


def load_of(row: BenchRound) -> Load:
    """The arguments of a round that make its load; empty where it states none."""
    return tuple((name, value) for name, value in row.arguments if name.rpartition(".")[2] in LOADS)


def find_loads(sides: Sequence[Sequence[ImportedLeg]]) -> list[Load]:
    """The loads that all sides have, in the order of the first; one or none where the legs are no sweep."""
    seen = [list(dict.fromkeys(load_of(row) for leg in legs for row in leg.rows)) for legs in sides]
    return [load for load in seen[0] if all(load in other for other in seen[1:])] if max(map(len, seen)) > 1 else []


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
