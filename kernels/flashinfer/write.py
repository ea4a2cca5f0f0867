"""Writes a data set of flashinfer-bench from a run folder's operator benchmarks.

The reference calls ours, so it needs bankable beside torch. A solution is the C++ source as it was benchmarked: it is
called through our entry point, which flashinfer-bench's own builders do not know. Only kernels whose rows are all
sound pass; errors that a benchmark does not measure are no number.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import orjson

from bankable.kernels.benchmark.candidate import LIVE
from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.benchmark.result import is_sound
from bankable.kernels.flashinfer.schema import (
    AxisDefinition,
    OperatorDefinition,
    SolutionRecord,
    SolutionSource,
    SolutionSpec,
    Status,
    TensorDefinition,
    TheirRecord,
    TraceCorrectness,
    TraceEnvironment,
    TraceEvaluation,
    TracePerformance,
    TraceRecord,
    WorkloadDefinition,
)
from bankable.kernels.operators.family import Family, TensorSpec
from bankable.kernels.task.folder import TaskFolder, open_task
from bankable.kernels.task.sources import read_stored_source
from bankable.tools.errors import UserError
from bankable.tools.evidence.harness import Measurement, OpRun
from bankable.tools.evidence.store import whole_lines, write_once

AUTHOR = "bankable"
REFERENCE = """from bankable.kernels.operators.implementations import OPERATORS


def run({arguments}):
    outputs = OPERATORS["{family}"].reference({{{entries}}})
    return outputs[0] if len(outputs) == 1 else outputs
"""
"""Source of a definition's reference."""


def write_data_set(run: Path, out: Path) -> list[Path]:
    """All operator benchmarks of a run folder. Raises ``UserError`` where there is none."""
    paths: list[Path] = []
    for place in sorted(run.glob("ops/*/task.json")):
        task = open_task(run, place.parent.name)
        rows = [row for log in sorted(task.path.glob("bench-*/opbench_runs.jsonl")) for row in whole_lines(log, OpRun)]
        if rows:
            paths += _write_operator(task, rows, out)
    if not paths:
        raise UserError(
            "Cannot write a data set: the folder has no operator benchmark",
            str(run),
            "give the --out of `kernels benchmark`, or the folder of a run",
        )
    return paths


def definition_of(task: TaskFolder) -> OperatorDefinition:
    """The operator, its axes variable; sizes that follow from them are axes of their own."""
    family = task.family
    inputs, outputs = symbolic_shapes(family)
    names = dict.fromkeys([*family.axes, *(axis for shape in (*inputs.values(), *outputs.values()) for axis in shape)])
    dims = parse_dims(task.task.shapes[0].key)
    dtypes = {spec.name: spec.dtype or task.task.dtype for spec in (*family.inputs(dims), *family.outputs(dims))}
    used = {axis for shape in (*inputs.values(), *outputs.values()) for axis in shape}
    return OperatorDefinition(
        name=f"bankable_{family.name}_{task.task.dtype}",
        op_type=family.name,
        axes={name: AxisDefinition(type="var") for name in names if name in used},
        inputs={name: TensorDefinition(shape=shape, dtype=dtypes[name]) for name, shape in inputs.items()},
        outputs={name: TensorDefinition(shape=shape, dtype=dtypes[name]) for name, shape in outputs.items()},
        reference=REFERENCE.format(
            arguments=", ".join(inputs),
            family=family.name,
            entries=", ".join(f'"{name}": {name}' for name in inputs),
        ),
        tags=[f"author:{AUTHOR}"],
        description=family.title,
    )


