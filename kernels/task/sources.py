"""Stored sources of kernels beside the benchmarks of their task: evidence, and the content of an overlay."""

from __future__ import annotations

from bankable.kernels.benchmark.candidate import Candidate, kernel_candidate
from bankable.kernels.build.compiler import CompileError, Compiler
from bankable.kernels.build.render import KernelSource
from bankable.kernels.search.evaluation import read_evaluations
from bankable.kernels.task.folder import TaskFolder
from bankable.kernels.task.proposed import read_proposed
from bankable.tools.errors import UserError
from bankable.tools.evidence.store import write_once


def keep(task: TaskFolder, source: KernelSource) -> None:
    """Store a kernel's source."""
    write_once(task.kernel_file(source.implementation), source.text.encode())


def read_stored_source(task: TaskFolder, implementation: str) -> KernelSource | None:
    """A stored kernel; ``None`` for an id that is no kernel of ours."""
    path = task.kernel_file(implementation)
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    choices_of = {entry.implementation: entry.choices for entry in read_proposed(task.path)}
    choices_of |= {name: evaluation.choices for name, evaluation in read_evaluations(task).items()}
    choices = choices_of.get(implementation, task.family.defaults())
    return KernelSource(task.task.family, task.task.dtype, choices, text, flags_of(text))


def compile_candidate(task: TaskFolder, source: KernelSource, compiler: Compiler) -> Candidate:
    """A stored kernel, compiled for a benchmark. Raises ``UserError`` when it does not compile."""
    compiled = compiler.compile(source)
    if isinstance(compiled, CompileError):
        raise UserError(
            f"Cannot compile the kernel: {compiled.reason[:300]}", source.implementation, "change its source"
        )
    keep(task, source)
    return kernel_candidate(compiled)


def flags_of(text: str) -> tuple[str, ...]:
    """Compiler flags, from the last line of a rendered source."""
    last_line = text.rstrip("\n").rpartition("\n")[2]
    return tuple(last_line.removeprefix("// g++ ").split()) if last_line.startswith("// g++ ") else ()
