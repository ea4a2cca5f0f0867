"""Measures Triton kernels on a GPU against torch, ``torch.compile``, the engine's own, and device copies.

One run writes one file: where and with what it was measured, then every implementation at every shape with its raw
samples. What is printed follows from that file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson
from pydantic import ConfigDict, Field

from bankable.kernels.operators import triton_sources
from bankable.kernels.operators.family import Dims
from bankable.kernels.sandbox.one_request import ask_worker
from bankable.kernels.worker.messages import Absent, DeviceReady, FamilyToMeasure, MeasureRequest, ShapeMeasured
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.records import Record

PROGRAM = "bankable.kernels.worker.triton.gpu"
LIMIT_S = 1800.0
LOOK = 20
"""Samples of each choice in a first look."""
REHEARSED = "float32"
"""Dtype of a rehearsal: Triton's interpreter cuts bfloat16 off where a GPU rounds; a right kernel would look wrong."""


class GpuTiming(Record):
    """One implementation at one shape."""

    family: str
    """Operator family."""
    shape: str
    """Key of the shape, such as ``64x4096``."""
    implementation: str
    """``triton``, ``torch``, ``torch_compile`` or ``sgl_kernel``; empty where the whole shape failed."""
    dtype: str = ""
    """Dtype of the tensors of values."""
    bytes_moved: int = 0
    """Bytes that a call has to move, by the operator's definition."""
    allowed: float = math.inf
    """Largest relative error that is right."""
    choices: dict[str, int] = Field(default_factory=dict)
    """What was chosen of all that our kernel leaves open."""
    look: bool = False
    """Only a first look, by which that was chosen: no result."""
    error: float | None = None
    """Largest relative error against float64; ``None`` where something was not finite, or nothing ran."""
    samples_s: tuple[float, ...] = ()
    """Time of each sample in seconds; none in a rehearsal."""
    failed: str = ""
    """Why it could not run; empty where it did."""

    @property
    def right(self) -> bool:
        return not self.failed and self.error is not None and self.error <= self.allowed


class Provenance(Record):
    """Where and with what."""

    model_config = ConfigDict(frozen=True, extra="allow")

    device: str
    """Name of the GPU."""
    copy_bandwidth: float | None
    """Bytes per second, read and written; ``None`` in a rehearsal."""
    sources: str = ""
    """sha256 over the sources of our kernels."""
    measured_at: str = ""
    """ISO 8601 time in UTC at which the measurement ended."""


def measure_gpu(
    families: Mapping[str, Sequence[Dims]],
    dtypes: Mapping[str, str],
    python: Path,
    out: Path,
    *,
    rounds: int,
    samples: int,
    rehearse: bool = False,
) -> tuple[Provenance, list[GpuTiming]]:
    """Measure families at shapes, each in its dtype, and write ``out``.

    Raises ``UserError`` without a device, and where the process fails or times out.
    """
    if out.exists():
        raise UserError(
            "Cannot write results: the file exists", str(out), "give a new --out: results are never overwritten"
        )
    wanted = tuple(FamilyToMeasure(name, dtypes[name], tuple(shapes)) for name, shapes in families.items())
    device, measured = _measure(MeasureRequest(wanted, rounds, samples, LOOK, rehearse, seed=11), python)
    sources = triton_sources()
    about = Provenance.model_validate(
        {
            **asdict(device),
            "sources": digest(b"".join(path.read_bytes() for path in sources)),
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    entries = [asdict(entry) for entry in measured]
    lines = [orjson.dumps(about.model_dump(mode="json")), *map(orjson.dumps, entries)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(b"\n".join(lines) + b"\n")
    return about, [GpuTiming.model_validate(entry) for entry in entries]


def _measure(request: MeasureRequest, python: Path) -> tuple[DeviceReady, list[ShapeMeasured]]:
    environment = {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"} if request.rehearse else {}
    replies = ask_worker(PROGRAM, request, (Absent, DeviceReady, ShapeMeasured), python, environment, LIMIT_S)
    if not replies.messages or replies.status != 0:
        raise UserError("Cannot measure: the measuring process failed", str(python), replies.error)
    first, *rest = replies.messages
    if isinstance(first, Absent):
        raise UserError("Cannot measure: no GPU", first.reason, "use `kernels offline` or --rehearse without one")
    return first, rest
