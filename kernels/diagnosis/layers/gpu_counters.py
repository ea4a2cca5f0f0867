"""GPU counters of a kernel under common names for NVIDIA and AMD."""

from __future__ import annotations

from pydantic import Field

from bankable.kernels.diagnosis.layers.layer import LayerFinding


class GpuCounters(LayerFinding):
    """One launch, on average over the launches that were profiled. Shares are of the device's peak."""

    kernel: str
    """Name of the kernel."""
    launches: int = Field(gt=0)
    """Number of launches that were profiled."""
    time_ns: float | None = None
    """Device time of a launch in nanoseconds; ``None`` where it is unknown."""
    memory_share: float | None = Field(default=None, ge=0)
    """Throughput of the device memory."""
    compute_share: float | None = Field(default=None, ge=0)
    """Throughput of the busiest compute unit."""
    occupancy: float | None = Field(default=None, ge=0)
    """Warps that were active, of those that a multiprocessor can hold."""
    registers: int | None = None
    """Of a thread."""
    shared_bytes: float | None = None
    """Of a block."""
    memory_bytes: float | None = None
    """Bytes moved to and from the device memory."""
    spill_bytes: float | None = None
    """Scratch of a thread, where the tool tells."""
    missing: tuple[str, ...] = ()
    """Counters that the tool did not give."""

    def describe(self) -> str:
        parts = [
            f"{name} {value:.0%}"
            for name, value in (
                ("memory", self.memory_share),
                ("compute", self.compute_share),
                ("occupancy", self.occupancy),
            )
            if value is not None
        ]
        if self.time_ns is not None:
            parts.insert(0, f"{self.time_ns / 1e3:.2f} µs")
        if self.registers is not None:
            parts.append(f"{self.registers} registers")
        if self.spill_bytes is not None:
            parts.append(f"{self.spill_bytes:.0f} B of scratch")
        return f"{self.kernel}: {', '.join(parts) or 'no figures'}"
