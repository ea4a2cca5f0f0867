"""Writes and opens the folder of a task: operator, shapes, tolerance and the oracle; each file is written once.

The shapes and their weights are declared by hand here; ``task.extract`` writes the same files from calls captured on a
live server. The oracle's outputs are the live implementation's, for inputs from secret seeds.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import ValidationError

from bankable.kernels.operators import FAMILIES
from bankable.kernels.operators.family import Family
from bankable.kernels.sandbox.fork_server import ForkServer, JobAnswer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.task.dtype import dtype_of
from bankable.kernels.task.shapes import Served
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.harness import (
    ORACLE_FOLDER,
    OracleFile,
    OracleManifest,
    PatchPoint,
    ServedShape,
    SourceFile,
    Task,
    Tolerance,
)
from bankable.tools.evidence.records import SCHEMA_VERSION
from bankable.tools.evidence.store import json_bytes, write_once

LIVE_BACKEND = "native"
PARTS = ("inputs", "expected")


@dataclass(frozen=True)
class TaskFolder:
    """``ops/<operator>/`` of a run folder."""

    root: Path
    """The run folder."""
    task: Task

    @classmethod
    def create(cls, root: Path, task: Task, files: Sequence[OracleFile]) -> TaskFolder:
        """Write the records of a new task, the oracle's files being there."""
        folder = cls(root, task)
        manifest = OracleManifest(run_id=task.run_id, operator=task.operator, files=tuple(files))
        write_once(folder.path / "oracle.json", json_bytes(manifest.model_dump(mode="json")))
        write_once(folder.path / "task.json", json_bytes(task.model_dump(mode="json")))
        return folder

    @property
    def path(self) -> Path:
        return self.root / "ops" / self.task.operator

    @property
    def family(self) -> Family:
        """At the patch point that the task was captured at."""
        family = FAMILIES[self.task.family]
        return family.dispatched(family.own is not None and family.own.attribute == self.task.seam.attribute)

    def oracle_inputs(self, key: str) -> Path:
        """Inputs that a candidate is tried on. An absolute path: another process opens it, from a folder of its own."""
        return self.path.resolve() / ORACLE_FOLDER / tensors_name(key, "inputs")

    def oracle_expected(self, key: str) -> Path:
        """The live implementation's outputs for them."""
        return self.path.resolve() / ORACLE_FOLDER / tensors_name(key, "expected")

    def kernel_file(self, implementation: str) -> Path:
        """Path of the stored source of a benchmarked kernel."""
        return self.path / "candidates" / f"{implementation}.cpp"

    def next_attempt(self) -> int:
        """Number of the next operator benchmark."""
        taken = [path.name.removeprefix("bench-") for path in self.path.glob("bench-*")]
        return 1 + max((int(number) for number in taken if number.isdecimal()), default=0)


def open_task(root: Path, operator: str) -> TaskFolder:
    """Open an existing task. Raises ``UserError`` when it is none of ours."""
    path = root / "ops" / operator / "task.json"
    try:
        task = Task.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise UserError(
            "Cannot open the task: not a task folder", str(path.parent), "give a folder that `benchmark` made"
        ) from None
    if task.family not in FAMILIES or task.operator != operator:
        raise UserError(
            f"Cannot open the task: no family {task.family!r}",
            str(path),
            "run `python -m kernels families` for the names",
        )
    return TaskFolder(root, task)


def write_task(
    root: Path, family: Family, dtype: str, shapes: tuple[Served, ...], fork_server: ForkServer, threads: int
) -> TaskFolder:
    """A new task in a new or existing run folder. Raises ``UserError`` when the folder holds one of that name.

    Without a ``dtype`` it is the family's usual one.
    """
    dtype = dtype_of(family, dtype)
    folder = root / "ops" / family.name
    if folder.exists():
        raise UserError("Cannot write the task: the folder holds one already", str(folder), "choose another --out")
    run_id = _run_id(root)
    allowed = family.allowed[dtype]
    answer = fork_server.run("oracle", oracle_job(family, dtype, shapes, threads), JobLimits())
    files = write_oracle(folder, family, shapes, answer)
    task = Task(
        run_id=run_id,
        operator=family.name,
        family=family.name,
        seam=PatchPoint(module=family.module, attribute=family.attribute, branch=family.branch),
        live_backend=LIVE_BACKEND,
        live_source=SourceFile.model_validate(answer.replies[0]["live_source"]),
        launch_mode="eager",
        device="cpu",
        dtype=dtype,
        shapes=tuple(record_of(family, dtype, shape) for shape in shapes),
        tolerance=Tolerance(relative_error=allowed.relative_error, reason=allowed.reason),
        captured_at=time.time(),
    )
    return TaskFolder.create(root, task, files)


def oracle_job(family: Family, dtype: str, shapes: Sequence[Served], threads: int) -> dict[str, object]:
    """The request to the fork server: the live implementation's outputs for inputs from secret seeds."""
    return {
        "family": family.name,
        "dtype": dtype,
        "threads": threads,
        "relative_error": family.allowed[dtype].relative_error,
        "shapes": [{"key": shape.key, "dims": shape.dims, "seed": secrets.randbits(60)} for shape in shapes],
    }


def write_oracle(folder: Path, family: Family, shapes: Sequence[Served], answer: JobAnswer) -> list[OracleFile]:
    """Store these outputs. Raises ``UserError`` where there are none, or where the live ones miss the tolerance."""
    if answer.ended.end != "answered":
        raise UserError(
            f"Cannot record reference outputs: the live implementation failed: {answer.ended.why}",
            family.attribute,
            "check the engine",
        )
    for reply in answer.replies:
        if reply["error"] is None or reply["mismatch_share"] > 0:
            raise UserError(
                f"Cannot record reference outputs: live error {reply['error']} at {reply['shape']} is out of tolerance",
                family.name,
                "leave out that shape",
            )
    return [
        keep_tensors(folder, shape.key, part, (answer.folder / tensors_name(shape.key, part)).read_bytes())
        for shape in shapes
        for part in PARTS
    ]


def keep_tensors(folder: Path, key: str, part: str, content: bytes) -> OracleFile:
    """Write one file of the oracle, once."""
    path = folder / ORACLE_FOLDER / tensors_name(key, part)
    write_once(path, content)
    return OracleFile(name=path.name, sha256=file_digest(path), shape=key)


def tensors_name(key: str, part: str) -> str:
    """``4x256.inputs.safetensors``."""
    return f"{key}.{part}.safetensors"


def record_of(family: Family, dtype: str, shape: Served) -> ServedShape:
    """A shape that was declared by hand."""
    specs = family.inputs(shape.dims)
    return ServedShape(
        key=shape.key,
        dims=tuple(spec.dims for spec in specs),
        dtypes=tuple(spec.dtype or dtype for spec in specs),
        phase=shape.phase,
        calls=shape.calls,
        held_out=shape.held_out,
    )


def _run_id(root: Path) -> str:
    """Nonce of the run folder, made where there is none."""
    path = root / "run.json"
    if path.is_file():
        try:
            return str(orjson.loads(path.read_bytes())["run_id"])
        except (ValueError, KeyError, TypeError):
            raise UserError("Cannot read run.json", str(path), "choose another --out") from None
    run_id = secrets.token_hex(8)
    write_once(path, json_bytes({"schema_version": SCHEMA_VERSION, "run_id": run_id, "config": {}}))
    return run_id
