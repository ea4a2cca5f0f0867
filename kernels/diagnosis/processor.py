"""What limits a kernel on a CPU. Counts decide before times do: they are the same on a busy machine.

1. latency: an empty kernel would take half of the call, or threads and locks half of what is left
2. occupancy: a fifth of the instructions only moves registers to the stack and back, as counted and as built here
3. memory or compute: whichever takes longer at this machine's rates
4. latency again, where neither explains a fifth of the kernel's time
"""

from __future__ import annotations

from bankable.kernels.diagnosis.layers.overhead import LaunchOverhead
from bankable.kernels.diagnosis.readings import Readings
from bankable.kernels.diagnosis.record import Bound

MOSTLY = 0.5
"""Share from which something is what the time goes into."""
SPILLING = 0.2
"""Share of a kernel's own instructions that touch their place on the stack; where registers suffice it is near zero."""
UNEXPLAINED = 0.2
"""Share of the kernel's time below which neither data nor instructions are its reason."""


def judge(readings: Readings) -> tuple[Bound, tuple[str, ...]]:
    """The bound, and the figures that led to it, in the order in which they were asked for."""
    evidence: list[str] = []
    for rule in (_launch, _waiting, _spilling):
        bound, lines = rule(readings)
        evidence += lines
        if bound is not None:
            return bound, (*evidence, *_missing(readings))
    bound, lines = _rates(readings)
    return bound, (*evidence, *lines, *_missing(readings))


def _launch(readings: Readings) -> tuple[Bound | None, list[str]]:
    taken = readings.overhead
    if taken is None:
        return None, []
    lines = [
        f"an empty kernel behind the same call takes {taken.empty_ns / 1e3:.2f} of {taken.call_ns / 1e3:.2f} µs: "
        f"{taken.share:.0%} is launch overhead"
    ]
    return ("latency" if taken.share >= MOSTLY else None), lines


def _waiting(readings: Readings) -> tuple[Bound | None, list[str]]:
    counted = readings.counted
    if counted is None or not (counted.joins or counted.starts or counted.waiting):
        return None, []
    share = counted.waiting / counted.instructions
    lines = [
        f"{share:.0%} of the instructions start, join or guard threads, or allocate: {counted.joins:,.0f} regions and "
        f"barriers, {counted.starts:,.0f} threads started a call"
    ]
    waited, kernel = readings.waiting_ns, readings.overhead.kernel_ns if readings.overhead else None
    if waited and kernel:
        lines.append(f"at this machine's prices that is {waited / 1e3:.2f} of the kernel's {kernel / 1e3:.2f} µs")
    slow = bool(waited and kernel and waited >= MOSTLY * kernel)
    return ("latency" if slow or share >= MOSTLY else None), lines


def _spilling(readings: Readings) -> tuple[Bound | None, list[str]]:
    counted = readings.counted
    if counted is None or counted.spills is None or not counted.own:
        return None, []
    share = counted.spills / counted.own
    lines = [f"{share:.0%} of the kernel's instructions read or write a place on the stack"]
    if share < SPILLING:
        return None, lines
    native = readings.code.loop_spills if readings.code is not None else None
    if native is not None and native < SPILLING:
        return None, [*lines, f"of inner loops as they run here only {native:.0%}: this processor has more registers"]
    return "occupancy", [*lines, "more values are alive at a time than there are registers"]


def _rates(readings: Readings) -> tuple[Bound, list[str]]:
    memory, compute = readings.memory_ns, readings.compute_ns
    if memory is None or compute is None:
        return "unknown", ["the machine's roof was not measured"]
    counted = readings.counted
    more = readings.moved_bytes - readings.bytes_moved
    between = f", {more:,} of them tensors in between," if more else ""
    lines = [f"{readings.moved_bytes:,} bytes{between} take {memory / 1e3:.2f} µs at the least"]
    if counted is not None:
        done = f" with {counted.flops:,.0f} floating-point operations" if counted.flops else ""
        lines.append(f"{counted.own:,.0f} instructions{done} take {compute / 1e3:.2f} µs at the least")
    else:
        lines.append(f"{readings.flops:,} operations, by definition, take {compute / 1e3:.2f} µs at the least")
    longest, kernel = max(memory, compute), _kernel_ns(readings.overhead)
    if kernel is not None and kernel > 0 and longest < UNEXPLAINED * kernel:
        return "latency", [
            *lines,
            f"neither explains the kernel's {kernel / 1e3:.2f} µs: its steps wait for each other, or for other threads",
        ]
    if kernel is None and counted is None:
        return "unknown", [*lines, "neither a time nor a count says whether that matters"]
    return ("memory" if memory >= compute else "compute"), lines


def _kernel_ns(overhead: LaunchOverhead | None) -> float | None:
    return overhead.kernel_ns if overhead is not None else None


def _missing(readings: Readings) -> list[str]:
    return [f"missing: {what}" for what in readings.missing]
