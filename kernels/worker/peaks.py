"""The job that measures the roof: bytes per second of a large copy, operations per second of a large matrix product.

A copy goes through two buffers that are together larger than the caches, piece by piece; each piece is timed alone, so
that on a machine with other tenants some of them run undisturbed. A peak is what the machine can do: the best counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

LEAST_BYTES = 128 << 20
"""Bytes of each buffer."""
PIECE = 8 << 20
PASSES = 3
SIDE = 512
MOST_PRODUCTS = 24
LEAST_PRODUCTS = 2
ENOUGH_S = 0.5
"""Seconds of products: where a processor has no instructions for bf16, one takes a quarter of a second."""
HOPELESS = 0.25
"""Share of fp32's rate below which another dtype's is not measured further: other processes do not cost that much."""


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Copy bandwidth (read plus written), matrix rate, and the largest cache.

    The rate is that of the job's dtype, or of fp32 where that is higher: a processor without instructions for bf16
    multiplies bf16 faster in fp32, and a kernel may do so too.
    """
    torch.set_num_threads(job["threads"])
    cache = last_level_cache()
    yield {
        "copy_bandwidth": copy_bandwidth(max(LEAST_BYTES, cache * 5 // 8)),
        "flop_rate": matrix_rate(getattr(torch, job["dtype"])),
        "cache_bytes": cache,
        "measured_at": time.time(),
    }


def copy_bandwidth(size: int) -> float:
    """Bytes per second of the fastest piece."""
    source = torch.ones(size, dtype=torch.uint8)
    target = torch.ones(size, dtype=torch.uint8)
    pieces = list(zip(source.split(PIECE), target.split(PIECE), strict=True))[: size // PIECE]
    best = float("inf")
    for _ in range(PASSES):
        for old, new in pieces:
            start = time.perf_counter()
            new.copy_(old)
            best = min(best, time.perf_counter() - start)
    return 2 * PIECE / best


def matrix_rate(dtype: torch.dtype) -> float:
    """Operations per second in that dtype, or in fp32 where that is faster."""
    single = flop_rate(torch.float32)
    return single if dtype is torch.float32 else max(single, flop_rate(dtype, at_least=HOPELESS * single))


def flop_rate(dtype: torch.dtype, at_least: float = 0.0) -> float:
    """Operations per second of the fastest product. One that is slower than ``at_least`` is not tried long."""
    left = torch.randn(SIDE, SIDE).to(dtype)
    taken = list[float]()
    while len(taken) < LEAST_PRODUCTS or (len(taken) < MOST_PRODUCTS and sum(taken) < ENOUGH_S):
        start = time.perf_counter()
        _ = left @ left
        taken.append(time.perf_counter() - start)
        if len(taken) >= LEAST_PRODUCTS and 2 * SIDE**3 / min(taken) < at_least:
            break
    return 2 * SIDE**3 / min(taken)


def last_level_cache(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Bytes of the largest cache that the system reports, and 32 MiB where it reports none."""
    sizes = [_bytes(path.read_text(encoding="ascii").strip()) for path in root.glob("index*/size")]
    return max(sizes, default=32 << 20)


def _bytes(text: str) -> int:
    scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
    return int(text.rstrip("KMG")) * scale
