"""Compiles Triton kernels without a GPU and reads static figures: registers, spills, shared memory, instructions.

The compiler runs under the engine's interpreter, in a process of its own and with an empty cache. Nothing is run, so
there are no times; figures that this machine's Triton cannot give for a target are reported as missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import Field

from bankable.kernels.operators.family import Family
from bankable.kernels.sandbox.one_request import ask_worker
from bankable.kernels.task.shapes import Served
from bankable.kernels.worker.messages import Absent, CompileRequest, CompilerReady, KernelCompiled, KernelToCompile
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record

PROGRAM = "bankable.kernels.worker.triton.offline"
LIMIT_S = 900.0
"""Importing Triton and compiling a kernel take seconds each on a quiet machine."""
TARGET = re.compile(r"sm_\d{2,3}|gfx[0-9a-f]{3,4}")


class CompileFigures(Record):
    """One launch's kernel, compiled for one target at one shape."""

    shape: str
    """Key, such as ``64x4096``."""
    target: str
    """``sm_90``, ``gfx942``."""
    kernel: str = ""
    """Name of the function; empty where nothing was compiled."""
    failed: str = ""
    """Why it could not be compiled; then all figures are missing."""
    warps: int | None = None
    """Of a program."""
    registers: int | None = None
    """Of a thread; on AMD vector registers."""
    scalar_registers: int | None = None
    """Of a wave, on AMD."""
    spill_bytes: int | None = None
    """Of a thread's registers, kept in memory for want of room."""
    stack_bytes: int | None = None
    """Of a thread."""
    shared_bytes: int | None = None
    """Of a program."""
    occupancy: int | None = None
    """Waves that a SIMD unit can hold, on AMD."""
    mix: dict[str, int] = Field(default_factory=dict)
    """Instructions by class, as they stand in the binary: a loop's body counts once."""
    missing: tuple[str, ...] = ()
    """Figures that this machine cannot give, and why."""


def compile_offline(
    family: Family, shapes: Sequence[Served], dtype: str, targets: Sequence[str], python: Path
) -> list[CompileFigures]:
    """Compile a family's launches for all shapes and targets. Raises ``UserError`` where nothing can be compiled."""
    strange = [name for name in targets if not TARGET.fullmatch(name)]
    if strange or not targets:
        raise UserError(
            f"Cannot compile for {', '.join(strange) or 'no target'}", "--target", "use names such as sm_90 or gfx942"
        )
    waiting = [KernelToCompile(shape.key, shape.dims, target) for shape in shapes for target in targets]
    results: list[CompileFigures] = []
    while waiting:
        compiled, error = _round(CompileRequest(family.name, dtype, tuple(waiting)), python)
        results += [figures for kernel in compiled for figures in _figures(kernel)]
        waiting = waiting[len(compiled) :]
        if waiting:  # the compiler ended its process: the next one continues after that kernel
            lost, *waiting = waiting
            results.append(CompileFigures(shape=lost.shape, target=lost.target, failed=error))
    return results


def lines(entries: Sequence[CompileFigures]) -> list[str]:
    """The figures of each kernel for a terminal, then what is missing."""
    out = []
    for entry in entries:
        out.append(
            f"{entry.shape} {entry.target} {entry.kernel}".rstrip() + (f": {entry.failed}" if entry.failed else "")
        )
        figures = [
            f"{name} {value}{unit}"
            for name, value, unit in (
                ("warps", entry.warps, ""),
                ("registers", entry.registers, ""),
                ("scalar registers", entry.scalar_registers, ""),
                ("spilled", entry.spill_bytes, " B"),
                ("stack", entry.stack_bytes, " B"),
                ("shared", entry.shared_bytes, " B"),
                ("waves a SIMD", entry.occupancy, ""),
            )
            if value is not None
        ]
        out += [f"  {', '.join(figures)}"] * bool(figures)
        if entry.mix:
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(entry.mix.items(), key=lambda one: -one[1]))
            out.append(f"  {sum(entry.mix.values())} instructions: {kinds}")
        out += [f"  missing: {what}" for what in entry.missing]
    return out


def _round(request: CompileRequest, python: Path) -> tuple[list[KernelCompiled], str]:
    """Kernels that one process compiled, and its last error output. Raises ``UserError`` when it did not start."""
    expected = (Absent, CompilerReady, KernelCompiled)
    replies = ask_worker(PROGRAM, request, expected, python, {"OMP_NUM_THREADS": "1"}, LIMIT_S)
    if not replies.messages:
        raise UserError(
            f"Cannot compile: the compiler process did not start: {replies.error}", str(python), "check --engine-python"
        )
    first, *rest = replies.messages
    if isinstance(first, Absent):
        raise UserError(
            f"Cannot compile: the engine cannot import Triton: {first.reason[:200]}",
            str(python),
            "give an engine that has Triton",
        )
    return rest, replies.error


def _figures(kernel: KernelCompiled) -> list[CompileFigures]:
    """Figures of each launch; a record with only the reason where there are none."""
    head = {"shape": kernel.shape, "target": kernel.target, "failed": kernel.failed}
    return [CompileFigures.model_validate(head | launch) for launch in map(asdict, kernel.launches)] or [
        CompileFigures.model_validate(head)
    ]
