"""Processor time of servers, load generator and other programs is that of the machine (C11 C15 E08)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import HOST, ROUNDS, launches, replayed, stamped
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rules.invariants.telemetry import MOST_CORES
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import Side

FEWEST_INSIDE = 3
"""Samples within the rounds of a launch below which its shares are not judged."""


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


def _cores(case: Case) -> dict[str, int]:
    """Cores that the servers of a machine could use together, by its name; where device sets list cores."""
    cores: dict[str, set[str]] = {}
    for _, record in launches(case):
        if record.device == "cpu" and record.device_set and all(core.isdecimal() for core in record.device_set):
            cores.setdefault(record.host, set()).update(record.device_set)
    return {host: len(names) for host, names in cores.items()}


def _of_device_set(case: Case) -> Iterator[ValuePair]:
    """Cores that a server used in a round against those that it could use."""
    for leg, row, stamp in stamped(case):
        record, wall = leg.record, stamp.ended - stamp.started
        if record is None or record.device != "cpu" or wall <= 0 or replayed(leg):
            continue
        if record.device_set and all(core.isdecimal() for core in record.device_set):
            yield ValuePair(stamp.cpu_s / wall, float(len(record.device_set)), leg.path(ROUNDS), row.line)


def _shares(case: Case) -> Iterator[tuple[LegView, float, float, float]]:
    """(launch, busy cores of the machine, cores of its servers, cores of foreign processes), means over its rounds."""
    cores = _cores(case)
    for leg in case.legs:
        if leg.record is None or leg.record.host not in cores or replayed(leg):
            continue
        busy: list[float] = []
        foreign: list[float] = []
        wall = served = 0.0
        for stamp in (row.stamp for row in leg.rows if row.stamp is not None):
            inside = [sample for sample in leg.host if stamp.started <= sample.t <= stamp.ended]
            busy += [sample.cpu_percent / 100.0 for sample in inside]
            foreign += [math.fsum(tenant.cpu_percent for tenant in sample.tenants) / 100.0 for sample in inside]
            wall += stamp.ended - stamp.started
            served += stamp.cpu_s + (stamp.peer_cpu_s or 0.0)
        if len(busy) >= FEWEST_INSIDE and wall > 0:
            yield (
                leg,
                math.fsum(busy) / len(busy) * cores[leg.record.host],
                served / wall,
                math.fsum(foreign) / len(busy),
            )


def _of_machine(case: Case) -> Iterator[ValuePair]:
    """Cores that servers and foreign processes used, against those of the machine that were busy."""
    for leg, busy, served, foreign in _shares(case):
        yield ValuePair(served + foreign, busy, leg.path(HOST))


def _client(case: Case) -> Iterator[ValuePair]:
    """Cores that nobody but the load generator can have used, against those of the server."""
    for leg, busy, served, foreign in _shares(case):
        yield ValuePair(busy - served - foreign, max(served, 1e-9), leg.path(HOST))


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
        right="leg.json: cores in device_set",
        tolerance=0.1,
        reason="a server cannot use more cores than it has; the two clocks are read a moment apart",
        mode="C11",
        read=_of_device_set,
    ),
    Invariant(
        id="cores_of_the_machine",
        left="bench_runs.jsonl and host.jsonl: cores used by servers and foreign processes",
        relation=Relation.AT_MOST,
        right="host.jsonl: cores that were busy",
        tolerance=0.3,
        reason="parts of one sum; samples of single seconds miss the ends of rounds",
        mode="C15",
        read=_of_machine,
    ),
    Invariant(
        id="client_bound",
        left="host.jsonl: busy cores that are neither the server's nor a foreign process's",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: cores of the server",
        tolerance=1.0,
        reason="a load generator that works more than the server limits what is measured",
        mode="C15",
        read=_client,
        severity=Severity.FLAG,
        advice="give the load generator cores of its own, or measure with a lighter client",
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
