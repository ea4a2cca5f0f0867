"""Triton kernels on a GPU against torch, ``torch.compile`` and the engine's own, and against the device's copies.

One run writes one file: where and with what it was measured, then every implementation at every shape with its raw
samples. What is printed follows from that file.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import orjson
from pydantic import ConfigDict, Field
from rich.table import Table

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
RESAMPLES = 2000
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
            "cannot write results: the file exists", str(out), "give a new --out: results are never overwritten"
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


def table(about: Provenance, timings: Sequence[GpuTiming]) -> Table:
    """A line for each shape: ours, its share of the copy bandwidth, and how many times as long the others take."""
    timings = [timing for timing in timings if not timing.look]
    others = sorted({timing.implementation for timing in timings} - {"triton", ""})
    shown = Table("family", "shape", "µs", "of copies", *(f"{name} / triton" for name in others), "error", box=None)
    for family, shape in dict.fromkeys((timing.family, timing.shape) for timing in timings):
        by_name = {
            timing.implementation: timing for timing in timings if (timing.family, timing.shape) == (family, shape)
        }
        ours = by_name.get("triton")
        if ours is None or not ours.right:
            shown.add_row(family, shape, "–", (ours.failed if ours else "") or "wrong", *("" for _ in others), "")
            continue
        shown.add_row(
            family,
            shape,
            f"{1e6 * median(ours.samples_s):.2f}" if ours.samples_s else "not timed",
            _share(about, ours),
            *(_ratio(by_name.get(name), ours) for name in others),
            f"{ours.error:.2g}",
        )
    return shown


def share_of_copies(about: Provenance, timing: GpuTiming) -> float | None:
    """Bytes that have to move, over those that copies move in that time."""
    if about.copy_bandwidth is None or not timing.samples_s:
        return None
    return timing.bytes_moved / median(timing.samples_s) / about.copy_bandwidth


def ratio(other: GpuTiming, ours: GpuTiming) -> tuple[float, float, float]:
    """Median time of another over ours, with a 95 % bootstrap interval."""
    chance = random.Random(11)
    drawn = sorted(
        median(chance.choices(other.samples_s, k=len(other.samples_s)))
        / median(chance.choices(ours.samples_s, k=len(ours.samples_s)))
        for _ in range(RESAMPLES)
    )
    low, high = drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES) - 1]
    return median(other.samples_s) / median(ours.samples_s), low, high


def _share(about: Provenance, timing: GpuTiming) -> str:
    share = share_of_copies(about, timing)
    return "–" if share is None else f"{share:.1%}"


def _ratio(other: GpuTiming | None, ours: GpuTiming) -> str:
    if other is None or not other.right:
        return "–" if other is None else other.failed[:40] or "wrong"
    if not (other.samples_s and ours.samples_s):
        return "not timed"
    value, low, high = ratio(other, ours)
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _measure(request: MeasureRequest, python: Path) -> tuple[DeviceReady, list[ShapeMeasured]]:
    environment = {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"} if request.rehearse else {}
    replies = ask_worker(PROGRAM, request, (Absent, DeviceReady, ShapeMeasured), python, environment, LIMIT_S)
    if not replies.messages or replies.status != 0:
        raise UserError("cannot measure: the measuring process failed", str(python), replies.error)
    first, *rest = replies.messages
    if isinstance(first, Absent):
        raise UserError("cannot measure: no GPU", first.reason, "use `kernels offline` or --rehearse without one")
    return first, rest
