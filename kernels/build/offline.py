"""What compilation tells about Triton kernels without a GPU: registers, spills, shared memory, instructions.

The compiler runs under the engine's interpreter, in a process of its own and with an empty cache. Nothing is run, so
there are no times; and what this machine's Triton cannot say about a target is said to be missing.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from bankable.kernels.operators.family import Family
from bankable.kernels.task.shapes import Served
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.package import program
from bankable.tools.serving.environment import isolated

PROGRAM = "bankable.kernels.worker.triton.offline"
LIMIT_S = 900.0
"""Importing Triton and compiling a kernel take seconds each on a quiet machine."""
TARGET = re.compile(r"sm_\d{2,3}|gfx[0-9a-f]{3,4}")


class Figures(Record):
    """One launch's kernel, compiled for one target at one shape."""

    shape: str
    target: str
    """``sm_90``, ``gfx942``."""
    kernel: str = ""
    failed: str = ""
    """Why it could not be compiled; then all figures are missing."""
    warps: int | None = None
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
    """What this machine cannot say, and why."""


def compile_offline(
    family: Family, shapes: Sequence[Served], dtype: str, targets: Sequence[str], python: Path
) -> list[Figures]:
    """Compile a family's launches for all shapes and targets. Raises ``UserError`` where nothing can be compiled."""
    strange = [name for name in targets if not TARGET.fullmatch(name)]
    if strange or not targets:
        raise UserError(f"no target {', '.join(strange)}".strip(), "--target", "such as sm_90 or gfx942")
    waiting = [{"shape": it.key, "dims": it.dims, "target": target} for it in shapes for target in targets]
    found: list[Figures] = []
    while waiting:
        answered, complaint = _round({"family": family.name, "dtype": dtype, "kernels": waiting}, python)
        found += [it for figures in answered for it in figures]
        waiting = waiting[len(answered) :]
        if waiting:  # the compiler took its process along: the next one goes on behind that kernel
            gone, *waiting = waiting
            found.append(Figures(shape=str(gone["shape"]), target=str(gone["target"]), failed=complaint))
    return found


def lines(found: Sequence[Figures]) -> list[str]:
    """The figures of each kernel for a terminal, then what is missing."""
    said = []
    for it in found:
        said.append(f"{it.shape} {it.target} {it.kernel}".rstrip() + (f": {it.failed}" if it.failed else ""))
        figures = [
            f"{name} {value}{unit}"
            for name, value, unit in (
                ("warps", it.warps, ""),
                ("registers", it.registers, ""),
                ("scalar registers", it.scalar_registers, ""),
                ("spilled", it.spill_bytes, " B"),
                ("stack", it.stack_bytes, " B"),
                ("shared", it.shared_bytes, " B"),
                ("waves a SIMD", it.occupancy, ""),
            )
            if value is not None
        ]
        said += [f"  {', '.join(figures)}"] * bool(figures)
        if it.mix:
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(it.mix.items(), key=lambda one: -one[1]))
            said.append(f"  {sum(it.mix.values())} instructions: {kinds}")
        said += [f"  missing: {what}" for what in it.missing]
    return said


def _round(job: dict[str, object], python: Path) -> tuple[list[list[Figures]], str]:
    """What one process compiled, launches of one shape together, and its last words. Raises ``UserError`` when it did
    not get to begin."""
    with tempfile.TemporaryDirectory(prefix="bankable-offline-") as folder:
        replies = Path(folder) / "replies.jsonl"
        try:
            done = subprocess.run(
                [str(python), *program(PROGRAM, str(replies))],
                input=orjson.dumps(job),
                cwd=folder,
                env=isolated({"OMP_NUM_THREADS": "1", "TRITON_CACHE_DIR": f"{folder}/cache"}),
                capture_output=True,
                timeout=LIMIT_S,
                check=False,
            )
        except OSError as problem:
            raise UserError("engine interpreter does not start", str(python), str(problem)) from problem
        except subprocess.TimeoutExpired:
            raise UserError(f"compilation came to no end in {LIMIT_S:.0f} s", str(python), "try fewer shapes") from None
        written = replies.read_bytes().split(b"\n")[:-1] if replies.is_file() else []
    complaint = (done.stderr.decode("utf-8", "replace").strip() or "it said nothing").splitlines()[-1][:300]
    if not written:
        raise UserError("the compiling process does not begin", str(python), complaint)
    first, *rest = [orjson.loads(line) for line in written]
    if "absent" in first:
        raise UserError("the engine cannot import Triton", str(python), str(first["absent"])[:200])
    return [_figures(entry) for entry in rest], complaint


def _figures(entry: dict[str, Any]) -> list[Figures]:
    launches = entry.pop("launches", [{}])
    return [Figures.model_validate(entry | launch) for launch in launches]
