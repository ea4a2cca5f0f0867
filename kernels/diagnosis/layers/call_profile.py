"""Instructions and data references of one call, from callgrind's costs by function and by address."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field

from bankable.kernels.diagnosis.layers.assembly import Mix, mix_of, parse_instructions
from bankable.kernels.diagnosis.layers.callgrind import CallgrindProfile, Function
from bankable.kernels.diagnosis.layers.layer import LayerFinding, text_of
from bankable.kernels.diagnosis.layers.subject import LayerFailedError
from bankable.kernels.diagnosis.layers.tool import x86

RUNTIME = re.compile(r"lib(gomp|iomp5|omp|pthread|tbb)[.-]|ld-linux|/ld-")
"""Libraries that start and join threads, wait, and load: none of them computes."""
WAITING = re.compile(
    r"pthread|futex|clone|sched_|mutex|cond_|barrier|sem_|start_thread|malloc|calloc|free|mmap|munmap|mprotect|madvise|"
    r"arena|brk|syscall|std::thread|nanosleep|_int_|allocate"
)
"""Functions of other libraries that do no more than these."""
JOINS = re.compile(r"GOMP_(parallel|barrier|critical_start|taskwait|loop_end)\w*|__kmpc_(fork_call|barrier)")
STARTS = re.compile(r"pthread_create(@\S+)?|thrd_create|clone3?|__clone\w*")


class InstructionCounts(LayerFinding):
    """One call. Where a figure is of the kernel alone, that is what lies in its own library."""

    build: str
    """For what processor the build was that was counted: ``x86-64-v3``."""
    instructions: float
    """Of the kernel and of what it called."""
    own: float
    """Instructions in the kernel's own library, and in functions of others that compute or copy for it."""
    waiting: float
    """Instructions spent on threads, locks and allocation."""
    reads: float
    """Data references that read, of the kernel and of what it called."""
    writes: float
    """Data references, of the kernel and of what it called."""
    misses: float
    """References that missed the first cache."""
    last_misses: float
    """References that missed the last one."""
    joins: float = 0
    """Entries into the runtime that wait for other threads: parallel regions, barriers."""
    starts: float = 0
    """Threads started."""
    flops: float | None = None
    """Floating-point operations executed; ``None`` where the code is not read."""
    spills: float | None = None
    """Instructions that read or wrote a place of their own on the stack."""
    by_width: dict[int, float] = Field(default_factory=dict)
    """Own instructions by the width in bits of their vector registers."""
    hottest: tuple[str, ...] = ()
    """Functions with most instructions, and their shares."""

    def describe(self) -> str:
        waiting = f", {self.waiting / self.instructions:.0%} of them waiting" if self.waiting else ""
        spilled = f", {text_of(self.spills, '{} on the stack', 'spills')}"
        return (
            f"{self.instructions:,.0f} instructions a call{waiting}{spilled}; {self.reads + self.writes:,.0f} data "
            f"references, {self.misses:,.0f} miss D1, {self.last_misses:,.0f} the last cache (simulated, {self.build})"
        )


def count_call(profile: CallgrindProfile, kernel: str, driver: str, listing: str = "") -> InstructionCounts:
    """What one call did. ``kernel`` and ``driver`` are paths of binaries, ``listing`` is the kernel's disassembly."""
    profile = drop_driver(profile, driver)
    total = profile.total("Ir")
    if not total:
        raise LayerFailedError("the kernel was never entered")
    waiting = sum(events.get("Ir", 0.0) for name, events in profile.functions.items() if is_waiting(name, kernel))
    mix: Mix | None = None
    if listing:
        code, counts = parse_instructions(listing), profile.addresses.get(kernel, {})
        mix = mix_of((code[address], count) for address, count in counts.items() if address in code)
    shares = sorted(((events.get("Ir", 0.0) / total, name) for name, events in profile.functions.items()), reverse=True)
    return InstructionCounts(
        build=counted_architecture(),
        instructions=total,
        own=total - waiting,
        waiting=waiting,
        reads=profile.total("Dr"),
        writes=profile.total("Dw"),
        misses=profile.total("D1mr") + profile.total("D1mw"),
        last_misses=profile.total("DLmr") + profile.total("DLmw"),
        joins=_entries(profile, JOINS),
        starts=_entries(profile, STARTS),
        flops=mix.flops if mix else None,
        spills=mix.spills if mix else None,
        by_width=dict(mix.vector) if mix else {},
        hottest=tuple(f"{name[1]} {share:.0%}" for share, name in shares[:3]),
    )


def drop_driver(profile: CallgrindProfile, driver: str) -> CallgrindProfile:
    """The profile less the calling program and its reading of the number of calls."""
    functions = {
        name: events for name, events in profile.functions.items() if name[0] != driver and "strto" not in name[1]
    }
    return CallgrindProfile(functions, profile.addresses, profile.calls)


def is_waiting(function: Function, kernel: str) -> bool:
    """Whether a function belongs to what starts, joins and guards threads, or allocates."""
    return bool(RUNTIME.search(function[0]) or (function[0] != kernel and WAITING.search(function[1])))


def counted_architecture() -> str:
    """The kind of processor that the counted build is for: the nearest one that callgrind knows."""
    if not x86():
        return "native"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "x86-64-v2"
    return "x86-64-v3" if " avx2 " in flags and " fma " in flags else "x86-64-v2"


def _entries(profile: CallgrindProfile, pattern: re.Pattern[str]) -> float:
    """Calls of what the pattern names; of several names for one thing the most called counts."""
    return float(max((count for name, count in profile.calls.items() if pattern.fullmatch(name[1])), default=0))
