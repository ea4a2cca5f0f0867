"""An isolated speed-up, recomputed from raw samples and weighted by what the server serves.

    t(row) = median of its samples / calls per sample            nanoseconds per call
    T      = Σ over the served shapes of calls · t               one number per implementation and round
    d      = log(T_live / T_candidate)                           one difference per round of fresh processes

The rule of the project decides over the rounds: mean, one-sided 95 % bounds, exact sign flips.
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
FLOOR = 0.01
"""Where the protocol names none."""


@dataclass(frozen=True)
class Isolated:
    """What raw says about one implementation against the live one."""

    implementation: str
    decision: Decision | None
    """Over rounds; positive means faster than live. ``None`` without one complete round."""
    shapes: Mapping[str, float]
    """Ratio live / candidate at every shape that both ran: geometric mean over rounds."""
    rounds: tuple[int, ...]
    """Rounds with every benched served shape on both legs."""
    incomplete: tuple[int, ...]
    """Rounds with some of them."""
    reference_ns: float | None
    """Weighted time of a served call: mean over rounds."""
    candidate_ns: float | None

    @property
    def speedup(self) -> float | None:
        """Ratio live / candidate of served-weighted times."""
        return None if self.decision is None else math.exp(self.decision.mean)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Bounds of the speed-up; ``None`` for fewer than two rounds."""
        if self.decision is None or self.decision.n < 2:
            return None
        return math.exp(self.decision.lower), math.exp(self.decision.upper)


def isolated(benchmark: OperatorBenchmarkView, implementation: str) -> Isolated:
    """Recompute one implementation's speed-up. Rows that raised or were not timed do not count."""
    live, mine = times(benchmark.reference), times(benchmark.of(implementation))
    both = sorted(live.keys() & mine.keys())
    logs: dict[str, list[float]] = {}
    for cell in both:
        logs.setdefault(cell[1], []).append(math.log(live[cell] / mine[cell]))
    served = [key for key in benchmark.served if key in logs]
    started = sorted({index for index, key in both if key in served})
    complete = [index for index in started if all((index, key) in live and (index, key) in mine for key in served)]
    calls = sum(benchmark.served[key] for key in served)
    sums = [_totals(benchmark, index, served, live, mine) for index in complete]
    protocol = benchmark.measurement.protocol if benchmark.measurement is not None else None
    floor = protocol.floor if protocol is not None and math.isfinite(protocol.floor) else FLOOR
    return Isolated(
        implementation,
        decide([math.log(a / b) for a, b in sums], ALPHA, floor) if sums else None,
        {key: math.exp(fmean(values)) for key, values in sorted(logs.items())},
        tuple(complete),
        tuple(index for index in started if index not in complete),
        fmean(a for a, _ in sums) / calls if sums else None,
        fmean(b for _, b in sums) / calls if sums else None,
    )


def times(rows: Iterable[OpRow]) -> dict[Cell, float]:
    """Nanoseconds per call of every usable row; the first one counts where a row is given twice."""
    found: dict[Cell, float] = {}
    for row in rows:
        if row.measured:
            found.setdefault((row.run.round, row.run.shape), median(row.samples) / row.run.calls_per_sample)
    return found


def metrics(result: Isolated) -> tuple[Metric, ...]:
    """The speed-up as the figures of a verdict."""
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


def headline(benchmark: OperatorBenchmarkView, result: Isolated | None) -> str:
    """The sentence that the rows support."""
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
    mine: Mapping[Cell, float],
) -> tuple[float, float]:
    weights = [(benchmark.served[key], (index, key)) for key in served]
    return math.fsum(w * live[cell] for w, cell in weights), math.fsum(w * mine[cell] for w, cell in weights)
