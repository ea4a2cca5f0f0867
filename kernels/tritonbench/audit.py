"""Audits tritonbench's results: a speed-up of something that is wrong is no speed-up.

Its own average counts a kernel that writes zeros: accuracy stands in another column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from bankable.kernels.tritonbench.results import AVERAGE, BenchedPoint
from bankable.tools.evidence.records import Record

PointVerdict = Literal["stands", "doubted", "refused"]
SAME = 0.03
"""Relative difference up to which a speed-up is the ratio of the latencies: both are rounded."""


class PointAudit(Record):
    """One implementation at one input that claims a speed-up."""

    x: str
    """The input."""
    label: str
    """Name of the implementation."""
    speedup: float
    """As the file has it."""
    verdict: PointVerdict
    """Only what *stands* counts."""
    why: str = ""
    """Reason of another verdict."""


class LabelAudit(Record):
    """One implementation over all inputs."""

    label: str
    """Name of the implementation."""
    claimed: float | None
    """The file's own average of speed-ups; ``None`` where it has none."""
    stands: float | None
    """Geometric mean of the speed-ups that stand; ``None`` where none does."""
    inputs: int
    """Inputs with a speed-up."""
    standing: int
    """Inputs whose speed-up stands."""


def audit_points(points: Sequence[BenchedPoint]) -> list[PointAudit]:
    """Every point with a speed-up, averages left out."""
    latencies = {(point.x, point.label): point.figure("latency") for point in points}
    audits = []
    for point in points:
        speedup = point.figure("speedup")
        if speedup is None or point.x == AVERAGE:
            continue
        verdict, why = _judge(point, speedup, _baseline_latencies(points, point.x), latencies[point.x, point.label])
        audits.append(PointAudit(x=point.x, label=point.label, speedup=speedup, verdict=verdict, why=why))
    return audits


def by_label(points: Sequence[BenchedPoint], audits: Sequence[PointAudit]) -> list[LabelAudit]:
    """The average of each implementation, as claimed and of what stands."""
    claimed = {point.label: point.figure("speedup") for point in points if point.x == AVERAGE}
    summaries = []
    for label in dict.fromkeys(audit.label for audit in audits):
        own = [audit for audit in audits if audit.label == label]
        standing = [audit.speedup for audit in own if audit.verdict == "stands" and audit.speedup > 0]
        summaries.append(
            LabelAudit(
                label=label,
                claimed=claimed.get(label),
                stands=math.exp(fmean(map(math.log, standing))) if standing else None,
                inputs=len(own),
                standing=len(standing),
            )
        )
    return summaries


def _judge(
    point: BenchedPoint, speedup: float, baselines: Sequence[float], latency: float | None
) -> tuple[PointVerdict, str]:
    if point.accurate is False:
        return "refused", "its accuracy is 0: it does not compute the operator"
    if message := point.cells.get("error_msg", "").strip():
        return "refused", f"it failed: {message[:120]}"
    if latency is not None and baselines and not any(_same(base / latency, speedup) for base in baselines if latency):
        return "refused", f"no baseline's latency over its own, {latency:g} ms, is {speedup:g}"
    if point.accurate is None:
        return "doubted", "accuracy was not measured: add it to --metrics"
    return "stands", ""


def _baseline_latencies(points: Sequence[BenchedPoint], x: str) -> list[float]:
    """Latencies of what has no speed-up of its own at an input: the baselines."""
    return [
        latency
        for point in points
        if point.x == x and point.figure("speedup") is None and (latency := point.figure("latency")) is not None
    ]


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(abs(one), abs(other)) + 0.01
