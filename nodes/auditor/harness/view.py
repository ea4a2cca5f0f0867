"""An operator benchmark as typed records, read on first access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.tools.evidence.harness import (
    EARLIER_FILE,
    EARLIER_FOLDER,
    ORACLE_FOLDER,
    Measurement,
    OpRun,
    OracleManifest,
    ServedShape,
    Task,
)

MAX_ROWS = 20_000
"""Rows that are read of one benchmark."""
LONGEST_NS = 1e15
SHORTEST_NS = 1e-3
"""Bounds of a valid sample, nanoseconds; no ratio of two samples within them overflows."""


class CapturedShapeCalls(BaseModel):
    """One combination of sizes in ``capture.json``; what else it states is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dims: tuple[int, ...]
    """In the axes of the operator's family."""
    calls: dict[str, int]
    """Number of calls by phase."""


class CapturedCalls(BaseModel):
    """``capture.json``: how often the live server called the operator, by sizes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    other_calls: int = 0
    """Number of calls of shapes beyond those that are counted apart."""
    shapes: tuple[CapturedShapeCalls, ...] = ()
    """Combinations of sizes that were counted apart."""

    @property
    def by_key(self) -> dict[str, int]:
        """Number of calls of each shape, by its key."""
        return {"x".join(map(str, shape.dims)): sum(shape.calls.values()) for shape in self.shapes}


class ReportedBenchmark(BaseModel):
    """``claim.json`` of an operator benchmark with every field optional: a null claims nothing."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    run_id: str | None = None
    """Nonce of the run."""
    operator: str | None = None
    """Name of the operator."""
    outcome: str | None = None
    """``winner``, ``no_win`` or ``harness_error``."""
    winner: str | None = None
    """Implementation id of the winner; ``None`` without one."""
    winner_backend: str | None = None
    """Backend of the winner."""
    baseline: str | None = None
    """Implementation id of the reference."""
    baseline_backend: str | None = None
    """Backend of the reference."""
    speedup: float | None = None
    """Ratio live / winner of served-weighted times."""
    interval: tuple[float | None, float | None] | None = None
    """Bounds of the ratio."""
    shapes: dict[str, float | None] = {}
    """Ratio by shape."""
    headline: str = ""
    """The sentence that would be published."""


@dataclass(frozen=True)
class OpRow:
    """One line of ``opbench_runs.jsonl``."""

    line: int
    """Line number, 1-based."""
    run: OpRun
    """The record of the line."""

    @cached_property
    def samples(self) -> tuple[float, ...]:
        """Samples within the valid range, nanoseconds."""
        return tuple(value for value in self.run.samples_ns if value and SHORTEST_NS <= value <= LONGEST_NS)

    @property
    def measured(self) -> bool:
        """Whether the run completed with every sample valid."""
        return self.run.raised is None and 0 < len(self.samples) == len(self.run.samples_ns)

    @property
    def name(self) -> str:
        return f"{self.run.implementation} at {self.run.shape}, round {self.run.round}"


class OperatorBenchmarkView:
    """One operator's task folder with one attempt at its benchmark."""

    def __init__(self, reader: Reader, folder: str) -> None:
        self._reader, self.folder = reader, folder

    def path(self, name: str) -> str:
        """Path of one of the folder's files, relative to the sealed folder."""
        return f"{self.folder}/{name}"

    @property
    def runs_file(self) -> str:
        return self.path("opbench_runs.jsonl")

    @cached_property
    def task(self) -> Task | None:
        return self._reader.model(self.path("task.json"), Task)

    @cached_property
    def oracle(self) -> OracleManifest | None:
        return self._reader.model(self.path("oracle.json"), OracleManifest)

    @cached_property
    def measurement(self) -> Measurement | None:
        return self._reader.model(self.path("measurement.json"), Measurement)

    @cached_property
    def claim(self) -> ReportedBenchmark | None:
        return self._reader.model(self.path("claim.json"), ReportedBenchmark)

    @cached_property
    def verdict(self) -> Json | None:
        """The verdict of scope harness on this attempt; only in the evidence of a patch."""
        return self._reader.document(self.path("verdict.json"))

    @cached_property
    def capture(self) -> CapturedCalls | None:
        """The calls that the live server made, as they were counted; ``None`` for a task that was not captured."""
        return self._reader.model(self.path("capture.json"), CapturedCalls)

    @cached_property
    def earlier(self) -> dict[str, tuple[OpRow, ...]]:
        """Rows of earlier attempts at this task, by the file that holds them."""
        folder = self.path(EARLIER_FOLDER)
        names = [f"{folder}/{attempt}/{EARLIER_FILE}" for attempt in self._reader.folders(folder)]
        return {name: self._rows(name) for name in names if self._reader.exists(name)}

    @cached_property
    def rows(self) -> tuple[OpRow, ...]:
        """The first ``MAX_ROWS`` rows, in the order of the file."""
        return self._rows(self.runs_file)

    def _rows(self, name: str) -> tuple[OpRow, ...]:
        rows: list[OpRow] = []
        for line, entry in self._reader.objects(name):
            if len(rows) == MAX_ROWS:
                self._reader.report(name, line, "too_large", f"more than {MAX_ROWS} rows; reading stops")
                break
            run = self._reader.validate(entry, OpRun, name, line)
            if run is not None:
                rows.append(OpRow(line, run))
        return tuple(rows)

    @cached_property
    def reference(self) -> tuple[OpRow, ...]:
        return tuple(row for row in self.rows if row.run.role == "reference")

    @property
    def winner(self) -> str | None:
        """Implementation id of the claimed winner."""
        return self.claim.winner if self.claim is not None else None

    def of(self, implementation: str) -> tuple[OpRow, ...]:
        """The rows of one candidate."""
        return tuple(row for row in self.candidates if row.run.implementation == implementation)

    @cached_property
    def winning(self) -> tuple[OpRow, ...]:
        """The rows of the claimed winner; empty when no winner is claimed."""
        return self.of(self.winner) if self.winner else ()

    @cached_property
    def candidates(self) -> tuple[OpRow, ...]:
        return tuple(row for row in self.rows if row.run.role == "candidate")

    @property
    def judged(self) -> tuple[OpRow, ...]:
        """Rows that the claim rests on: reference and winner. Losing candidates are not judged."""
        return (*self.reference, *self.winning)

    @cached_property
    def implementations(self) -> tuple[str, ...]:
        """Sorted ids of the candidates."""
        return tuple(sorted({row.run.implementation for row in self.candidates}))

    @cached_property
    def shapes(self) -> dict[str, ServedShape]:
        return {shape.key: shape for shape in self.task.shapes} if self.task is not None else {}

    @cached_property
    def served(self) -> dict[str, int]:
        """Calls of each served shape that the live server made."""
        return {key: shape.calls for key, shape in self.shapes.items() if not shape.held_out and shape.calls > 0}

    def tensors(self, name: str) -> Path | None:
        """Path of an oracle file; ``None`` when it was not sealed (only plain safetensors names are)."""
        if name not in self._tensors:
            return None
        return self._reader.folder / self.path(ORACLE_FOLDER) / name

    @cached_property
    def _tensors(self) -> frozenset[str]:
        place = self._reader.folder / self.path(ORACLE_FOLDER)
        return frozenset(path.name for path in place.iterdir() if path.is_file()) if place.is_dir() else frozenset()


def group_by_process(rows: Sequence[OpRow]) -> dict[int, list[OpRow]]:
    """Rows by process id, in the order of the file."""
    groups: dict[int, list[OpRow]] = {}
    for row in rows:
        groups.setdefault(row.run.pid, []).append(row)
    return groups
