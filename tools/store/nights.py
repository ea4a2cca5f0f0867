"""Nights of a baseline in the store: measurements that were entered, grouped by when they were made.

Launches whose times are less than ``NIGHT_GAP_S`` apart are of one night, however often and under whatever names they
were entered: two entries of one night are no two nights.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bankable.tools.errors import UserError
from bankable.tools.store.subject import MeasuredSubject

NIGHT_GAP_S = 6 * 3600.0
"""Seconds between two launches from which they are of different nights."""
BEGUN = "begun"
"""Outcome of a measurement that begins a baseline, also one that begins it anew."""

TimeSource = Literal["record", "stated", "entered"]


@dataclass(frozen=True)
class StoredRound:
    """One timed round."""

    fingerprint: str
    """Of its figures: the same run in another file has the same."""
    figures: Mapping[str, float]
    """By name; rates per second, latencies in milliseconds."""


@dataclass(frozen=True)
class StoredLaunch:
    """One server launch."""

    file: str
    """Where its rounds came from, as the caller gave it."""
    measured_at: float
    """Seconds since the epoch."""
    time_source: TimeSource
    """``record``: in the files; ``stated``: by the caller; ``entered``: when it was entered, as nothing else says."""
    rounds: tuple[StoredRound, ...]

    def figure(self, name: str) -> list[float]:
        """A figure of each round; empty where one lacks it."""
        values = [each.figures.get(name) for each in self.rounds]
        return [value for value in values if value is not None] if None not in values else []


@dataclass(frozen=True)
class StoredMeasurement:
    """What was entered at once."""

    series: str
    load: str
    """Arguments that tell a load of a sweep; empty where there is one."""
    entered_at: float
    """Seconds since the epoch."""
    subject: MeasuredSubject
    settings: Mapping[str, str]
    """Resolved server arguments; empty where the files have none."""
    outcome: str
    verdict: str
    """Of the audit of its files alone: PASS or FLAG."""
    ruleset: str
    """Digest of the rules that judged it."""
    written_by: str
    """Version of this program."""
    launches: tuple[StoredLaunch, ...]


Night = tuple[StoredLaunch, ...]


def add_measurement(connection: sqlite3.Connection, measurement: StoredMeasurement) -> None:
    """Add one measurement with its launches and rounds. Call it within ``write_store``."""
    row = connection.execute(
        "INSERT INTO measurement (series, load, entered_at, identity, settings, outcome, verdict, ruleset, written_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            measurement.series,
            measurement.load,
            measurement.entered_at,
            measurement.subject.model_dump_json(),
            json.dumps(dict(measurement.settings), sort_keys=True),
            measurement.outcome,
            measurement.verdict,
            measurement.ruleset,
            measurement.written_by,
        ),
    )
    for launch in measurement.launches:
        added = connection.execute(
            "INSERT INTO launch (measurement, file, measured_at, time_source) VALUES (?, ?, ?, ?)",
            (row.lastrowid, launch.file, launch.measured_at, launch.time_source),
        )
        connection.executemany(
            "INSERT INTO round (launch, fingerprint, figures) VALUES (?, ?, ?)",
            [
                (added.lastrowid, each.fingerprint, json.dumps(dict(each.figures), sort_keys=True))
                for each in launch.rounds
            ],
        )


def read_measurements(connection: sqlite3.Connection, series: str | None = None) -> list[StoredMeasurement]:
    """All measurements of a series, or of all, in the order in which they were entered. Raises ``UserError``."""
    try:
        return _read_rows(connection, series)
    except ValueError as problem:
        first = str(problem).splitlines()[0]
        raise UserError(f"Cannot read the store: a row is damaged, {first}", "", "restore the file") from problem


def _read_rows(connection: sqlite3.Connection, series: str | None) -> list[StoredMeasurement]:
    rounds: dict[int, list[StoredRound]] = {}
    for row in connection.execute("SELECT launch, fingerprint, figures FROM round ORDER BY id"):
        rounds.setdefault(row["launch"], []).append(StoredRound(row["fingerprint"], json.loads(row["figures"])))
    launches: dict[int, list[StoredLaunch]] = {}
    for row in connection.execute("SELECT * FROM launch ORDER BY id"):
        launches.setdefault(row["measurement"], []).append(
            StoredLaunch(row["file"], row["measured_at"], row["time_source"], tuple(rounds.get(row["id"], ())))
        )
    chosen = connection.execute(
        "SELECT * FROM measurement WHERE ? IS NULL OR series = ? ORDER BY id", (series, series)
    ).fetchall()
    return [
        StoredMeasurement(
            row["series"],
            row["load"],
            row["entered_at"],
            MeasuredSubject.model_validate_json(row["identity"]),
            json.loads(row["settings"]),
            row["outcome"],
            row["verdict"],
            row["ruleset"],
            row["written_by"],
            tuple(launches.get(row["id"], ())),
        )
        for row in chosen
    ]


def find_known_round(
    connection: sqlite3.Connection, series: str, launches: Iterable[StoredLaunch]
) -> tuple[StoredLaunch, str, float] | None:
    """The first launch of which a round is in the series already: (launch, the earlier file, when it was entered)."""
    for launch in launches:
        for each in launch.rounds:
            row = connection.execute(
                "SELECT launch.file AS file, measurement.entered_at AS at FROM round"
                " JOIN launch ON round.launch = launch.id JOIN measurement ON launch.measurement = measurement.id"
                " WHERE measurement.series = ? AND round.fingerprint = ?",
                (series, each.fingerprint),
            ).fetchone()
            if row is not None:
                return launch, row["file"], row["at"]
    return None


def find_current(measurements: Sequence[StoredMeasurement]) -> list[StoredMeasurement]:
    """The measurements since the baseline of their load was begun last."""
    begun = [index for index, measurement in enumerate(measurements) if measurement.outcome == BEGUN]
    return list(measurements[begun[-1] :]) if begun else list(measurements)


def group_nights(launches: Iterable[StoredLaunch], gap_s: float = NIGHT_GAP_S) -> list[Night]:
    """Launches by night, oldest first."""
    nights: list[list[StoredLaunch]] = []
    for launch in sorted(launches, key=lambda launch: launch.measured_at):
        if nights and launch.measured_at - nights[-1][-1].measured_at < gap_s:
            nights[-1].append(launch)
        else:
            nights.append([launch])
    return [tuple(night) for night in nights]
