"""Writes a task from calls captured on the live server: shapes with their call counts, real inputs and outputs.

Benchmarked are the shapes with the most calls, until they hold nearly all of them, and at least one of each phase that
matters; ``capture.json`` keeps the whole histogram. Two shapes that the server did not serve are held out, with inputs
from secret seeds.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import cast

from bankable.kernels.operators.family import Dims, Family, Phase, shape_key
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.task.folder import (
    LIVE_BACKEND,
    PARTS,
    TaskFolder,
    keep_tensors,
    oracle_job,
    record_of,
    write_oracle,
)
from bankable.kernels.task.shapes import Served
from bankable.tools.errors import UserError
from bankable.tools.evidence.harness import OracleFile, PatchPoint, ServedShape, SourceFile, Task, Tolerance
from bankable.tools.evidence.store import json_bytes, write_once
from bankable.tools.overlay.captured import Captured, CapturedShape, CaptureFolder

COVER = 0.97
"""Share of calls after which no further shape is benched."""
FEWEST_COVER = 0.90
MOST = 10
"""Shapes that are benched, while they hold ``FEWEST_COVER`` of the calls."""
MOST_AT_ALL = 20
"""Shapes that are benched where rows differ from call to call, as those of prefill do."""
PHASE = 0.05


def write_captured_task(
    root: Path,
    run_id: str,
    family: Family,
    captured: Captured,
    samples: CaptureFolder,
    fork_server: ForkServer,
    threads: int,
    also: Collection[str] = (),
) -> TaskFolder:
    """Write a new task into a run folder; ``also``: keys of captured shapes that are benchmarked whatever their calls.

    Raises ``UserError`` where the captured calls do not make a task.
    """
    folder = root / "ops" / family.name
    shapes = select_shapes(captured, also)
    covered = sum(shape.total for shape in shapes) / max(1, captured.calls)
    if covered < FEWEST_COVER:
        raise UserError(
            f"Cannot make a task: {len(shapes)} shapes hold only {covered:.0%} of the calls",
            family.name,
            "capture under a steadier load",
        )
    dtype = _dtype(family, captured)
    # From the usual ones: adding a shape must not influence what is held out.
    held = tuple(select_held_out(family, select_shapes(captured), [shape.dims for shape in shapes]))
    allowed = family.allowed[dtype]
    files = [*_check_samples(folder, family, dtype, shapes, samples, fork_server)]
    answer = fork_server.run("oracle", oracle_job(family, dtype, held, threads), JobLimits())
    files += write_oracle(folder, family, held, answer)
    stored_capture = captured.model_copy(update={"live_path": _engine_path(captured.live_path)})
    write_once(folder / "capture.json", json_bytes(stored_capture.model_dump(mode="json")))
    task = Task(
        run_id=run_id,
        operator=family.name,
        family=family.name,
        seam=PatchPoint(module=family.module, attribute=family.attribute, branch=family.branch),
        live_backend=LIVE_BACKEND,
        live_source=SourceFile(path=_engine_path(captured.live_path), digest=captured.module),
        launch_mode="eager",
        device="cpu",
        dtype=dtype,
        shapes=(*map(_make_served_shape, shapes), *(record_of(family, dtype, shape) for shape in held)),
        tolerance=Tolerance(relative_error=allowed.relative_error, reason=allowed.reason),
        captured_at=time.time(),
    )
    return TaskFolder.create(root, task, files)


def select_shapes(captured: Captured, also: Collection[str] = ()) -> list[CapturedShape]:
    """The sampled shapes with the most calls, one of every phase with more than a twentieth of them, and ``also``."""
    ranked = sorted((entry for entry in captured.shapes if entry.sampled), key=lambda item: (-item.total, item.key))
    chosen: list[CapturedShape] = []
    for shape in ranked:
        held = sum(each.total for each in chosen)
        enough = FEWEST_COVER if len(chosen) >= MOST else COVER
        if held >= enough * captured.calls or len(chosen) >= MOST_AT_ALL:
            break
        chosen.append(shape)
    calls: Counter[str] = Counter()
    for shape in captured.shapes:
        calls[shape.phase] += shape.total
    for phase, count in sorted(calls.items()):
        if count > PHASE * captured.calls and all(member.phase != phase for member in chosen):
            chosen += [one for one in ranked if one.phase == phase][:1]
    return [*chosen, *(element for element in ranked if element.key in also and element not in chosen)]


def select_held_out(family: Family, shapes: Sequence[CapturedShape], also: Collection[Dims] = ()) -> Iterator[Served]:
    """Shapes near the first and the last benched one that are none of the benched, and none of ``also``."""
    taken = {*(shape.dims for shape in shapes), *also}
    for shape in (shapes[0], shapes[-1]) if len(shapes) > 1 else shapes:
        dims = (shape.dims[0] + 1, *shape.dims[1:])
        while dims in taken:
            dims = (dims[0] + 1, *dims[1:])
        taken.add(dims)
        yield Served(dims, 0, cast(Phase, shape.phase), held_out=True)


def _check_samples(
    folder: Path,
    family: Family,
    dtype: str,
    shapes: Sequence[CapturedShape],
    samples: CaptureFolder,
    fork_server: ForkServer,
) -> Iterator[OracleFile]:
    """The server's own inputs and outputs, after checking them against the operator's definition."""
    paths = {(entry.key, part): samples.sample(family.name, entry.key, part) for entry in shapes for part in PARTS}
    missing = [f"{key} {part}" for (key, part), path in paths.items() if path is None]
    if missing:
        raise UserError(f"Cannot make a task: no sample of {missing[0]}", family.name, "capture again")
    job = {
        "family": family.name,
        "relative_error": family.allowed[dtype].relative_error,
        "shapes": [
            {"key": item.key, **{part: str(path) for (key, part), path in paths.items() if key == item.key and path}}
            for item in shapes
        ],
    }
    answer = fork_server.run("captured", job, JobLimits())
    right = {reply["shape"] for reply in answer.replies if reply["error"] is not None and not reply["mismatch_share"]}
    for shape in shapes:
        if shape.key not in right:
            error = next((reply["error"] for reply in answer.replies if reply["shape"] == shape.key), answer.ended.why)
            raise UserError(
                f"Cannot make a task: the live server's error at {shape.key} is out of tolerance: {error}",
                family.name,
                "capture again",
            )
    for (key, part), path in paths.items():
        assert path is not None
        yield keep_tensors(folder, key, part, path.read_bytes())


def _make_served_shape(shape: CapturedShape) -> ServedShape:
    return ServedShape(
        key=shape_key(shape.dims),
        dims=shape.sizes,
        strides=shape.strides,
        dtypes=shape.dtypes,
        phase=cast(Phase, shape.phase),
        calls=shape.total,
    )


def _dtype(family: Family, captured: Captured) -> str:
    allowed = [dtype for shape in captured.shapes for dtype in shape.dtypes if dtype in family.allowed]
    if not allowed:
        raise UserError(
            "Cannot make a task: no captured call has a dtype of the family",
            family.name,
            f"serve with one of {', '.join(family.allowed)}",
        )
    return allowed[0]


def _engine_path(path: str) -> str:
    """Path from the engine's package on: the place of installation is no evidence."""
    _, separator, rest = path.rpartition("/sglang/")
    return f"sglang/{rest}" if separator else Path(path).name