def symbolic_shapes(family: Family) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Names of the axes of every input and output, by two sets of sizes in which no two are equal."""
    count = len(family.axes)
    probes = [tuple(16 * (index + 2) for index in range(count)), tuple(16 * (2 * index + 9) for index in range(count))]
    sides = []
    for specs in (family.inputs, family.outputs):
        first, second = (specs(dims) for dims in probes)
        sides.append({one.name: _axes_of(family, one, other, probes) for one, other in zip(first, second, strict=True)})
    return sides[0], sides[1]


def _axes_of(family: Family, one: TensorSpec, other: TensorSpec, probes: Sequence[tuple[int, ...]]) -> list[str]:
    names = []
    for place, sizes in enumerate(zip(one.dims, other.dims, strict=True)):
        own = [axis for index, axis in enumerate(family.axes) if sizes == (probes[0][index], probes[1][index])]
        names.append(own[0] if own else f"{one.name}_{place}")
    return names


def _write_operator(task: TaskFolder, rows: Sequence[OpRun], out: Path) -> Iterator[Path]:
    definition = definition_of(task)
    workloads = {shape.key: _workload(task, definition, shape.key) for shape in task.task.shapes if not shape.held_out}
    place = f"{definition.op_type}/{definition.name}"
    write: dict[str, Sequence[TheirRecord]] = {
        f"definitions/{place}.json": [definition],
        f"workloads/{place}.jsonl": [
            TraceRecord(definition=definition.name, workload=workload) for workload in workloads.values()
        ],
        f"traces/{place}.jsonl": list(_traces(task, definition, workloads, rows)),
    }
    for name in dict.fromkeys(row.implementation for row in rows):
        source = read_stored_source(task, name)
        if source is not None:
            write[f"solutions/{definition.op_type}/{name}.json"] = [_solution(definition, name, source.text)]
    for name, records in write.items():
        path = out / name
        write_once(path, b"".join(record.model_dump_json(exclude_none=True).encode() + b"\n" for record in records))
        yield path


def _workload(task: TaskFolder, definition: OperatorDefinition, key: str) -> WorkloadDefinition:
    dims = parse_dims(key)
    sizes = dict(zip(task.family.axes, dims, strict=True))
    for spec in (*task.family.inputs(dims), *task.family.outputs(dims)):
        shape = (definition.inputs | definition.outputs)[spec.name].shape or []
        sizes |= dict(zip(shape, spec.dims, strict=True))
    return WorkloadDefinition(
        axes={name: sizes[name] for name in definition.axes},
        inputs={name: {"type": "random"} for name in definition.inputs},
        uuid=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{definition.name}/{key}")),
    )


def _solution(definition: OperatorDefinition, name: str, text: str) -> SolutionRecord:
    return SolutionRecord(
        name=name,
        definition=definition.name,
        author=AUTHOR,
        spec=SolutionSpec(language="cpp", target_hardware=["cpu"], entry_point="kernel.cpp::bankable_run"),
        sources=[SolutionSource(path="kernel.cpp", content=text)],
        description="called through bankable's own entry point",
    )


def _traces(
    task: TaskFolder, definition: OperatorDefinition, workloads: dict[str, WorkloadDefinition], rows: Sequence[OpRun]
) -> Iterator[TraceRecord]:
    device = _device(task)
    for name in dict.fromkeys(row.implementation for row in rows if row.role == "candidate"):
        for key, workload in workloads.items():
            own = [row for row in rows if row.implementation == name and row.shape == key]
            live = [row for row in rows if row.implementation == LIVE and row.shape == key]
            if own:
                yield TraceRecord(
                    definition=definition.name,
                    workload=workload,
                    solution=name,
                    evaluation=_evaluation(task, own, live, device),
                )


def _evaluation(task: TaskFolder, own: Sequence[OpRun], live: Sequence[OpRun], device: str) -> TraceEvaluation:
    errors = [
        math.nan if row.correctness.relative_error is None else row.correctness.relative_error
        for row in own
        if row.correctness is not None
    ]
    raised = next((row.raised for row in own if row.raised is not None), None)
    times, reference = _median_ms(own), _median_ms(live)
    status: Status = "RUNTIME_ERROR" if raised is not None else "INCORRECT_NUMERICAL"
    if raised is None and times and reference and all(is_sound(task.task, row) for row in own):
        status = "PASSED"
    checked = status in ("PASSED", "INCORRECT_NUMERICAL")
    return TraceEvaluation(
        status=status,
        environment=TraceEnvironment(hardware=device),
        timestamp=datetime.fromtimestamp(max(row.ended for row in own), UTC).isoformat(timespec="seconds"),
        log=raised or "",
        correctness=TraceCorrectness(max_relative_error=max(errors, default=math.nan)) if checked else None,
        performance=TracePerformance(latency_ms=times, reference_latency_ms=reference, speedup_factor=reference / times)
        if status == "PASSED"
        else None,
    )


def _median_ms(rows: Sequence[OpRun]) -> float:
    """Median over rounds of the medians, milliseconds; 0.0 where nothing was timed."""
    medians = [
        median(value for value in row.samples_ns if value is not None)
        for row in rows
        if any(value is not None for value in row.samples_ns)
    ]
    return median(medians) / 1e6 if medians else 0.0


def _device(task: TaskFolder) -> str:
    for path in sorted(task.path.glob("bench-*/measurement.json")):
        try:
            return Measurement.model_validate(orjson.loads(path.read_bytes())).device
        except ValueError:
            continue
    return task.task.device
