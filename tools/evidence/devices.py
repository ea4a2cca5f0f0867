"""How many devices a server takes, from its flags."""

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
