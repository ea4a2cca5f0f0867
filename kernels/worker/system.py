"""The job that profiles calls with the framework's profiler: launches, allocations, time by origin, gaps.

The profiler costs time of its own, a microsecond and more for each operator that it records: shares are of profiled
calls, and no time of this job is a measurement of speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.torch_operator import Into, Operator, Tensors
from bankable.kernels.worker.loader import load
from bankable.kernels.worker.measure import inputs_of

CALLS = 20
WARMUPS = 5
CALL, KERNEL = "bankable.call", "bankable.kernel"


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Figures of one call, on average over some; one reply an implementation."""
    operator, dims, dtype = OPERATORS[job["family"]], tuple(job["dims"]), job["dtype"]
    torch.set_num_threads(job["threads"])
    tensors = inputs_of(operator, dims, dtype, job["seed"], "profiled", "normal")
    for entry in job["implementations"]:
        call = load(_mark(operator), {**entry, "dtype": dtype}).bind(tensors, dims)
        for _ in range(WARMUPS):
            call(tensors)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            for _ in range(CALLS):
                with record_function(CALL):
                    call(tensors)
        yield {"id": entry["id"], **summed(profiler.events())}


def summed(events: Sequence[Any]) -> dict[str, Any]:
    """Totals of the profiler's events, for one call."""
    calls = [event for event in events if event.name == CALL]
    inside = [event for event in events if _under(event)]
    top = [event for event in inside if event.cpu_parent is not None and event.cpu_parent.name in (CALL, KERNEL)]
    operators = [event for event in inside if event.name.startswith("aten::")]
    ours = [event for event in top if event.name == KERNEL]
    # An operator under ours is in ours already; what is under neither is Python, and the profiler itself.
    framework = [event for event in top if event.name != KERNEL and event.cpu_parent.name == CALL]
    allocated = [event.self_cpu_memory_usage for event in inside if event.self_cpu_memory_usage > 0]
    total, own, theirs = (sum(_us(event) for event in part) for part in (calls, ours, framework))
    number = max(1, len(calls))
    names: dict[str, int] = {}
    for event in operators:
        names[event.name] = names.get(event.name, 0) + 1
    return {
        "calls": len(calls),
        "call_us": total / number,
        "ours_us": own / number,
        "framework_us": theirs / number,
        "gap_us": max(0.0, total - own - theirs) / number,
        "launches": sum(e.name != KERNEL for e in top) / number,
        "operators": len(operators) / number,
        "allocations": len(allocated) / number,
        "allocated_bytes": sum(allocated) / number,
        "synchronisations": sum("synchronize" in event.name.lower() for event in inside) / number,
        "by_operator": {name: count / number for name, count in sorted(names.items(), key=lambda entry: -entry[1])[:8]},
    }


def _us(event: Any) -> float:
    return float(event.time_range.end - event.time_range.start)


def _under(event: Any) -> bool:
    parent = event.cpu_parent
    while parent is not None:
        if parent.name == CALL:
            return True
        parent = parent.cpu_parent
    return False


def _mark(operator: Operator) -> Operator:
    """The operator, whose compiled kernel is a range of its own in the profile."""

    def native(library: Any) -> Into:
        into = operator.native(library)

        def marked(tensors: Tensors, outputs: Sequence[torch.Tensor]) -> None:
            with record_function(KERNEL):
                into(tensors, outputs)

        return marked

    return replace(operator, native=native)
