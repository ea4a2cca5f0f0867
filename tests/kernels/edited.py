"""A family's kernel with one edit, and whether it may enter an operator benchmark of a task."""

from __future__ import annotations

from dataclasses import replace

from bankable.kernels.benchmark.candidate import Candidate, kernel_candidate
from bankable.kernels.benchmark.qualify import Qualification, qualify
from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.build.render import KernelSource
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.folder import TaskFolder


def edited(made: KernelSource, old: str, new: str, *, helper: str, before: str) -> KernelSource:
    """``old``, which stands there once, is ``new``; the edit may call the ``helper`` that is put ``before`` a line."""
    assert made.text.count(old) == 1, old
    return replace(made, text=made.text.replace(before, f"{helper}{before}").replace(old, new))


def built(compiler: Compiler, source: KernelSource) -> Candidate:
    compiled = compiler.compile(source)
    assert isinstance(compiled, Compiled), compiled
    return kernel_candidate(compiled)


def tried(candidate: Candidate, fork_server: ForkServer, task: TaskFolder) -> Qualification:
    """At every shape of the task."""
    return qualify(task, candidate, fork_server, [shape.key for shape in task.task.shapes], 1)


def stays_out(candidate: Candidate, why: str, fork_server: ForkServer, task: TaskFolder) -> None:
    said = tried(candidate, fork_server, task)
    assert not said.ok
    assert why in said.why, said.why
