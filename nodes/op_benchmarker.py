"""Op benchmarker: every backend of an operator against what the live server runs, alone, at the shapes it serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from kernels.bakeoff import Settings, bake_off
from kernels.compiler import CompileError, Compiler
from kernels.contestant import Contestant, of_kernel, of_torch
from kernels.render import Source, render
from kernels.task import TaskFolder
from tools.errors import UserError
from tools.evidence.harness import BakeOffClaim
from tools.evidence.recorded import take_over
from tools.evidence.store import write_once
from tools.measurement.lab import Lab
from tools.measurement.progress import Event


@dataclass(frozen=True)
class Benched:
    """One attempt at a bake-off."""

    attempt: int
    claim: BakeOffClaim | None
    why: str = ""


def candidates(task: TaskFolder, sources: Sequence[Source]) -> list[Contestant]:
    """Torch's own way, and compiled kernels; a kernel's source is kept beside the bake-offs."""
    found, compiler = [of_torch(task.family, "torch")], Compiler()
    for source in sources:
        compiled = compiler.compile(source)
        if isinstance(compiled, CompileError):
            raise UserError("a kernel does not compile", source.implementation, compiled.reason[:300])
        write_once(task.kernel_file(source.implementation), source.text.encode())
        found.append(of_kernel(compiled))
    return found


def default(task: TaskFolder) -> Source:
    """The family's template as it stands."""
    return render(task.family, task.task.dtype)


def benchmark(lab: Lab, task: TaskFolder, sources: Sequence[Source], attempt: int) -> Benched:
    """Measure them all, or read how it went when this attempt was measured before."""
    done = task.path / f"bench-{attempt}" / "claim.json"
    if done.is_file():
        try:
            return Benched(attempt, BakeOffClaim.model_validate_json(done.read_bytes()))
        except ValidationError as problem:
            return Benched(attempt, None, str(problem.errors()[0]["msg"]))
    if lab.recorded is not None:
        there = take_over(lab.recorded, lab.folder, f"ops/{task.task.operator}/{done.parent.name}")
        return benchmark(lab, task, sources, attempt) if there else Benched(attempt, None, "no recorded bake-off")
    assert lab.engine_python is not None
    threads = int(lab.base.env.get("OMP_NUM_THREADS", "1"))
    try:
        result = bake_off(
            task, candidates(task, sources), lab.engine_python, Settings(threads=threads), lambda _: lab.check()
        )
    except UserError as problem:
        return Benched(attempt, None, str(problem))
    lab.folder.ledger.enter_tree(result.folder)
    for source in sources:
        lab.folder.ledger.enter(task.kernel_file(source.implementation))
    lab.tell(Event("note", result.claim.headline))
    return Benched(result.attempt, result.claim)
