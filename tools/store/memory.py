"""What earlier runs verified where: a prior for the next search, never evidence.

It counts only for the same engine version, model architecture, device and workload: where one of them moves, the memory
of it has expired for this search. A row says what a verdict said; the verdict itself lies in the run's folder.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from bankable.tools.evidence.records.base import Record, Scalar

Settled = Literal["banked", "stacked", "not_real", "undecided", "failed"]


class RunPlace(Record):
    """Where something was verified. A memory counts where all four are equal."""

    engine: str
    """Name and version of the engine, of torch, and of the kernel package where it has one."""
    architecture: str
    """As the model's configuration names it; the model's name where that is not known."""
    device: str
    """Kind of device, and its names or the number of cores."""
    workload: str
    """Load of a round in words, with the limits that decide."""

    def describe(self) -> str:
        """All four in one line."""
        return f"{self.engine}; {self.architecture}; {self.device}; {self.workload}"


class VerifiedLever(Record):
    """What one run found out about one lever."""

    run_id: str
    """Nonce of the run."""
    run_folder: str
    """Where the run lay when it was remembered."""
    place: RunPlace
    """Where it was measured."""
    lever: str
    """The change in words."""
    flags: dict[str, Scalar] = Field(default={})
    """Engine flags that it sets."""
    env: dict[str, str] = Field(default={})
    """Environment variables that it sets."""
    operators: list[str] = Field(default=[])
    """Operators that it replaces; their kernels are not remembered."""
    metric: str
    """Figure that decided."""
    outcome: Settled
    """What became of it."""
    gain: float | None
    """As a fraction, as the verdict re-derived it; ``None`` without one."""
    lower: float | None
    """Lower bound of the gain."""
    upper: float | None
    """Upper bound of the gain."""
    reference_level: float | None
    """The figure of the reference, in its unit."""
    verdict_digest: str
    """sha256 of the verdict's file."""
    entered_at: float = 0.0
    """When it was remembered, seconds since the epoch."""


class SearchMemory(Record):
    """What a search starts with: snapshot of the store for one place, kept in the run's folder."""

    place: RunPlace
    """Where the search is."""
    gains: list[VerifiedLever] = Field(default=[])
    """Settings that were banked there, the largest gain first: tried first."""
    losses: list[str] = Field(default=[])
    """Names of settings that were only ever disproved there: tried last."""
    expired: int = 0
    """Levers in the store that were verified elsewhere, and do not count."""


def add_verified(connection: sqlite3.Connection, levers: Iterable[VerifiedLever], written_by: str) -> int:
    """Add what is not there yet, and return how many that are. Call it within ``write_store``."""
    before = connection.total_changes
    for lever in levers:
        connection.execute(
            "INSERT OR IGNORE INTO verified (entered_at, run_id, run_folder, engine, architecture, device, workload,"
            " lever, settings, metric, outcome, gain, lower, upper, reference_level, verdict_digest, written_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                time.time(),
                lever.run_id,
                lever.run_folder,
                *(getattr(lever.place, name) for name in RunPlace.model_fields),
                lever.lever,
                json.dumps({"flags": lever.flags, "env": lever.env, "operators": lever.operators}, sort_keys=True),
                lever.metric,
                lever.outcome,
                lever.gain,
                lever.lower,
                lever.upper,
                lever.reference_level,
                lever.verdict_digest,
                written_by,
            ),
        )
    return connection.total_changes - before


def read_verified(connection: sqlite3.Connection) -> list[VerifiedLever]:
    """Everything that was remembered, in that order."""
    same = (
        "run_id",
        "run_folder",
        "lever",
        "metric",
        "outcome",
        "gain",
        "lower",
        "upper",
        "reference_level",
        "verdict_digest",
        "entered_at",
    )
    return [
        VerifiedLever.model_validate(
            {
                **{name: row[name] for name in same},
                **json.loads(row["settings"]),
                "place": {name: row[name] for name in RunPlace.model_fields},
            }
        )
        for row in connection.execute("SELECT * FROM verified ORDER BY id")
    ]


def recall(levers: Sequence[VerifiedLever], place: RunPlace) -> SearchMemory:
    """What counts at a place: the latest outcome of each lever there."""
    here = [lever for lever in levers if lever.place == place]
    latest = {lever.lever: lever for lever in here if not lever.operators}
    gains = [lever for lever in latest.values() if lever.outcome == "banked"]
    won = {name for lever in gains for name in (*lever.flags, *lever.env)}
    lost = {name for lever in latest.values() if lever.outcome == "not_real" for name in (*lever.flags, *lever.env)}
    return SearchMemory(
        place=place,
        gains=sorted(gains, key=lambda lever: (-(lever.gain or 0.0), lever.lever)),
        losses=sorted(lost - won),
        expired=len(levers) - len(here),
    )
