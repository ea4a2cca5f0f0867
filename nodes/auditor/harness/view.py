"""An operator's benchmark as typed objects, read when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.tools.evidence.harness import ORACLE_FOLDER, Measurement, OpRun, OracleManifest, ServedShape, Task

MAX_ROWS = 20_000
LONGEST_NS = 1e15
SHORTEST_NS = 1e-3
"""Outside of these a sample is no timing; inside, no ratio of two of them overflows."""


class ReportedBenchmark(BaseModel):
    """``claim.json`` of an operator benchmark as it may arrive: any figure may be null, and null is not a lie."""

    model_config = ConfigDict(frozen=True, extra="allow")

    run_id: str | None = None
    operator: str | None = None
    outcome: str | None = None
    winner: str | None = None
    winner_backend: str | None = None
    baseline: str | None = None
    baseline_backend: str | None = None
    speedup: float | None = None
    interval: tuple[float | None, float | None] | None = None
    shapes: dict[str, float | None] = {}
    headline: str = ""


@dataclass(frozen=True)
class OpRow:
    """One line of ``opbench_runs.jsonl``."""

    line: int
    run: OpRun

    @cached_property
    def samples(self) -> tuple[float, ...]:
        """Usable samples in nanoseconds."""
        return tuple(value for value in self.run.samples_ns if value and SHORTEST_NS <= value <= LONGEST_NS)

    @property
    def measured(self) -> bool:
        """It ran to its end and every sample was timed."""
        return self.run.raised is None and 0 < len(self.samples) == len(self.run.samples_ns)

    @property
    def name(self) -> str:
        return f"{self.run.implementation} at {self.run.shape}, round {self.run.round}"


class OperatorBenchmarkView:
    """One operator's task folder with one attempt at its operator benchmark."""

    def __init__(self, reader: Reader, folder: str) -> None:
        self._reader, self.folder = reader, folder

    def path(self, name: str) -> str:
        """Path of one of its files, relative to the sealed folder."""
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
        """What scope harness said about this attempt; sealed with a patch only."""
        return self._reader.document(self.path("verdict.json"))

    @cached_property
    def rows(self) -> tuple[OpRow, ...]:
        """Every row, in the order of the file, up to more rows than any operator benchmark has."""
        name = self.runs_file
        found: list[OpRow] = []
        for line, entry in self._reader.objects(name):
            if len(found) == MAX_ROWS:
                self._reader.report(name, line, "too_large", f"more than {MAX_ROWS} rows; reading stops")
                break
            run = self._reader.typed(entry, OpRun, name, line)
            if run is not None:
                found.append(OpRow(line, run))
        return tuple(found)

    @cached_property
    def reference(self) -> tuple[OpRow, ...]:
        return tuple(row for row in self.rows if row.run.role == "reference")

    @property
    def winner(self) -> str | None:
        """Implementation id, as claimed."""
        return self.claim.winner if self.claim is not None else None

    def of(self, implementation: str) -> tuple[OpRow, ...]:
        """A candidate's rows."""
        return tuple(row for row in self.candidates if row.run.implementation == implementation)

    @cached_property
    def winning(self) -> tuple[OpRow, ...]:
        """The claimed winner's rows; none where no winner is claimed."""
        return self.of(self.winner) if self.winner else ()

    @cached_property
    def candidates(self) -> tuple[OpRow, ...]:
        return tuple(row for row in self.rows if row.run.role == "candidate")

    @property
    def judged(self) -> tuple[OpRow, ...]:
        """Rows that the claim rests on: both legs of it. A losing candidate may be as wrong as it likes."""
        return (*self.reference, *self.winning)

    @cached_property
    def implementations(self) -> tuple[str, ...]:
        """Candidates by id, sorted."""
        return tuple(sorted({row.run.implementation for row in self.candidates}))

    @cached_property
    def shapes(self) -> dict[str, ServedShape]:
        return {shape.key: shape for shape in self.task.shapes} if self.task is not None else {}

    @cached_property
    def served(self) -> dict[str, int]:
        """Calls of each shape that the live server made."""
        return {key: shape.calls for key, shape in self.shapes.items() if not shape.held_out and shape.calls > 0}

    def tensors(self, name: str) -> Path | None:
        """A file of the oracle; ``None`` when it was not sealed, which only plain safetensors names are."""
        if name not in self._tensors:
            return None
        return self._reader.folder / self.path(ORACLE_FOLDER) / name

    @cached_property
    def _tensors(self) -> frozenset[str]:
        place = self._reader.folder / self.path(ORACLE_FOLDER)
        return frozenset(path.name for path in place.iterdir() if path.is_file()) if place.is_dir() else frozenset()


def processes(rows: Sequence[OpRow]) -> dict[int, list[OpRow]]:
    """Rows by process id, in the order of the file."""
    found: dict[int, list[OpRow]] = {}
    for row in rows:
        found.setdefault(row.run.pid, []).append(row)
    return found
