"""The fourth layer where no counter can be read: instructions and data references of one call, on a simulator.

The kernel runs on callgrind's simulated processor, called by a small program without Python, once and then some times
more; the difference is one call. callgrind knows no AVX-512, so what is counted is a build for AVX2: counts are exact
for that build, and only near for another. Misses are those of simulated caches of this machine's sizes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import orjson
from pydantic import Field

from bankable.kernels.diagnosis.layers.assembly import Mix, disassemble, instructions, mix_of
from bankable.kernels.diagnosis.layers.callgrind import OPTIONS, CallgrindProfile, Function, compress, read_profile
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding, text_of
from bankable.kernels.diagnosis.layers.programs import program, source_digest
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import CPP, LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of, x86
from bankable.kernels.sandbox.limits import Limits

FIRST, MORE = 1, 2
"""Calls of the first run, and further ones of the second."""
WITHIN = Limits(wall_s=240, cpu_s=200, memory_bytes=4 << 30)
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


class InstructionCountsLayer(Layer):
    name, number, title = "counters", 4, "hardware counters, simulated"
    measures = "instructions by kind, data references and simulated cache misses of one call (callgrind)"
    limit_s, needs = 300.0, ("compile",)
    found = InstructionCounts

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"valgrind": version_of("valgrind"), "driver": source_digest("driver"), "build": build_for()}

    def absent(self, subject: Subject) -> str:
        if subject.kind != CPP:
            return f"{subject.implementation} is Python: the interpreter would be counted"
        return "" if version_of("valgrind") else "no valgrind (Debian: valgrind)"

    def instrument(self, subject: Subject, place: Path) -> None:
        kernel, driver = subject.compiled(subject.source(build_for())), program("driver", subject.cache)
        runs = {name: place / f"{name}.callgrind" for name in ("first", "more")}
        commands = [
            [
                "valgrind",
                *OPTIONS,
                f"--callgrind-out-file={runs[name]}",
                str(driver),
                str(kernel),
                "call.txt",
                str(calls),
            ]
            for name, calls in (("first", FIRST), ("more", FIRST + MORE))
        ]
        task = subject.task().task
        with lease_fork_server(subject) as fork_server:
            answer = fork_server.run(
                "instrument",
                {
                    "family": task.family,
                    "dtype": task.dtype,
                    "dims": subject.dims,
                    "commands": commands,
                    "environment": {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"},
                },
                WITHIN,
            )
        for reply in answer.replies:
            if reply["status"] != 0:
                raise LayerFailedError(f"valgrind: exit status {reply['status']}: {_last(reply['complaint'])}")
        if len(answer.replies) < len(commands):
            raise LayerFailedError(f"{answer.ended.end}: {answer.ended.why or 'no answer'}")
        for path in runs.values():
            compress(path)
        (place / "ran.json").write_bytes(orjson.dumps({"kernel": str(kernel), "driver": str(driver)}))
        if x86() and version_of("objdump"):
            (place / "counted.s").write_text(disassemble(kernel), encoding="utf-8")

    def collect(self, subject: Subject, place: Path) -> InstructionCounts:
        first, more = (read_profile(place / f"{name}.callgrind.gz") for name in ("first", "more"))
        code = place / "counted.s"
        listing = code.read_text(encoding="utf-8") if code.is_file() else ""
        ran = orjson.loads((place / "ran.json").read_bytes())
        return of_call(more.minus(first, MORE), ran["kernel"], ran["driver"], listing)


def of_call(profile: CallgrindProfile, kernel: str, driver: str, listing: str = "") -> InstructionCounts:
    """What one call did. ``kernel`` and ``driver`` are paths of binaries, ``listing`` is the kernel's disassembly."""
    profile = without_driver(profile, driver)
    total = profile.total("Ir")
    if not total:
        raise LayerFailedError("the kernel was never entered")
    waiting = sum(events.get("Ir", 0.0) for name, events in profile.functions.items() if waits(name, kernel))
    mix: Mix | None = None
    if listing:
        code, counts = instructions(listing), profile.addresses.get(kernel, {})
        mix = mix_of((code[address], count) for address, count in counts.items() if address in code)
    shares = sorted(((events.get("Ir", 0.0) / total, name) for name, events in profile.functions.items()), reverse=True)
    return InstructionCounts(
        build=build_for(),
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


def without_driver(profile: CallgrindProfile, driver: str) -> CallgrindProfile:
    """The profile less the calling program and its reading of the number of calls."""
    functions = {
        name: events for name, events in profile.functions.items() if name[0] != driver and "strto" not in name[1]
    }
    return CallgrindProfile(functions, profile.addresses, profile.calls)


def waits(function: Function, kernel: str) -> bool:
    """Whether a function belongs to what starts, joins and guards threads, or allocates."""
    return bool(RUNTIME.search(function[0]) or (function[0] != kernel and WAITING.search(function[1])))


def build_for() -> str:
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


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no error output"


LAYER = InstructionCountsLayer()
