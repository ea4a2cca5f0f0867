"""``python -m kernels diagnose``: what limits a kernel, and every layer's finding, or why there is none."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bankable.kernels.benchmark.candidate import LIVE, live_candidate, torch_candidate
from bankable.kernels.build.render import render
from bankable.kernels.diagnosis.diagnose import ENOUGH, examine
from bankable.kernels.diagnosis.layers.layer import LayerResult
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.diagnosis.show import report
from bankable.kernels.operators import FAMILIES
from bankable.kernels.operators.family import DTYPES
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.search.search import find_fastest, read_evaluations
from bankable.kernels.task.dtype import dtype_of
from bankable.kernels.task.folder import TaskFolder, open_task, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.kernels.task.sources import read_stored_source
from bankable.tools.errors import UserError
from bankable.tools.serving.engine import engine_python

TORCH = {"torch": "torch", "torch-compile": "torch_compile"}


def diagnose(
    task: Annotated[Path | None, typer.Argument(help="RUN/ops/OPERATOR, as `benchmark --out RUN` makes it")] = None,
    kernel: Annotated[str, typer.Option(help="its id: cpp-…, live, torch; a search's best if left out")] = "",
    family: Annotated[str, typer.Option(help="in place of a task: a family, with --shapes")] = "",
    shapes: Annotated[str, typer.Option(help="served shapes of a new task: 4x256:9000,128x256:500")] = "",
    shape: Annotated[str, typer.Option(help="the one to look at; of most bytes in all if left out")] = "",
    dtype: Annotated[str, typer.Option(help=f"{' or '.join(DTYPES)}; the family's usual one if left out")] = "",
    layers: Annotated[str, typer.Option(help="only these, and what they need: counters,system; or `quick`")] = "",
    again: Annotated[bool, typer.Option("--again", help="measure anew what is kept already")] = False,
    threads: Annotated[int, typer.Option(min=1, help="as the server's OMP_NUM_THREADS")] = 1,
    engine: Annotated[Path | None, typer.Option("--engine-python", help="interpreter with sglang and torch")] = None,
) -> None:
    """Say what holds a kernel back: memory, compute, latency or occupancy; how far the roof is; what to try."""
    console, python = Console(highlight=False), engine_python(engine)
    only = ENOUGH if layers == "quick" else [name.strip() for name in layers.split(",") if name.strip()]
    with tempfile.TemporaryDirectory(prefix="bankable-diagnose-") as scratch:
        folder = _folder(task, family, shapes, dtype, python, threads, Path(scratch))
        subject = find_subject(folder, kernel, shape, python, threads)
        with console.status("starting") as status:

            def say(result: LayerResult) -> None:
                status.update(f"{result.layer}: {result.outcome}")

            examined = examine(subject, only=only, again=again, say=say)
        console.print(report(examined))
        if task is not None:
            console.print(f"\nfindings in {folder.path / 'layers'}", style="dim", soft_wrap=True)


def find_subject(folder: TaskFolder, kernel: str, shape: str, python: Path, threads: int) -> Subject:
    """The implementation with this id. Raises ``UserError`` for an unknown id or shape."""
    keys = [shape.key for shape in folder.task.shapes]
    if shape and shape not in keys:
        raise UserError(f"Cannot diagnose at {shape}: no such shape", str(folder.path), f"use one of {', '.join(keys)}")
    chosen = shape or find_heaviest_shape(folder)
    if kernel == LIVE:
        task = folder.task
        return Subject.of_candidate(
            folder, live_candidate(task.live_source, task.live_backend), chosen, python, threads
        )
    if kernel in TORCH:
        return Subject.of_candidate(folder, torch_candidate(folder.family, TORCH[kernel]), chosen, python, threads)
    best = find_fastest(read_evaluations(folder).values())
    source = render(folder.family, folder.task.dtype, best.choices if best and not kernel else None)
    if kernel and kernel != source.implementation:
        evaluation = read_evaluations(folder).get(kernel)
        named = read_stored_source(folder, kernel) or (
            render(folder.family, folder.task.dtype, evaluation.choices) if evaluation else None
        )
        if named is None:
            raise UserError(
                f"Cannot find kernel {kernel!r}",
                str(folder.path),
                "use live, torch, or an id of candidates/ or search.jsonl",
            )
        source = named
    return Subject.of_source(folder, source, chosen, python, threads)


def find_heaviest_shape(folder: TaskFolder) -> str:
    """The served shape whose calls move most bytes in all."""
    family, task = folder.family, folder.task
    served = [shape for shape in task.shapes if shape.calls and not shape.held_out] or list(task.shapes)

    def moved(key: str, calls: int) -> int:
        return calls * family.bytes_moved(tuple(int(part) for part in key.split("x")), task.dtype)

    return max(served, key=lambda shape: moved(shape.key, shape.calls)).key


def _folder(
    task: Path | None, family: str, shapes: str, dtype: str, python: Path, threads: int, scratch: Path
) -> TaskFolder:
    if task is not None:
        if family or shapes:
            raise UserError("Cannot change family or shapes of a task", str(task), "leave out --family and --shapes")
        return open_task(task.resolve().parent.parent, task.resolve().name)
    if family not in FAMILIES:
        raise UserError(
            f"Cannot find family {family!r}", "--family", f"give a task's folder, or one of {', '.join(FAMILIES)}"
        )
    dtype = dtype_of(FAMILIES[family], dtype)
    wanted = parse_shapes(FAMILIES[family], shapes, "")
    with ForkServer(python, threads) as fork_server:
        return write_task(scratch / "run", FAMILIES[family], dtype, wanted, fork_server, threads)
