"""Processor time of servers, load generator and other programs is that of the machine (C11 C15 E08)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import ROUNDS, replayed, stamped
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.rules.invariants.telemetry import MOST_CORES
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import Side


def _used(case: Case) -> Iterator[ValuePair]:
    """CPU seconds of a server over the wall time of its round."""
    for leg, row, stamp in stamped(case):
        wall = stamp.ended - stamp.started
        if wall > 0:
            yield ValuePair(stamp.cpu_s / wall, 0.001, leg.path(ROUNDS), row.line)


def _possible(case: Case) -> Iterator[ValuePair]:
    """Cores that server and idle server used in a round against more than any machine has."""
    for leg, row, stamp in stamped(case):
        wall = stamp.ended - stamp.started
        if wall > 0:
            used = (stamp.cpu_s + (stamp.peer_cpu_s or 0.0)) / wall
            yield ValuePair(used, MOST_CORES, leg.path(ROUNDS), row.line)


def _of_device_set(case: Case) -> Iterator[ValuePair]:
    """Cores that a server used in a round against those that it could use: its device set's, or the run's."""
    chosen = case.planned.chosen if case.planned is not None else None
    for leg, row, stamp in stamped(case):
        record, wall = leg.record, stamp.ended - stamp.started
        if record is None or record.device != "cpu" or wall <= 0 or replayed(leg):
            continue
        listed = bool(record.device_set) and all(core.isdecimal() for core in record.device_set)
        cores = len(record.device_set) if listed else chosen.cores if chosen is not None else None
        if cores is not None:
            yield ValuePair(stamp.cpu_s / wall, float(cores), leg.path(ROUNDS), row.line)


def _idle_time(case: Case) -> Iterator[ValuePair]:
    for leg, row, stamp in stamped(case):
        if stamp.peer_cpu_s is not None:
            yield ValuePair(stamp.peer_cpu_s, 0.0, leg.path(ROUNDS), row.line)


def _busy_machine(case: Case) -> Iterator[ValuePair]:
    """Cores of the machine, as far as each round shows them: CPU seconds over the busy share of the wall time.

    The server's share of the busy time differs from round to round, so a round shows at most the machine's cores. The
    largest of one side over the largest of the other is compared: edited CPU seconds or shares stand out.
    """
    cores: dict[Side, list[float]] = {side: [] for side in Side}
    for leg, _, stamp in stamped(case):
        wall = stamp.ended - stamp.started
        busy = [sample.cpu_percent / 100.0 for sample in leg.host if stamp.started <= sample.t <= stamp.ended + 1.0]
        if leg.side is not None and wall > 0 and busy and math.fsum(busy) > 0 and not replayed(leg):
            cores[leg.side].append(stamp.cpu_s / wall / (math.fsum(busy) / len(busy)))
    if all(cores.values()):
        yield (
            ValuePair(math.log(median(cores[Side.CANDIDATE]) / median(cores[Side.REFERENCE])), 0.0, case.candidate_file)
            if min(median(values) for values in cores.values()) > 0
            else ValuePair(math.inf, 0.0, case.candidate_file)
        )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="server_worked",
        left="bench_runs.jsonl: cpu_s / (ended − started)",
        relation=Relation.AT_LEAST,
        right="a thousandth of a core",
        tolerance=0.0,
        reason="a server that answers uses the processor",
        mode="E08",
        read=_used,
    ),
    Invariant(
        id="cores_used",
        left="bench_runs.jsonl: (cpu_s + peer_cpu_s) / (ended − started)",
        relation=Relation.AT_MOST,
        right="4096 cores",
        tolerance=0.0,
        reason="no machine has more",
        mode="C11",
        read=_possible,
    ),
    Invariant(
        id="cores_of_the_server",
        left="bench_runs.jsonl: cpu_s / (ended − started)",
        relation=Relation.AT_MOST,
        right="leg.json: cores in device_set, or plan.json: chosen.cores",
        tolerance=0.1,
        reason="a server cannot use more cores than it has; the two clocks are read a moment apart",
        mode="C11",
        read=_of_device_set,
    ),
    Invariant(
        id="idle_time",
        left="bench_runs.jsonl: peer_cpu_s",
        relation=Relation.AT_LEAST,
        right="0",
        tolerance=0.0,
        reason="a duration",
        mode="C11",
        read=_idle_time,
    ),
    Invariant(
        id="processor_balance",
        left="bench_runs.jsonl and host.jsonl: log ratio candidate / reference of CPU seconds per busy second",
        relation=Relation.SAME,
        right="0",
        tolerance=1.6,
        reason="one machine on both sides; a lever may use a quarter of the processor time",
        mode="C15",
        read=_busy_machine,
        severity=Severity.FLAG,
    ),
)
