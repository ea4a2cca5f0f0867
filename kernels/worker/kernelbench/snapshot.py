"""What a process has of torch's settings and of its clocks, before an answer is loaded and after its last call.

An answer can lie about it, since it is looked at in its own process: a difference is evidence, none is not.
"""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import torch
from torch.nn import functional

CLOCKS: tuple[tuple[ModuleType, tuple[str, ...]], ...] = (
    (time, ("perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "time", "time_ns", "process_time")),
    (torch.cuda, ("Event", "synchronize")),
    (torch.cpu, ("synchronize",)),
)
WATCHED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (torch, ("allclose", "equal", "isclose", "empty", "empty_like", "zeros", "manual_seed", "matmul", "softmax")),
    (torch.Tensor, ("__eq__", "copy_", "clone", "allclose", "equal", "cpu", "to")),
    (functional, ("conv2d", "linear", "relu", "softmax", "layer_norm", "scaled_dot_product_attention")),
    (torch.nn.Module, ("__call__", "forward")),
    (torch.nn.Linear, ("forward",)),
    (torch.nn.Conv2d, ("forward",)),
)


def take_snapshot() -> dict[str, str]:
    """Settings by value, functions by identity."""
    return {
        **{
            f"clock {module.__name__}.{name}": str(id(getattr(module, name)))
            for module, names in CLOCKS
            for name in names
        },
        **{
            f"torch {getattr(owner, '__name__', owner)}.{name}": str(id(getattr(owner, name, None)))
            for owner, names in WATCHED
            for name in names
        },
        "torch default dtype": str(torch.get_default_dtype()),
        "torch threads": str(torch.get_num_threads()),
        "torch precision of matrix products": torch.get_float32_matmul_precision(),
        "torch oneDNN": str(torch.backends.mkldnn.enabled),
        "torch deterministic": str(torch.are_deterministic_algorithms_enabled()),
        "torch inference mode": str(torch.is_inference_mode_enabled()),
    }


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Names of what differs."""
    return sorted(name for name in before if before[name] != after.get(name))
