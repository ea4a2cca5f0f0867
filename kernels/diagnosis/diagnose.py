"""Diagnoses a kernel: runs the layers, derives the bound and the advice, and stores the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.diagnosis.advice import advise
from bankable.kernels.diagnosis.gpu import diagnose_by_code, diagnose_by_counters
from bankable.kernels.diagnosis.layers.graph import Results
from bankable.kernels.diagnosis.layers.harness import evaluate, folder_of
from bankable.kernels.diagnosis.layers.layer import LayerResult
from bankable.kernels.diagnosis.layers.runner import LayerWorker
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.diagnosis.processor import judge
from bankable.kernels.diagnosis.readings import Readings, collect_readings
from bankable.kernels.diagnosis.record import Diagnosis
from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.store import json_bytes, write_once

ENOUGH = ("compile", "roof", "overhead", "counters")
"""Layers that decide the bound: what a search asks for, a second or two for each candidate."""


@dataclass(frozen=True)
class Examined:
    """A subject, the results of its layers, and the diagnosis."""

    subject: Subject
    results: Results
    readings: Readings
    diagnosis: Diagnosis
    on_gpu: tuple[Diagnosis, ...] = ()
    """Of the family's Triton kernel: by its counters, or by its compiled form for each target."""


def examine(
    subject: Subject,
    *,
    only: Sequence[str] = (),
    again: bool = False,
    plugins: Mapping[str, str] | None = None,
    worker: LayerWorker | None = None,
    say: Callable[[LayerResult], None] = lambda _: None,
) -> Examined:
    """Run the layers (``only`` some of them) and diagnose. The diagnosis is stored beside their findings."""
    results = evaluate(subject, only=only, again=again, plugins=plugins, worker=worker, say=say)
    readings = collect_readings(subject, results)
    diagnosis = diagnose(subject, readings)
    content = json_bytes(diagnosis.model_dump(mode="json"))
    write_once(folder_of(subject) / f"diagnosis-{digest(content)[:16]}.json", content)
    return Examined(subject, results, readings, diagnosis, tuple(_gpu(readings)))


def diagnose(subject: Subject, readings: Readings) -> Diagnosis:
    """Derive the diagnosis from the readings."""
    bound, evidence = judge(readings)
    task = subject.task()
    shapes = [parse_dims(shape.key) for shape in task.task.shapes if not shape.held_out]
    least, taken = readings.definition_ns, readings.taken_ns
    return Diagnosis(
        bound=bound,
        roofline_share=least / taken if least is not None and taken else None,
        overhead_share=readings.overhead.share if readings.overhead is not None else None,
        evidence=evidence,
        advice=advise(bound, readings, task.family, subject.choices, shapes) if subject.text else (),
        implementation=subject.implementation,
        shape=subject.shape,
    )


def _gpu(readings: Readings) -> list[Diagnosis]:
    if readings.gpu is not None:
        return [diagnose_by_counters(readings.gpu).model_copy(update={"shape": readings.shape})]
    return [diagnose_by_code(figures) for figures in readings.offline.figures] if readings.offline is not None else []
