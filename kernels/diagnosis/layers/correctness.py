"""The first layer: outputs against float64, the live implementation and the oracle, on several kinds of input."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import orjson

from bankable.kernels.benchmark.qualify import KINDS, qualify
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import Subject


class CorrectnessFinding(LayerFinding):
    """Result of the check of a candidate; the process that checks is not the one that ran it."""

    right: bool
    """Whether all outputs are within the tolerance."""
    why: str = ""
    """First thing that was wrong."""
    worst_error: float | None = None
    """Against float64, relative, over all shapes and inputs."""
    allowed: float
    """Largest relative error that is right."""
    equal_bits: float | None = None
    """Smallest share of outputs with the live implementation's very value."""
    shapes: tuple[str, ...]
    """Keys of the shapes that were tried."""
    kinds: tuple[str, ...]
    """Kinds of input that were tried."""

    def describe(self) -> str:
        if not self.right:
            return f"wrong: {self.why}"
        return (
            f"right: error {self.worst_error:.2g} of {self.allowed:.2g} allowed, {self.equal_bits:.2%} equal live's; "
            f"{len(self.shapes)} shapes, {len(self.kinds)} kinds of input"
        )


class CorrectnessLayer(Layer):
    name, number, title = "correctness", 1, "correctness"
    measures = "outputs against float64, the live implementation and the oracle; poison, guards, aliasing"
    limit_s, scope = 900.0, "kernel"
    finding_type = CorrectnessFinding

    def instrument(self, subject: Subject, place: Path) -> None:
        task = subject.task()
        keys = [shape.key for shape in task.task.shapes]
        with lease_fork_server(subject) as fork_server:
            qualification = qualify(task, subject.candidate(), fork_server, keys, subject.threads)
        (place / "qualified.json").write_bytes(orjson.dumps(asdict(qualification)))

    def collect(self, subject: Subject, place: Path) -> CorrectnessFinding:
        qualification, task = orjson.loads((place / "qualified.json").read_bytes()), subject.task().task
        return CorrectnessFinding(
            right=qualification["ok"],
            why=qualification["why"],
            worst_error=qualification["worst_error"],
            equal_bits=qualification["equal_bits"],
            allowed=task.tolerance.relative_error,
            shapes=tuple(shape.key for shape in task.shapes),
            kinds=KINDS,
        )


LAYER = CorrectnessLayer()
