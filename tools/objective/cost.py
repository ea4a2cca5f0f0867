"""What serving costs, from a price for an hour of one device. Without a price there is no figure.

$ per million output tokens = price · devices / (output tokens per second · 3600 / 10⁶)
$ per thousand good requests = price · devices / (goodput · 3.6)
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from bankable.tools.evidence.records import Scalar

PARALLEL = ("tp_size", "pp_size")
"""Engine flags whose product is the number of devices of one replica."""


def count_devices(flags: Mapping[str, Scalar]) -> int:
    """Devices of a server: the product of its degrees of parallelism, 1 by default; a CPU is one device."""
    # Data parallelism of attention alone runs inside the tensor-parallel group, and needs no further devices.
    replicas = () if flags.get("enable_dp_attention") is True else ("dp_size",)
    sizes = [flags.get(name, 1) for name in (*PARALLEL, *replicas)]
    return prod(size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size > 0)


def cost_of_million_tokens(price: float, devices: int, tokens_per_s: float) -> float | None:
    """Dollars for a million output tokens; ``None`` without any token."""
    return price * devices / (tokens_per_s * 3600.0 / 1e6) if tokens_per_s > 0 else None


def cost_of_thousand_requests(price: float, devices: int, requests_per_s: float) -> float | None:
    """Dollars for a thousand requests; ``None`` without any."""
    return price * devices / (requests_per_s * 3.6) if requests_per_s > 0 else None
