"""Tables of the store. A change of them is a new version, and rows are only ever added."""

from __future__ import annotations

APPLICATION_ID = 0x42414E4B
"""Marks a SQLite file as a store of this project: "BANK"."""
VERSION = 1
"""Of these tables; ``user_version`` of the file."""

TABLES = """
CREATE TABLE measurement (
    id INTEGER PRIMARY KEY,
    series TEXT NOT NULL,
    load TEXT NOT NULL,
    entered_at REAL NOT NULL,
    identity TEXT NOT NULL,
    settings TEXT NOT NULL,
    outcome TEXT NOT NULL,
    verdict TEXT NOT NULL,
    ruleset TEXT NOT NULL,
    written_by TEXT NOT NULL
);
CREATE TABLE launch (
    id INTEGER PRIMARY KEY,
    measurement INTEGER NOT NULL REFERENCES measurement (id),
    file TEXT NOT NULL,
    measured_at REAL NOT NULL,
    time_source TEXT NOT NULL
);
CREATE TABLE round (
    id INTEGER PRIMARY KEY,
    launch INTEGER NOT NULL REFERENCES launch (id),
    fingerprint TEXT NOT NULL,
    figures TEXT NOT NULL
);
CREATE INDEX round_fingerprint ON round (fingerprint);
CREATE TABLE verified (
    id INTEGER PRIMARY KEY,
    entered_at REAL NOT NULL,
    run_id TEXT NOT NULL,
    run_folder TEXT NOT NULL,
    engine TEXT NOT NULL,
    architecture TEXT NOT NULL,
    device TEXT NOT NULL,
    workload TEXT NOT NULL,
    lever TEXT NOT NULL,
    settings TEXT NOT NULL,
    metric TEXT NOT NULL,
    outcome TEXT NOT NULL,
    gain REAL,
    lower REAL,
    upper REAL,
    reference_level REAL,
    verdict_digest TEXT NOT NULL,
    written_by TEXT NOT NULL,
    UNIQUE (run_id, lever)
);
"""
"""``round.fingerprint``: of its figures, so that a result that is written again in another form is known. Times are
seconds since the epoch. ``identity``, ``settings`` and ``figures`` are JSON."""

KEEP = "".join(
    f"""
CREATE TRIGGER {table}_is_not_{verb.lower()}d BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'rows of a store are only added'); END;
"""
    for table in ("measurement", "launch", "round", "verified")
    for verb in ("UPDATE", "DELETE")
)
"""Nothing in a store is changed or removed, whoever writes to it."""
