"""Recomputes an isolated speed-up from raw samples, weighted by the calls that the server makes.

    t(row) = median of its samples / calls per sample            nanoseconds per call
    T      = Σ over the served shapes of calls · t               nanoseconds per implementation and round
    d      = log(T_live / T_candidate)                           one difference per round of fresh processes

The decision over the rounds is that of ``tools/statistics/paired.py``: mean, one-sided 95 % bounds, exact sign flips.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow
from bankable.nodes.auditor.verdict import Interval, Metric
from bankable.tools.statistics.paired import Decision, decide

Cell = tuple[int, str]
"""Round and shape."""
ALPHA = 0.05
"""One-sided error probability of a bound."""
FLOOR = 0.01
"""Minimum effect (relative) when the protocol names none."""


@dataclass(frozen=True)
class IsolatedSpeedup:
    """The speed-up of one implementation over the live one, recomputed from raw samples."""

    implementation: str
    """Implementation id."""
    decision: Decision | None
    """Over rounds; positive means faster than live. ``None`` without one complete round."""
    shapes: Mapping[str, float]
    """Ratio live / candidate of times per call at every shape that both ran: geometric mean over rounds."""
    rounds: tuple[int, ...]
    """Rounds with every benchmarked served shape on both legs."""
    incomplete: tuple[int, ...]
    """Rounds with only some of these shapes."""
    reference_ns: float | None
    """Weighted time per served call of the live implementation, nanoseconds: mean over rounds."""
    candidate_ns: float | None
    """The same of the candidate."""

    @property
    def speedup(self) -> float | None:
        """Ratio live / candidate of served-weighted times."""
        return None if self.decision is None else math.exp(self.decision.mean)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Bounds of the ratio; ``None`` for fewer than two rounds."""
        if self.decision is None or self.decision.n < 2:
            return None
        return math.exp(self.decision.lower), math.exp(self.decision.upper)


def measure_isolated(benchmark: OperatorBenchmarkView, implementation: str) -> IsolatedSpeedup:
    """Recompute one implementation's speed-up. Rows that raised or were not timed do not count."""
    live, candidate = median_times(benchmark.reference), median_times(benchmark.of(implementation))
    both = sorted(live.keys() & candidate.keys())
    logs: dict[str, list[float]] = {}
    for cell in both:
        logs.setdefault(cell[1], []).append(math.log(live[cell] / candidate[cell]))
    served = [key for key in benchmark.served if key in logs]
    started = sorted({index for index, key in both if key in served})
    complete = [index for index in started if all((index, key) in live and (index, key) in candidate for key in served)]
    calls = sum(benchmark.served[key] for key in served)
    sums = [_totals(benchmark, index, served, live, candidate) for index in complete]
    protocol = benchmark.measurement.protocol if benchmark.measurement is not None else None
    floor = protocol.floor if protocol is not None and math.isfinite(protocol.floor) else FLOOR
    return IsolatedSpeedup(
        implementation,
        decide([math.log(a / b) for a, b in sums], ALPHA, floor) if sums else None,
        {key: math.exp(fmean(values)) for key, values in sorted(logs.items())},
        tuple(complete),
        tuple(index for index in started if index not in complete),
        fmean(a for a, _ in sums) / calls if sums else None,
        fmean(b for _, b in sums) / calls if sums else None,
    )


def median_times(rows: Iterable[OpRow]) -> dict[Cell, float]:
    """Nanoseconds per call of every usable row, by round and shape; the first row counts when there are two."""
    medians: dict[Cell, float] = {}
    for row in rows:
        if row.measured:
            medians.setdefault((row.run.round, row.run.shape), median(row.samples) / row.run.calls_per_sample)
    return medians


def build_metrics(result: IsolatedSpeedup) -> tuple[Metric, ...]:
    """The speed-up as metrics of a verdict."""
    if result.decision is None or result.reference_ns is None or result.candidate_ns is None:
        return ()
    bounds = result.interval
    return (
        Metric(
            name="isolated_time",
            unit="µs",
            reference=result.reference_ns / 1e3,
            candidate=result.candidate_ns / 1e3,
            delta=result.decision.gain,
            interval=Interval(lower=bounds[0] - 1, upper=bounds[1] - 1) if bounds is not None else None,
        ),
    )


def build_headline(benchmark: OperatorBenchmarkView, result: IsolatedSpeedup | None) -> str:
    """The headline that the rows support."""
    operator = benchmark.task.operator if benchmark.task is not None else "operator"
    if result is None or result.speedup is None or result.decision is None:
        return f"{operator}: no isolated speed-up could be derived"
    span = "" if result.interval is None else " [{:.3g}, {:.3g}]".format(*result.interval)
    state = result.decision.verdict.replace("_", " ")
    return (
        f"{operator}: {result.implementation} {result.speedup:.3g}×{span} isolated at served shapes over "
        f"{result.decision.n} rounds, {state}; the serving gain is not measured here"
    )


def _totals(
    benchmark: OperatorBenchmarkView,
    index: int,
    served: list[str],
    live: Mapping[Cell, float],
    candidate: Mapping[Cell, float],
) -> tuple[float, float]:
    weights = [(benchmark.served[key], (index, key)) for key in served]
    return math.fsum(w * live[cell] for w, cell in weights), math.fsum(w * candidate[cell] for w, cell in weights)
