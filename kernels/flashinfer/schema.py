"""The records of flashinfer-bench's data sets, by its schema (``flashinfer_bench/data``). Unknown fields survive.

A data set is a folder: ``definitions/**/*.json``, ``solutions/**/*.json``, ``workloads/**/*.jsonl`` and
``traces/**/*.jsonl``. A workload's line is a trace without solution and evaluation.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator

from bankable.tools.evidence.records import Record

Status = Literal[
    "PASSED",
    "INCORRECT_SHAPE",
    "INCORRECT_NUMERICAL",
    "INCORRECT_DTYPE",
    "RUNTIME_ERROR",
    "COMPILE_ERROR",
    "TIMEOUT",
]


class TheirRecord(Record):
    """Base of their records."""

    model_config = ConfigDict(frozen=True, extra="allow")


class AxisDefinition(TheirRecord):
    """An axis of a definition's tensors."""

    type: Literal["const", "var"]
    """``const``: one size for all workloads."""
    value: int | None = None
    """Size of a constant axis."""
    description: str | None = None
    """For people."""


class TensorDefinition(TheirRecord):
    """A tensor of a definition."""

    shape: list[str] | None
    """Names of its axes; ``None``: a scalar."""
    dtype: str
    """Such as ``bfloat16``."""
    description: str | None = None
    """For people."""


class OperatorDefinition(TheirRecord):
    """``Definition``: what is computed."""

    name: str
    """Name of the definition."""
    op_type: str
    """Kind of operator."""
    axes: dict[str, AxisDefinition]
    """Axes by name."""
    inputs: dict[str, TensorDefinition]
    """Inputs by name, in the order of ``run``."""
    outputs: dict[str, TensorDefinition]
    """Outputs by name."""
    reference: str
    """Python source with a function ``run``."""
    tags: list[str] = Field(default_factory=list)
    """``group:value``."""
    description: str | None = None
    """For people."""
    constraints: list[str] = Field(default_factory=list)
    """Python expressions over axes."""


class WorkloadDefinition(TheirRecord):
    """``Workload``: one set of sizes and inputs."""

    axes: dict[str, int]
    """Sizes of the variable axes."""
    inputs: dict[str, dict[str, Any]]
    """``{"type": "random"}``, ``scalar`` with ``value``, or ``safetensors`` with ``path`` and ``tensor_key``."""
    uuid: str
    """Identifier."""


class SolutionSource(TheirRecord):
    """A file of a solution."""

    path: str
    """Relative."""
    content: str
    """Text."""


class SolutionSpec(TheirRecord):
    """``BuildSpec``: how a solution is built."""

    language: str
    """``python``, ``triton``, ``cpp``, ``cuda``, ``tilelang``."""
    target_hardware: list[str] = Field(min_length=1)
    """Names of devices."""
    entry_point: str
    """``FILE::FUNCTION``."""
    dependencies: list[str] = Field(default_factory=list)
    """Libraries."""
    destination_passing_style: bool = True
    """Whether outputs are arguments."""


class SolutionRecord(TheirRecord):
    """``Solution``: an implementation."""

    name: str
    """Name of the solution."""
    definition: str
    """Name of its definition."""
    author: str
    """Who wrote it."""
    spec: SolutionSpec
    """How it is built."""
    sources: list[SolutionSource] = Field(min_length=1)
    """Its files."""
    description: str | None = None
    """For people."""


class TraceCorrectness(TheirRecord):
    """Errors of a solution on a workload. What was not measured is no number (``NaN``), never zero."""

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="strings")

    max_relative_error: float = math.nan
    """Largest relative error."""
    max_absolute_error: float = math.nan
    """Largest absolute error."""

    @field_validator("max_relative_error", "max_absolute_error", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return float(value) if isinstance(value, str) else value


class TracePerformance(TheirRecord):
    """Times of a solution on a workload."""

    latency_ms: float
    """Of the solution, milliseconds."""
    reference_latency_ms: float
    """Of the reference, milliseconds."""
    speedup_factor: float
    """Reference over solution."""

    @property
    def positive(self) -> bool:
        """Whether all of it is above zero, as times are."""
        return min(self.latency_ms, self.reference_latency_ms, self.speedup_factor) > 0


class TraceEnvironment(TheirRecord):
    """Where a solution was evaluated."""

    hardware: str
    """Name of the device."""
    libs: dict[str, str] = Field(default_factory=dict)
    """Versions by library."""


class TraceEvaluation(TheirRecord):
    """``Evaluation``: what came out."""

    status: Status
    """``PASSED`` or the kind of failure."""
    environment: TraceEnvironment
    """Where."""
    timestamp: str
    """ISO 8601."""
    log: str = ""
    """Output."""
    correctness: TraceCorrectness | None = None
    """With ``PASSED`` and ``INCORRECT_NUMERICAL`` only."""
    performance: TracePerformance | None = None
    """With ``PASSED`` only."""


class TraceRecord(TheirRecord):
    """``Trace``: a line of ``workloads`` or ``traces``."""

    definition: str
    """Name of the definition."""
    workload: WorkloadDefinition
    """Sizes and inputs."""
    solution: str | None = None
    """Name of the solution; ``None``: only a workload."""
    evaluation: TraceEvaluation | None = None
    """What came out; ``None``: only a workload."""
