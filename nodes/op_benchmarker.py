"""Operator benchmarker: times every backend of an operator, in isolation, against the live one at the served shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from bankable.kernels.benchmark.benchmark import ROUNDS, BenchmarkSettings, run_benchmark
from bankable.kernels.benchmark.candidate import Candidate, torch_candidate
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.build.render import KernelSource, render
from bankable.kernels.operators.family import Family
from bankable.kernels.task.folder import TaskFolder
from bankable.kernels.task.proposed import read_proposed
from bankable.kernels.task.sources import compile_candidate
from bankable.nodes.advice.benchmarking import ask_bench_plan
from bankable.tools.errors import UserError
from bankable.tools.evidence.harness import BenchmarkClaim
from bankable.tools.evidence.recorded import take_over
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

FIRST = 1
OF_TORCH = ("torch", "torch_compile")
"""Torch's own implementations.

A graph is compiled anew in each fresh process, which takes longer than all else that is measured: it is a candidate in
an operator's first benchmark only; later ones compare the author's kernel with the live implementation.
"""


@dataclass(frozen=True)
class BenchmarkResult:
    """One attempt at an operator benchmark."""

    claim: BenchmarkClaim | None
    why: str = ""
    """Reason why the benchmark did not complete."""


def default_kernel(task: TaskFolder) -> KernelSource:
    """The template's default kernel."""
    return render(task.family, task.task.dtype)


def read_benched(task: TaskFolder, attempt: int) -> BenchmarkClaim | None:
    """Result of a recorded attempt; ``None`` without one."""
    try:
        return BenchmarkClaim.model_validate_json((task.path / f"bench-{attempt}" / "claim.json").read_bytes())
    except (OSError, ValidationError):
        return None


def benchmark(
    context: RunContext, task: TaskFolder, source: KernelSource, attempt: int, findings: Sequence[str] = ()
) -> BenchmarkResult:
    """Benchmark torch's own implementations and a kernel, or read the result of this attempt if it was measured before.

    Kernels that a language model proposed are candidates too; ``findings``: the auditor's findings against earlier
    attempts.
    """
    benched = read_benched(task, attempt)
    plan = ask_bench_plan(context, task, attempt, findings) if benched is None else None
    if benched is None and context.recorded is not None:
        take_over(context.recorded, context.folder, f"ops/{task.task.operator}/bench-{attempt}")
        benched = read_benched(task, attempt)
        if benched is None:
            return BenchmarkResult(None, "no recorded operator benchmark")
    if benched is not None:
        return BenchmarkResult(benched)
    assert context.engine_python is not None
    try:
        candidates = [*torch_candidates(task.family, attempt), compile_candidate(task, source, Compiler())]
        candidates += [model for model in _of_models(context, task) if model.id != source.implementation]
        settings = BenchmarkSettings(threads=context.threads, rounds=plan.rounds if plan is not None else ROUNDS)
        result = run_benchmark(task, candidates, context.engine_python, settings, lambda _: context.check())
    except UserError as problem:
        return BenchmarkResult(None, str(problem))
    context.folder.ledger.enter_tree(result.folder)
    for candidate in candidates:
        if candidate.kind == "cpp":
            context.folder.ledger.enter(task.kernel_file(candidate.id))
    context.tell(ProgressEvent("note", result.claim.headline))
    return BenchmarkResult(result.claim)


def torch_candidates(family: Family, attempt: int) -> list[Candidate]:
    """Torch's own implementations in an attempt; the compiled graph in the first one only, where it can fuse."""
    kinds = OF_TORCH if attempt == FIRST and family.fusible else OF_TORCH[:1]
    return [torch_candidate(family, kind) for kind in kinds]


def _of_models(context: RunContext, task: TaskFolder) -> Iterator[Candidate]:
    """Kernels that a model proposed; one that does not compile is left out and does not stop the benchmark."""
    for entry in read_proposed(task.path):
        try:
            yield compile_candidate(task, render(task.family, task.task.dtype, entry.choices), Compiler())
        except UserError as problem:
            context.tell(ProgressEvent("note", f"{entry.implementation}: {problem}"))
