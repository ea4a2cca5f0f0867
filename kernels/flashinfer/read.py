"""Reads a data set of flashinfer-bench, and says which of its traces do not show what they claim."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from bankable.kernels.flashinfer.schema import OperatorDefinition, SolutionRecord, TheirRecord, TraceRecord
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record

SAME = 0.02
"""Relative difference up to which a speed-up is the ratio of its latencies."""
TraceVerdict = Literal["stands", "doubted", "refused"]
R = TypeVar("R", bound=TheirRecord)


@dataclass(frozen=True)
class TraceDataSet:
    """A data set."""

    definitions: Mapping[str, OperatorDefinition]
    solutions: Mapping[str, SolutionRecord]
    workloads: tuple[TraceRecord, ...]
    traces: tuple[TraceRecord, ...]


class TraceAudit(Record):
    """A trace that claims to have passed."""

    definition: str
    """Name of the definition."""
    solution: str
    """Name of the solution."""
    workload: str
    """Identifier of the workload."""
    speedup: float | None
    """As claimed; ``None`` where none is."""
    verdict: TraceVerdict
    """Only what *stands* counts."""
    why: str = ""
    """Reason of another verdict."""


def read_data_set(folder: Path) -> TraceDataSet:
    """All of a folder. Raises ``UserError`` where it holds none, or a file is none of theirs."""
    definitions = {entry.name: entry for entry in _read(folder, "definitions", "json", OperatorDefinition)}
    if not definitions:
        raise UserError(
            "Cannot read the data set: no definition",
            str(folder),
            "give a folder with definitions, solutions, workloads and traces",
        )
    return TraceDataSet(
        definitions,
        {entry.name: entry for entry in _read(folder, "solutions", "json", SolutionRecord)},
        tuple(_read(folder, "workloads", "jsonl", TraceRecord)),
        tuple(_read(folder, "traces", "jsonl", TraceRecord)),
    )


def audit_traces(data: TraceDataSet) -> list[TraceAudit]:
    """Every trace that claims to have passed."""
    audits = []
    for trace in data.traces:
        if trace.evaluation is None or trace.evaluation.status != "PASSED":
            continue
        verdict, why = _judge(data, trace)
        performance = trace.evaluation.performance
        audits.append(
            TraceAudit(
                definition=trace.definition,
                solution=trace.solution or "",
                workload=trace.workload.uuid,
                speedup=performance.speedup_factor if performance else None,
                verdict=verdict,
                why=why,
            )
        )
    return audits


def _judge(data: TraceDataSet, trace: TraceRecord) -> tuple[TraceVerdict, str]:
    evaluation = trace.evaluation
    assert evaluation is not None
    correctness, performance = evaluation.correctness, evaluation.performance
    solution = data.solutions.get(trace.solution or "")
    errors = (correctness.max_relative_error, correctness.max_absolute_error) if correctness else ()
    verdict: TraceVerdict = "stands"
    why = ""
    if trace.definition not in data.definitions:
        verdict, why = "refused", "its definition is not in the data set"
    elif solution is not None and solution.definition != trace.definition:
        verdict, why = "refused", f"its solution is for {solution.definition}"
    elif performance is None or not performance.positive:
        verdict, why = "refused", "passed without a time"
    elif abs(performance.reference_latency_ms / performance.latency_ms / performance.speedup_factor - 1) > SAME:
        verdict, why = "refused", f"the latencies do not give {performance.speedup_factor:g}"
    elif any(math.isinf(error) for error in errors):
        verdict, why = "refused", "its error is infinite"
    elif not errors or all(math.isnan(error) for error in errors):
        verdict, why = "doubted", "its errors are unknown"
    elif solution is None:
        verdict, why = "doubted", "its solution is not in the data set"
    return verdict, why


def _read(folder: Path, name: str, ending: str, kind: type[R]) -> Iterator[R]:
    for path in sorted((folder / name).rglob(f"*.{ending}")):
        try:
            text = path.read_text(encoding="utf-8")
            for part in text.splitlines() if ending == "jsonl" else [text]:
                if part.strip():
                    yield kind.model_validate_json(part)
        except (OSError, UnicodeDecodeError, ValidationError) as problem:
            raise UserError(
                f"Cannot read the data set: {str(problem).splitlines()[0]}", str(path), "check the file's schema"
            ) from None
