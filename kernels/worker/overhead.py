"""The job that compares a call with the same call of an empty kernel: alternating, in one process, warm.

Both go through the same Python, the same ``ctypes`` and the same allocation of outputs; the difference between them is
the kernel. Of many turns the fastest counts: other load on the machine can only add time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import torch

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.worker.loader import load
from bankable.kernels.worker.measure import inputs_of

TURNS = 40
LEAST_NS = 100_000
"""Of a turn: as many calls as it takes."""
MOST_CALLS = 200


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Nanoseconds of a call of the implementation and of the empty kernel."""
    operator, dims, dtype = OPERATORS[job["family"]], tuple(job["dims"]), job["dtype"]
    torch.set_num_threads(job["threads"])
    tensors = inputs_of(operator, dims, dtype, job["seed"], "weighed", "normal")
    calls: dict[str, Callable[[], object]] = {}
    for name in ("implementation", "empty"):
        bound = load(operator, {**job[name], "dtype": dtype}).bind(tensors, dims)
        calls[name] = lambda bound=bound: bound(tensors)  # type: ignore[misc] # mypy infers no lambda with a default
    repeats = {name: _repeats(call) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(TURNS):
        for name, call in calls.items():
            start = time.perf_counter_ns()
            for _ in range(repeats[name]):
                call()
            samples[name].append((time.perf_counter_ns() - start) / repeats[name])
    yield {
        "call_ns": min(samples["implementation"]),
        "call_median_ns": median(samples["implementation"]),
        "empty_ns": min(samples["empty"]),
        "empty_median_ns": median(samples["empty"]),
        "turns": TURNS,
    }


def _repeats(call: Callable[[], object]) -> int:
    for _ in range(3):
        call()
    start = time.perf_counter_ns()
    call()
    return max(1, min(MOST_CALLS, LEAST_NS // max(1, time.perf_counter_ns() - start)))
