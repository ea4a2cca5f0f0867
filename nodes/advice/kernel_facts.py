"""Facts about a candidate from search and benchmark, for a model that proposes the next one; no held-out shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

import orjson
from pydantic import Field, ValidationError

from bankable.kernels.search.search import read_evaluations
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.evidence.harness import Measurement, OpRun
from bankable.tools.evidence.records import Record
from bankable.tools.llm.toolbox import Tool

MOST = 40
MOST_ROW_BYTES = 8 << 20


class AskKernelFacts(Record):
    """Arguments of ``ask_for_a_diagnosis``."""

    implementation: str = Field(max_length=80)
    """Id of a candidate, or ``live``; empty for all."""


def make_diagnosis_tool(task: TaskFolder) -> Tool[AskKernelFacts]:
    """A tool over the records of one task folder."""
    return Tool(
        "ask_for_a_diagnosis",
        "What the search and the last benchmark know of a candidate: its parameters, how it ended, what holds it back, "
        "its time at each served shape, and how near that is to what the machine can do.",
        AskKernelFacts,
        lambda request: describe_kernels(task, request.implementation),
    )


def describe_kernels(task: TaskFolder, implementation: str = "") -> str:
    """One line for each evaluation and each cell of the last benchmark; for a single candidate its whole diagnosis."""
    lines = [*_describe_evaluations(task, implementation), *_describe_benchmark(task, implementation)]
    return "\n".join(lines[:MOST]) or "no records of it"


def _describe_evaluations(task: TaskFolder, implementation: str) -> Iterator[str]:
    for evaluation in read_evaluations(task).values():
        if implementation in ("", evaluation.implementation):
            ratio = f", {math.exp(evaluation.log_ratio):.2f} times live" if evaluation.log_ratio is not None else ""
            # Compiler output is left out: it repeats sources.
            why = f": {evaluation.why[:120]}" if evaluation.outcome == "wrong" else ""
            choices = orjson.dumps(evaluation.choices).decode()
            yield f"{evaluation.implementation} {choices}: {evaluation.outcome}{ratio}{why}"
            if implementation and evaluation.diagnosis is not None:
                yield from evaluation.diagnosis.describe().splitlines()


def _describe_benchmark(task: TaskFolder, implementation: str) -> Iterator[str]:
    """From the rows of the last benchmark: time, and the part of the machine's measured roof that it reaches."""
    place = task.path / f"bench-{task.next_attempt() - 1}"
    try:
        peaks = Measurement.model_validate_json((place / "measurement.json").read_bytes()).peaks
        raw = (place / "opbench_runs.jsonl").read_bytes()[:MOST_ROW_BYTES]
    except (OSError, ValidationError):
        return
    served = {shape.key for shape in task.task.shapes if not shape.held_out}
    cells: dict[tuple[str, str], list[OpRun]] = {}
    for line in raw.splitlines():
        try:
            row = OpRun.model_validate_json(line)
        except ValidationError:
            continue
        if row.shape in served and implementation in ("", row.implementation) and any(row.samples_ns):
            cells.setdefault((row.implementation, row.shape), []).append(row)
    for (name, shape), rows in sorted(cells.items()):
        seconds = median(sample for row in rows for sample in row.samples_ns if sample is not None) / 1e9
        moved, flops = (rows[0].bytes_moved or 0) / seconds, (rows[0].flops or 0) / seconds
        memory, compute = moved / peaks.copy_bandwidth, flops / peaks.flop_rate
        yield (
            f"{name} at {shape}: {1e6 * seconds:.1f} µs; {memory:.0%} of the machine's copy bandwidth, "
            f"{compute:.1%} of its matrix rate: {'memory' if memory >= compute else 'compute'} is the nearer limit"
        )
