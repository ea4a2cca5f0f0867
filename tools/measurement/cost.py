"""Estimates the duration of a block and of a screening trial on this machine, from earlier measurements."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pydantic import ValidationError

from bankable.tools.evidence.folder import finished_legs
from bankable.tools.evidence.harness import Measurement
from bankable.tools.measurement.run_context import RunContext

UNKNOWN_BLOCK_S = 90.0
"""Taken before anything was measured."""
UNKNOWN_BENCHMARK_S = 75.0
"""An operator benchmark with a compiled graph in it, on a quiet machine of two cores."""


def block_seconds(context: RunContext) -> float:
    """Median wall time of the blocks so far, launch to stop, driver-clock seconds."""
    spans: dict[tuple[str, int], tuple[float, float]] = {}
    for leg in finished_legs(context.folder.root / "comparisons"):
        key = (leg.comparison, leg.block)
        start, stop = spans.get(key, (leg.launched_at, leg.stopped_at))
        spans[key] = (min(start, leg.launched_at), max(stop, leg.stopped_at))
    return median(stop - start for start, stop in spans.values()) if spans else UNKNOWN_BLOCK_S


def seconds_of(context: RunContext, comparisons: Sequence[str]) -> float:
    """Wall time of these comparisons from the first launch of each to its last stop, driver-clock seconds, in all."""
    total = 0.0
    for name in comparisons:
        legs = finished_legs(context.folder.comparison(name))
        if legs:
            total += max(leg.stopped_at for leg in legs) - min(leg.launched_at for leg in legs)
    return total


def comparison_seconds(context: RunContext) -> float:
    """Expected time of a comparison that its first look decides."""
    return block_seconds(context) * context.protocol.looks[0]


def benchmark_seconds(context: RunContext) -> float:
    """Median wall time of the operator benchmarks so far, seconds."""
    spans: list[float] = []
    for path in sorted((context.folder.root / "ops").glob("*/bench-*/measurement.json")):
        try:
            measurement = Measurement.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        spans.append(measurement.ended - measurement.started)
    return median(spans) if spans else UNKNOWN_BENCHMARK_S
