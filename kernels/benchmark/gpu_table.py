"""Results of a measurement on a GPU as a table: times, ratios with intervals, and shares of the device's copies."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median

from rich.table import Table

from bankable.kernels.benchmark.gpu import GpuTiming, Provenance

RESAMPLES = 2000
"""Number of resamples of a bootstrap interval."""


def build_gpu_table(about: Provenance, timings: Sequence[GpuTiming]) -> Table:
    """A line for each shape: ours, its share of the copy bandwidth, and how many times as long the others take."""
    timings = [timing for timing in timings if not timing.look]
    others = sorted({timing.implementation for timing in timings} - {"triton", ""})
    shown = Table("family", "shape", "µs", "of copies", *(f"{name} / triton" for name in others), "error", box=None)
    for family, shape in dict.fromkeys((timing.family, timing.shape) for timing in timings):
        by_name = {
            timing.implementation: timing for timing in timings if (timing.family, timing.shape) == (family, shape)
        }
        ours = by_name.get("triton")
        if ours is None or not ours.right:
            shown.add_row(family, shape, "–", (ours.failed if ours else "") or "wrong", *("" for _ in others), "")
            continue
        shown.add_row(
            family,
            shape,
            f"{1e6 * median(ours.samples_s):.2f}" if ours.samples_s else "not timed",
            _share(about, ours),
            *(_ratio(by_name.get(name), ours) for name in others),
            f"{ours.error:.2g}",
        )
    return shown


def share_of_copies(about: Provenance, timing: GpuTiming) -> float | None:
    """Fraction of the copy bandwidth: bytes that have to move, over those that copies move in that time."""
    if about.copy_bandwidth is None or not timing.samples_s:
        return None
    return timing.bytes_moved / median(timing.samples_s) / about.copy_bandwidth


def ratio(other: GpuTiming, ours: GpuTiming) -> tuple[float, float, float]:
    """Ratio of another implementation's median time to ours, with a 95 % bootstrap interval."""
    chance = random.Random(11)
    drawn = sorted(
        median(chance.choices(other.samples_s, k=len(other.samples_s)))
        / median(chance.choices(ours.samples_s, k=len(ours.samples_s)))
        for _ in range(RESAMPLES)
    )
    low, high = drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES) - 1]
    return median(other.samples_s) / median(ours.samples_s), low, high


def _share(about: Provenance, timing: GpuTiming) -> str:
    share = share_of_copies(about, timing)
    return "–" if share is None else f"{share:.1%}"


def _ratio(other: GpuTiming | None, ours: GpuTiming) -> str:
    if other is None or not other.right:
        return "–" if other is None else other.failed[:40] or "wrong"
    if not (other.samples_s and ours.samples_s):
        return "not timed"
    value, low, high = ratio(other, ours)
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
