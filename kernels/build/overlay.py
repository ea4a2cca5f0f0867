"""Builds the overlay of an operator family's kernel, and finds the overlay that a plan's declaration names."""

from __future__ import annotations

from pathlib import Path

from bankable.kernels.build.render import KernelSource
from bankable.kernels.operators.family import Family
from bankable.kernels.task.folder import TaskFolder, open_task
from bankable.kernels.task.sources import flags_of, read_stored_source
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.layout import OVERLAY_FOLDER, WATCH_FOLDER
from bankable.tools.evidence.recorded import take_over
from bankable.tools.evidence.records import Lever, OverlayPart
from bankable.tools.overlay.folder import Kernel, Mode, OperatorPatch, planned_digest, replacement_source, write_overlay

OPERATORS = Path(__file__).resolve().parents[1] / "operators"
LENIENT = 2.0
"""Both are within the tolerance of the exact value, so they are within twice of it from each other."""


def patch_of(family: Family, dtype: str, mode: Mode) -> OperatorPatch:
    """The overlay's entry for the family's patch point in the engine."""
    adapter = "" if mode == "watch" else (OPERATORS / family.name / family.adapter).read_text(encoding="utf-8")
    return OperatorPatch(family.name, family.module, family.attribute, mode, adapter, dtype)


def part_of(family: Family, source: KernelSource, bench: int) -> OverlayPart:
    """A plan's declaration of a kernel; ``bench`` is the attempt of the operator benchmark that it won."""
    patch = patch_of(family, source.dtype, "replace")
    kernel = _kernel(family, source.dtype, source.implementation, source.text, dict(source.choices))
    return OverlayPart(
        implementation=source.implementation,
        digest=planned_digest([patch], {family.name: kernel}),
        source_digest=digest(replacement_source(patch, kernel)),
        parameters=dict(source.choices),
        bench=bench,
    )


def lay(run: RunFolder, comparison: Path, lever: Lever, recorded: Path | None = None) -> None:
    """Write the overlay of a lever beside its plan, and the one that watches the reference's patch points.

    Of a ``recorded`` run they are taken as they were served. Raises ``UserError`` where a kernel that is kept is not
    the one that was declared.
    """
    if recorded is not None:
        for folder in (OVERLAY_FOLDER, WATCH_FOLDER):
            take_over(recorded, run, (comparison / folder).relative_to(run.root).as_posix())
        return
    patches: list[OperatorPatch] = []
    kernels: dict[str, Kernel] = {}
    watches: list[OperatorPatch] = []
    for name, part in sorted(lever.overlays.items()):
        task = open_task(run.root, name)
        patch, kernel = patch_of(task.family, task.task.dtype, "replace"), _load_kernel(task, part)
        if planned_digest([patch], {name: kernel}) != part.digest:
            raise UserError(
                f"Cannot build the overlay: the kernel of {name} is not the declared one",
                str(task.path),
                "benchmark it again",
            )
        patches.append(patch)
        kernels[name] = kernel
        watches.append(patch_of(task.family, task.task.dtype, "watch"))
    write_overlay(comparison / OVERLAY_FOLDER, patches, kernels)
    write_overlay(comparison / WATCH_FOLDER, watches)
    for folder in (OVERLAY_FOLDER, WATCH_FOLDER):
        run.ledger.enter_tree(comparison / folder)


def _load_kernel(task: TaskFolder, part: OverlayPart) -> Kernel:
    source = read_stored_source(task, part.implementation)
    if source is None:
        raise UserError(
            f"Cannot build the overlay: no source of {part.implementation}",
            str(task.path),
            "benchmark the operator again",
        )
    return _kernel(task.family, task.task.dtype, part.implementation, source.text, dict(part.parameters))


def _kernel(
    family: Family, dtype: str, implementation: str, text: str, parameters: dict[str, bool | int | float | str]
) -> Kernel:
    allowed = LENIENT * family.allowed[dtype].relative_error
    return Kernel(implementation, text, flags_of(text), allowed, parameters)
