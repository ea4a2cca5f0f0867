"""Estimates the duration of a block and of a screening trial on this machine, from earlier measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from pydantic import ValidationError

from bankable.tools.evidence.folder import finished_legs
from bankable.tools.evidence.harness import Measurement
from bankable.tools.evidence.records import LegRecord, Side
from bankable.tools.measurement.run_context import RunContext

UNKNOWN_BLOCK_S = 90.0
"""Taken before anything was measured."""
UNKNOWN_BENCHMARK_S = 75.0
"""An operator benchmark with a compiled graph in it, on a quiet machine of two cores."""
COUNTED_ON = 0.5
"""Part of the time that a faster candidate should save in its rounds which an estimate counts on."""


def block_seconds(context: RunContext, gain: float = 0.0, rounds: int | None = None) -> float:
    """Median wall time of the blocks so far, launch to stop, driver-clock seconds.

    With an expected ``gain`` of the candidate (a fraction): less by half of what the candidate should save under load.
    With as many ``rounds`` of each leg as a comparison with such a gain has, or as are given.
    """
    blocks: dict[tuple[str, int], list[LegRecord]] = {}
    for leg in finished_legs(context.folder.root / "comparisons"):
        blocks.setdefault((leg.comparison, leg.block), []).append(leg)
    if not blocks:
        return UNKNOWN_BLOCK_S
    planned = context.protocol.count_rounds(gain) if rounds is None else rounds
    saved = COUNTED_ON * (1.0 - 1.0 / (1.0 + max(gain, 0.0)))
    return median(_block_seconds(legs, planned, saved) for legs in blocks.values())


def _block_seconds(legs: Sequence[LegRecord], rounds: int, saved: float) -> float:
    """Wall time of a block with ``rounds`` rounds per leg whose candidate needs less by the fraction ``saved``."""
    total = max(leg.stopped_at for leg in legs) - min(leg.launched_at for leg in legs)
    for leg in legs:
        timed = [span.ended - span.started for span in leg.spans if span.kind == "round"]
        omitted = math.fsum(timed) * (1.0 - rounds / len(timed)) if timed else 0.0
        warm = math.fsum(span.ended - span.started for span in leg.spans if span.kind == "warmup")
        total -= omitted + (saved * (warm + math.fsum(timed) - omitted) if leg.side is Side.CANDIDATE else 0.0)
    return total


def seconds_of(context: RunContext, comparisons: Sequence[str]) -> float:
    """Wall time of these comparisons from the first launch of each to its last stop, driver-clock seconds, in all."""
    total = 0.0
    for name in comparisons:
        legs = finished_legs(context.folder.comparison(name))
        if legs:
            total += max(leg.stopped_at for leg in legs) - min(leg.launched_at for leg in legs)
    return total


def comparison_seconds(context: RunContext, gain: float = 0.0) -> float:
    """Expected time of a comparison that its first look decides, with an expected gain of the candidate."""
    return block_seconds(context, gain) * context.protocol.looks[0]


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
