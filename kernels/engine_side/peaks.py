"""The job that measures the roof: bytes per second of a large copy, operations per second of a large matrix product."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

COPY_BYTES = 256 << 20
SIDE = 1024
REPEATS = 7


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The best of several: a peak is what the machine can do when nothing disturbs it."""
    torch.set_num_threads(job["threads"])
    source = torch.ones(COPY_BYTES // 4)
    target = torch.empty_like(source)
    left = torch.randn(SIDE, SIDE).to(getattr(torch, job["dtype"]))
    yield {
        "copy_bandwidth": 2 * COPY_BYTES / best_s(lambda: target.copy_(source)),
        "flop_rate": 2 * SIDE**3 / best_s(lambda: left @ left),
        "cache_bytes": last_level_cache(),
        "measured_at": time.time(),
    }


def best_s(work: Callable[[], object]) -> float:
    """Shortest of some calls after one that does not count, in seconds."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def last_level_cache(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Bytes of the largest cache that the system reports, and 32 MiB where it reports none."""
    sizes = [_bytes(path.read_text(encoding="ascii").strip()) for path in root.glob("index*/size")]
    return max(sizes, default=32 << 20)


def _bytes(text: str) -> int:
    scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
    return int(text.rstrip("KMG")) * scale
