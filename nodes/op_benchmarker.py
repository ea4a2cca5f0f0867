"""Op benchmarker: every backend of an operator against what the live server runs, alone, at the shapes it serves."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from kernels.bakeoff import Settings, bake_off
from kernels.compiler import Compiler
from kernels.contestant import of_torch
from kernels.kept import contestant
from kernels.render import Source, render
from kernels.task import TaskFolder
from tools.errors import UserError
from tools.evidence.harness import BakeOffClaim
from tools.evidence.recorded import take_over
from tools.measurement.lab import Lab
from tools.measurement.progress import Event


@dataclass(frozen=True)
class Benched:
    """One attempt at a bake-off."""

    claim: BakeOffClaim | None
    why: str = ""
    """What kept it from being held."""


def default(task: TaskFolder) -> Source:
    """The family's template as it stands."""
    return render(task.family, task.task.dtype)


def read_benched(task: TaskFolder, attempt: int) -> BakeOffClaim | None:
    """What came of an attempt that is there; ``None`` for one that is not."""
    try:
        return BakeOffClaim.model_validate_json((task.path / f"bench-{attempt}" / "claim.json").read_bytes())
    except (OSError, ValidationError):
        return None


def benchmark(lab: Lab, task: TaskFolder, source: Source, attempt: int) -> Benched:
    """Measure torch's own way and a kernel, or read how it went when this attempt was measured before."""
    known = read_benched(task, attempt)
    if known is None and lab.recorded is not None:
        take_over(lab.recorded, lab.folder, f"ops/{task.task.operator}/bench-{attempt}")
        known = read_benched(task, attempt)
        if known is None:
            return Benched(None, "no recorded bake-off")
    if known is not None:
        return Benched(known)
    assert lab.engine_python is not None
    try:
        entered = [of_torch(task.family, "torch"), contestant(task, source, Compiler())]
        result = bake_off(task, entered, lab.engine_python, Settings(threads=lab.threads), lambda _: lab.check())
    except UserError as problem:
        return Benched(None, str(problem))
    lab.folder.ledger.enter_tree(result.folder)
    lab.folder.ledger.enter(task.kernel_file(source.implementation))
    lab.tell(Event("note", result.claim.headline))
    return Benched(result.claim)
