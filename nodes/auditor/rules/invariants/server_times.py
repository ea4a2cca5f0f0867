"""Process, time stamps and bytes of the server's log and telemetry are those of this launch alone (R03 R02)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import (
    LOG,
    all_legs,
    is_whole_log,
    logged,
)
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.server_log import LogFacts
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.records import LegRecord

QUARTER_HOUR_S = 900.0
"""Time zones differ by whole quarters of an hour."""
MARGIN_S = 1.0
"""Seconds around a span in which a batch of it may be logged."""


def _process(case: Case) -> Iterator[ValuePair]:
    """Process ids of log and record, where they are equal on some launch: elsewhere a wrapper starts the server."""
    with_pid = [
        (leg, record, log.pid) for leg, record, log in logged(case) if log.pid is not None and record.driver == "live"
    ]
    if any(pid == record.pid for _, record, pid in with_pid):
        for leg, record, pid in with_pid:
            yield ValuePair(float(pid), float(record.pid), leg.path(LOG))


def _ready_once(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        if log.ready_line is not None and record.driver == "live":
            yield ValuePair(float(log.ready_lines), 1.0, leg.path(LOG))


def _log_span(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        if is_whole_log(leg, log) and log.began is not None and log.ended is not None and record.driver == "live":
            yield ValuePair(log.ended - log.began, record.stopped_at - record.launched_at + 5.0, leg.path(LOG))


def _log_covers(case: Case) -> Iterator[ValuePair]:
    """From the first time stamp of the log to the last lie all timed rounds."""
    for leg, record, log in logged(case):
        stamps = [row.stamp for row in leg.rows if row.stamp is not None]
        if (
            stamps
            and is_whole_log(leg, log)
            and log.began is not None
            and log.ended is not None
            and record.driver == "live"
        ):
            span = max(stamp.ended for stamp in stamps) - min(stamp.started for stamp in stamps)
            yield ValuePair(log.ended - log.began + 2.0, span, leg.path(LOG))


def _shift(leg: LegView, record: LegRecord, log: LogFacts) -> float | None:
    """Seconds from the launch's own clock to the log's: a time zone, and the moments between two readings."""
    if not is_whole_log(leg, log) or log.began is None or record.driver != "live":
        return None
    return log.began - record.launched_at


def _log_clock(case: Case) -> Iterator[ValuePair]:
    """The log begins within the launch, apart from a time zone: seconds before or after it."""
    for leg, record, log in logged(case):
        if (shift := _shift(leg, record, log)) is not None:
            into = shift % QUARTER_HOUR_S
            life = record.stopped_at - record.launched_at
            late = 0.0 if into <= life or life >= QUARTER_HOUR_S else min(into - life, QUARTER_HOUR_S - into)
            yield ValuePair(late, 0.0, leg.path(LOG))


def _log_zone(case: Case) -> Iterator[ValuePair]:
    """All logs of a comparison are written in one time zone, in quarters of an hour."""
    first: float | None = None
    for leg, record, log in logged(case):
        if (shift := _shift(leg, record, log)) is not None:
            first = shift if first is None else first
            yield ValuePair(shift, first, leg.path(LOG))


def _stray_batches(case: Case) -> Iterator[ValuePair]:
    """Seconds in which the scheduler ran batches although the launch's record has it idle."""
    for leg, record, log in logged(case):
        shift = _shift(leg, record, log)
        if shift is None or not record.spans or not log.busy:
            continue
        zone = QUARTER_HOUR_S * round(shift / QUARTER_HOUR_S)
        spans = [(span.started - MARGIN_S, span.ended + MARGIN_S) for span in record.spans]
        spans.append((record.launched_at, (record.ready_at or record.launched_at) + MARGIN_S))
        stray = sum(not any(began - 1.0 <= moment - zone <= ended for began, ended in spans) for moment in log.busy)
        yield ValuePair(float(stray), max(2.0, 0.02 * len(log.busy)), leg.path(LOG))


def _own_log(case: Case) -> Iterator[ValuePair]:
    yield from _own_file(case, LOG)


def _own_host(case: Case) -> Iterator[ValuePair]:
    yield from _own_file(case, "host.jsonl")


def _own_file(case: Case, name: str) -> Iterator[ValuePair]:
    """No file of this name is that of another launch: each against the first with its digest, or with itself."""
    first: dict[str, str] = {}
    live = {leg.folder for leg in all_legs(case) if leg.record is None or leg.record.driver == "live"}
    for leg in all_legs(case):
        path, _ = leg.path(name), leg.host
        digest = case.view.reader.digests.get(path)
        if digest is None or leg.folder not in live or (name == LOG and not (leg.log and is_whole_log(leg, leg.log))):
            continue
        owner = first.setdefault(digest, path)
        yield ValuePair(path if owner == path else f"the bytes of {owner}", path, path)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="server_process",
        left="server.log: process id",
        relation=Relation.EQUAL,
        right="leg.json: pid",
        tolerance=0.0,
        reason="one process",
        mode="R03",
        read=_process,
    ),
    Invariant(
        id="ready_once",
        left="server.log: lines that report the server ready",
        relation=Relation.EQUAL,
        right="one",
        tolerance=0.0,
        reason="one launch writes one log",
        mode="R03",
        read=_ready_once,
    ),
    Invariant(
        id="log_within_launch",
        left="server.log: last minus first time stamp",
        relation=Relation.AT_MOST,
        right="leg.json: stopped_at − launched_at + 5 s",
        tolerance=0.0,
        reason="time stamps have whole seconds; child processes log a few seconds beyond the end",
        mode="R03",
        read=_log_span,
    ),
    Invariant(
        id="log_covers_rounds",
        left="server.log: last minus first time stamp + 2 s",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: last ended − first started",
        tolerance=0.0,
        reason="time stamps have whole seconds",
        mode="R03",
        read=_log_covers,
    ),
    Invariant(
        id="log_clock",
        left="server.log: seconds of its first time stamp outside the launch, apart from a time zone",
        relation=Relation.SAME,
        right="none",
        tolerance=5.0,
        reason="one machine, one clock; zones differ by quarters of an hour",
        mode="R03",
        read=_log_clock,
    ),
    Invariant(
        id="log_zone",
        left="server.log: first time stamp − launched_at of leg.json",
        relation=Relation.SAME,
        right="that of the first launch",
        tolerance=600.0,
        reason="one time zone; starting takes seconds to minutes",
        mode="R03",
        read=_log_zone,
    ),
    Invariant(
        id="batches_in_spans",
        left="server.log: seconds with scheduler lines outside every span of leg.json",
        relation=Relation.AT_MOST,
        right="two, or a fiftieth of all",
        tolerance=0.0,
        reason="a server works only while it starts, or is warmed up, probed or timed",
        mode="C11",
        read=_stray_batches,
    ),
    Invariant(
        id="own_log",
        left="server.log",
        relation=Relation.EQUAL,
        right="a file of this launch alone",
        tolerance=0.0,
        reason="no two launches log the same bytes",
        mode="R02",
        read=_own_log,
    ),
    Invariant(
        id="own_telemetry",
        left="host.jsonl",
        relation=Relation.EQUAL,
        right="a file of this launch alone",
        tolerance=0.0,
        reason="no two launches see the machine at the same times",
        mode="R02",
        read=_own_host,
    ),
)
