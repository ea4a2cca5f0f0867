"""The machine's telemetry is complete and possible: samples a second, shares, clocks, memory (C15 R03)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import HOST, ROUNDS, replayed, stamped
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import HostSample

FEWEST = 20
"""Samples below which nothing is said about how they vary."""
MOST_CORES = 4096.0
LARGEST_CLOCK_MHZ = 10_000.0
SMALLEST_CLOCK_MHZ = 50.0


def _sampled(case: Case) -> Iterator[tuple[LegView, tuple[HostSample, ...]]]:
    for leg in case.legs:
        if leg.host:
            yield leg, leg.host


def _extreme(
    pick: Callable[[list[tuple[float, int]]], tuple[float, int]],
    value: Callable[[HostSample], float | None],
    limit: float,
) -> Callable[[Case], Iterator[ValuePair]]:
    """The value of each launch that ``pick`` takes among its samples, with its line, against a limit."""

    def read(case: Case) -> Iterator[ValuePair]:
        for leg, samples in _sampled(case):
            values = [(number, index) for index, sample in enumerate(samples) if (number := value(sample)) is not None]
            if values:
                worst, index = pick(values)
                yield ValuePair(worst, limit, leg.path(HOST), index + 1)

    return read


_highest = partial(_extreme, max)
_lowest = partial(_extreme, min)


def _gpu_share(sample: HostSample) -> float | None:
    shares = [value for device in sample.gpu for name, value in device.items() if name.endswith(("_percent", "_pct"))]
    return max(shares, default=None)


def _gpu_lowest(sample: HostSample) -> float | None:
    return min((value for device in sample.gpu for value in device.values()), default=None)


def _clock(sample: HostSample) -> float | None:
    clocks = [value for device in sample.gpu for name, value in device.items() if name.endswith("_mhz")]
    clocks += [sample.cpu_mhz] if sample.cpu_mhz is not None else []
    return max(clocks, default=None)


def _slowest_clock(sample: HostSample) -> float | None:
    return sample.cpu_mhz


def _busiest_tenant(sample: HostSample) -> float | None:
    return max((tenant.cpu_percent for tenant in sample.tenants), default=None)


def _idlest_tenant(sample: HostSample) -> float | None:
    return min((tenant.cpu_percent for tenant in sample.tenants), default=None)


def _steps(case: Case) -> Iterator[ValuePair]:
    """The typical time between two samples of a launch, seconds."""
    for leg, samples in _sampled(case):
        if len(samples) >= FEWEST and not replayed(leg):
            steps = [after.t - before.t for before, after in pairwise(samples)]
            yield ValuePair(median(steps), 1.0, leg.path(HOST))


def _in_order(case: Case) -> Iterator[ValuePair]:
    """Samples that are not later than the one before them."""
    for leg, samples in _sampled(case):
        if not replayed(leg):
            backward = sum(after.t <= before.t for before, after in pairwise(samples))
            yield ValuePair(float(backward), 0.0, leg.path(HOST))


def _covered(case: Case) -> Iterator[ValuePair]:
    """Seconds of the timed rounds that lie before the first or after the last sample."""
    for leg, row, stamp in stamped(case):
        if leg.host and not replayed(leg):
            missing = max(leg.host[0].t - stamp.started, stamp.ended - leg.host[-1].t, 0.0)
            yield ValuePair(missing, 0.0, leg.path(ROUNDS), row.line)


def _holes(case: Case) -> Iterator[ValuePair]:
    """The longest time without a sample while a round ran, against 10 s."""
    for leg, samples in _sampled(case):
        stamps = [row.stamp for row in leg.rows if row.stamp is not None]
        if len(samples) < 2 or not stamps or replayed(leg):
            continue
        hole = 0.0
        for before, after in pairwise(samples):
            if any(before.t < stamp.ended and stamp.started < after.t for stamp in stamps):
                hole = max(hole, after.t - before.t)
        yield ValuePair(hole, 10.0, leg.path(HOST))


def _moves(case: Case) -> Iterator[ValuePair]:
    """Different values of the free memory, over at least ``FEWEST`` samples."""
    for leg, samples in _sampled(case):
        if len(samples) >= FEWEST and not replayed(leg):
            yield ValuePair(float(len({sample.mem_available_bytes for sample in samples})), 2.0, leg.path(HOST))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="cpu_share",
        left="host.jsonl: highest cpu_percent",
        relation=Relation.AT_MOST,
        right="100",
        tolerance=0.02,
        reason="rounding of the system's counters",
        mode="C15",
        read=_highest(lambda sample: sample.cpu_percent, 100.0),
    ),
    Invariant(
        id="cpu_share_not_negative",
        left="host.jsonl: lowest cpu_percent",
        relation=Relation.AT_LEAST,
        right="0",
        tolerance=0.0,
        reason="a share",
        mode="C15",
        read=_lowest(lambda sample: sample.cpu_percent, 0.0),
    ),
    Invariant(
        id="steal_share",
        left="host.jsonl: highest steal_percent",
        relation=Relation.AT_MOST,
        right="100",
        tolerance=0.02,
        reason="rounding of the system's counters",
        mode="C15",
        read=_highest(lambda sample: sample.steal_percent, 100.0),
    ),
    Invariant(
        id="steal_not_negative",
        left="host.jsonl: lowest steal_percent",
        relation=Relation.AT_LEAST,
        right="0",
        tolerance=0.0,
        reason="a share",
        mode="C15",
        read=_lowest(lambda sample: sample.steal_percent, 0.0),
    ),
    Invariant(
        id="load_not_negative",
        left="host.jsonl: lowest load_1m",
        relation=Relation.AT_LEAST,
        right="0",
        tolerance=0.0,
        reason="a count",
        mode="C15",
        read=_lowest(lambda sample: sample.load_1m, 0.0),
    ),
    Invariant(
        id="memory_left",
        left="host.jsonl: lowest mem_available_bytes",
        relation=Relation.AT_LEAST,
        right="1 MiB",
        tolerance=0.0,
        reason="below that nothing runs",
        mode="C15",
        read=_lowest(lambda sample: float(sample.mem_available_bytes), float(1 << 20)),
    ),
    Invariant(
        id="possible_clock",
        left="host.jsonl: highest clock of processor or device, MHz",
        relation=Relation.AT_MOST,
        right="10 GHz",
        tolerance=0.0,
        reason="no processor runs faster",
        mode="C15",
        read=_highest(_clock, LARGEST_CLOCK_MHZ),
    ),
    Invariant(
        id="running_clock",
        left="host.jsonl: lowest cpu_mhz",
        relation=Relation.AT_LEAST,
        right="50 MHz",
        tolerance=0.0,
        reason="no server processor idles slower",
        mode="C15",
        read=_lowest(_slowest_clock, SMALLEST_CLOCK_MHZ),
    ),
    Invariant(
        id="device_share",
        left="host.jsonl: highest share of a GPU, percent",
        relation=Relation.AT_MOST,
        right="100",
        tolerance=0.02,
        reason="a share",
        mode="C15",
        read=_highest(_gpu_share, 100.0),
    ),
    Invariant(
        id="device_not_negative",
        left="host.jsonl: lowest value of a GPU",
        relation=Relation.AT_LEAST,
        right="0",
        tolerance=0.0,
        reason="use, clocks, power, memory and temperature of a running device are positive",
        mode="C15",
        read=_lowest(_gpu_lowest, 0.0),
    ),
    Invariant(
        id="tenant_share",
        left="host.jsonl: highest cpu_percent of a foreign process",
        relation=Relation.AT_MOST,
        right="100 percent of 4096 cores",
        tolerance=0.0,
        reason="no machine has more",
        mode="C15",
        read=_highest(_busiest_tenant, 100.0 * MOST_CORES),
    ),
    Invariant(
        id="tenant_not_negative",
        left="host.jsonl: lowest cpu_percent of a foreign process",
        relation=Relation.AT_LEAST,
        right="0",
        tolerance=0.0,
        reason="a share",
        mode="C15",
        read=_lowest(_idlest_tenant, 0.0),
    ),
    Invariant(
        id="sample_rate",
        left="host.jsonl: median time between samples, seconds",
        relation=Relation.AT_MOST,
        right="one second",
        tolerance=2.0,
        reason="a sample a second, later on a busy machine: up to 1.6 s in recorded runs",
        mode="C15",
        read=_steps,
    ),
    Invariant(
        id="samples_in_order",
        left="host.jsonl: samples that are not later than the one before",
        relation=Relation.SAME,
        right="none",
        tolerance=0.0,
        reason="written as they are taken",
        mode="R03",
        read=_in_order,
    ),
    Invariant(
        id="rounds_sampled",
        left="bench_runs.jsonl: seconds of a round outside host.jsonl",
        relation=Relation.SAME,
        right="none",
        tolerance=4.0,
        reason="telemetry runs from launch to stop; the nearest sample is up to a few steps away",
        mode="C15",
        read=_covered,
    ),
    Invariant(
        id="no_holes",
        left="host.jsonl: longest time without a sample during rounds, seconds",
        relation=Relation.AT_MOST,
        right="10 s",
        tolerance=0.0,
        reason="a stall of the whole machine of that length spoils the round too",
        mode="C15",
        read=_holes,
        severity=Severity.FLAG,
    ),
    Invariant(
        id="telemetry_moves",
        left="host.jsonl: different values of mem_available_bytes",
        relation=Relation.AT_LEAST,
        right="two",
        tolerance=0.0,
        reason="free memory of a working machine never stays the same for twenty seconds",
        mode="C15",
        read=_moves,
    ),
)
