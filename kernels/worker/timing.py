"""Times calls one by one: a monotonic clock on either side, fresh inputs, poisoned memory, an otherwise idle process.

A sample is wall time. What other threads of the process still do after it is added to the span: CPU time of the process
less that of this thread, read until it no longer grows. Being descheduled in between adds nothing to it.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from bankable.kernels.operators.torch_operator import Call, Outputs, Tensors

CLOCK = time.perf_counter_ns
SYNCHRONIZE = torch.cpu.synchronize
IDLE_NS = 1000.0
"""Growth of other threads' CPU time below which they count as idle: the error of reading two clocks."""
PAUSE_S = 0.0001
PATIENCE = 1000
"""Pauses after which a busy thread is taken as one that never ends."""


@dataclass
class Timed:
    """Samples in nanoseconds, the outputs, and how long other threads were busy past their samples."""

    samples_ns: list[int] = field(default_factory=list)
    beyond_ns: list[float] = field(default_factory=list)
    outputs: list[Outputs] = field(default_factory=list)

    @property
    def span_ns(self) -> float:
        return sum(self.samples_ns) + sum(self.beyond_ns)


def time_calls(call: Call, inputs: Sequence[Tensors], poison: Callable[[], None]) -> Timed:
    """One sample for each entry of ``inputs``; all outputs are kept, so that no buffer is handed out twice."""
    timed = Timed()
    gc.collect()
    gc.disable()
    try:
        for tensors in inputs:
            poison()
            start = CLOCK()
            outputs = call(tensors)
            end = CLOCK()
            timed.samples_ns.append(end - start)
            timed.beyond_ns.append(_until_idle())
            timed.outputs.append(outputs)
    finally:
        gc.enable()
    return timed


def others_cpu_ns() -> float:
    """CPU time of this process that its other threads used."""
    return time.process_time_ns() - time.thread_time_ns()


def _until_idle() -> float:
    """CPU time of other threads after the sample. None at all, where there never was another thread."""
    if len(os.listdir("/proc/self/task")) == 1:
        return 0.0  # no other thread to wait for, and no pause that would leave the next sample a cold core
    after = last = others_cpu_ns()
    for _ in range(PATIENCE):
        time.sleep(PAUSE_S)
        now = others_cpu_ns()
        if now - last < IDLE_NS:
            break
        last = now
    return max(0.0, last - after)
