"""The readings of a diagnosis: the findings of the layers, each of which may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bankable.kernels.diagnosis.layers.call_profile import InstructionCounts
from bankable.kernels.diagnosis.layers.code import Code
from bankable.kernels.diagnosis.layers.gpu_counters import GpuCounters
from bankable.kernels.diagnosis.layers.layer import LayerFinding, LayerResult
from bankable.kernels.diagnosis.layers.offline import OfflineFigures
from bankable.kernels.diagnosis.layers.overhead import LaunchOverhead
from bankable.kernels.diagnosis.layers.performance import Performance
from bankable.kernels.diagnosis.layers.roof import Roof
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.diagnosis.layers.system import System

Kind = TypeVar("Kind", bound=LayerFinding)


@dataclass(frozen=True)
class Readings:
    """Of one implementation at one shape."""

    implementation: str
    shape: str
    bytes_moved: int
    """That a call has to move, by the operator's definition."""
    flops: int
    """That a call has to do, likewise."""
    threads: int = 1
    roof: Roof | None = None
    performance: Performance | None = None
    overhead: LaunchOverhead | None = None
    system: System | None = None
    counted: InstructionCounts | None = None
    code: Code | None = None
    offline: OfflineFigures | None = None
    gpu: GpuCounters | None = None
    missing: tuple[str, ...] = ()
    """Layers without a finding, and why."""

    @property
    def moved_bytes(self) -> int:
        """What a call really moves: of a chain of operators, each tensor in between is written and read again."""
        between = self.system.mine if self.system is not None and self.counted is None else None
        return self.bytes_moved + (int(2 * between.allocated_bytes) if between is not None else 0)

    @property
    def definition_ns(self) -> float | None:
        """The least time that the definition's bytes and operations take here."""
        if self.roof is None:
            return None
        peaks = self.roof.peaks
        return 1e9 * max(self.bytes_moved / peaks.copy_bandwidth, self.flops / peaks.flop_rate)

    @property
    def taken_ns(self) -> float | None:
        """The time of a call: cold where that was measured, warm otherwise."""
        if self.performance is not None:
            return self.performance.call_ns
        return self.overhead.call_ns if self.overhead is not None else None

    @property
    def memory_ns(self) -> float | None:
        """The least time that a warm call spends on data: from the caches, where all of it fits in there."""
        if self.roof is None:
            return None
        near = self.moved_bytes <= self.roof.cache_bytes // 2
        moved = 1e9 * self.moved_bytes / (self.roof.cache_bandwidth if near else self.roof.peaks.copy_bandwidth)
        missed = 64e9 * self.counted.misses / self.roof.cache_bandwidth if self.counted is not None else 0.0
        return max(moved, missed)

    @property
    def compute_ns(self) -> float | None:
        """The least time that what was really executed takes; by the definition where that was not counted."""
        if self.roof is None:
            return None
        if self.counted is None:
            return 1e9 * self.flops / self.roof.peaks.flop_rate
        # Of one thread are counts and rates alike, but where others were asked to join.
        workers = self.threads if self.counted.joins or self.counted.starts else 1
        issued = self.counted.own / self.roof.issue_rate / workers if self.roof.issue_rate else 0.0
        return 1e9 * max(issued, (self.counted.flops or 0.0) / self.roof.vector_flop_rate)

    @property
    def waiting_ns(self) -> float | None:
        """What starting and joining threads costs at the least."""
        if self.roof is None or self.counted is None:
            return None
        return self.counted.joins * self.roof.region_ns + self.counted.starts * self.roof.thread_ns


def collect_readings(subject: Subject, results: Mapping[str, LayerResult]) -> Readings:
    """Collect the findings of the layers about a subject."""
    task = subject.task()
    family, dtype, dims = task.family, task.task.dtype, subject.dims
    gathered = Readings(
        subject.implementation,
        subject.shape,
        family.bytes_moved(dims, dtype),
        family.flops(dims),
        subject.threads,
    )
    gpu = _get_finding(results, "ncu", GpuCounters) or _get_finding(results, "rocprof", GpuCounters)
    return replace(
        gathered,
        roof=_get_finding(results, "roof", Roof),
        performance=_get_finding(results, "performance", Performance),
        overhead=_get_finding(results, "overhead", LaunchOverhead),
        system=_get_finding(results, "system", System),
        counted=_get_finding(results, "counters", InstructionCounts),
        code=_get_finding(results, "compile", Code),
        offline=_get_finding(results, "offline", OfflineFigures),
        gpu=gpu,
        missing=tuple(
            f"{result.layer}: {result.why}"
            for result in results.values()
            if result.outcome not in ("measured", "absent")
        ),
    )


def _get_finding(results: Mapping[str, LayerResult], name: str, kind: type[Kind]) -> Kind | None:
    finding = results[name].found if name in results else None
    return finding if isinstance(finding, kind) else None
