"""The fourth layer on NVIDIA: Nsight Compute over the family's Triton kernel, its caches flushed before each pass."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from bankable.kernels.diagnosis.layers.gpu import command, no_nvidia
from bankable.kernels.diagnosis.layers.gpu_counters import GpuCounters
from bankable.kernels.diagnosis.layers.layer import Layer
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of
from bankable.tools.serving.environment import isolate_environment

LIMIT_S = 540.0
METRICS = {
    "time_ns": "gpu__time_duration.sum",
    "memory_share": "dram__throughput.avg.pct_of_peak_sustained_elapsed",
    "compute_share": "sm__throughput.avg.pct_of_peak_sustained_elapsed",
    "occupancy": "sm__warps_active.avg.pct_of_peak_sustained_active",
    "registers": "launch__registers_per_thread",
    "shared_bytes": "launch__shared_mem_per_block",
    "memory_bytes": "dram__bytes.sum",
}
"""Figures by the names that the tool has for them."""
SHARES = ("memory_share", "compute_share", "occupancy")
SCALE = {
    "nsecond": 1.0,
    "ns": 1.0,
    "usecond": 1e3,
    "us": 1e3,
    "msecond": 1e6,
    "ms": 1e6,
    "second": 1e9,
    "s": 1e9,
    "byte": 1.0,
    "Kbyte": 1e3,
    "Mbyte": 1e6,
    "Gbyte": 1e9,
}
"""To nanoseconds and bytes; a unit may be followed by what it is of: ``byte/block``."""
COLUMNS = {"Kernel Name", "Metric Name", "Metric Unit", "Metric Value"}


class NcuLayer(Layer):
    name, number, title = "ncu", 4, "hardware counters, NVIDIA"
    measures = "memory and compute throughput, occupancy and registers of the Triton kernel (Nsight Compute)"
    limit_s = 600.0
    finding_type = GpuCounters

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"ncu": version_of("ncu")}

    def absent(self, subject: Subject) -> str:
        if why := no_nvidia():
            return why
        return "" if shutil.which("ncu") else "no ncu (NVIDIA Nsight Compute)"

    def instrument(self, subject: Subject, place: Path) -> None:
        done = subprocess.run(
            profiling(command(subject)),
            cwd=place,
            env=isolate_environment({"TRITON_CACHE_DIR": str(place / "cache")}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        (place / "ncu.csv").write_bytes(done.stdout)
        if done.returncode != 0:
            errors = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
            raise LayerFailedError(f"ncu: {errors[-1][:200] if errors else done.returncode}")

    def collect(self, subject: Subject, place: Path) -> GpuCounters:
        family = subject.task().task.family
        return read_csv((place / "ncu.csv").read_text(encoding="utf-8", errors="replace"), f"{family}_kernel")


def profiling(program: list[str]) -> list[str]:
    """The command line: base units, long names, every launch of the program."""
    return [
        "ncu",
        "--csv",
        "--page",
        "details",
        "--print-units",
        "base",
        "--cache-control",
        "all",
        "--target-processes",
        "all",
        "--metrics",
        ",".join(METRICS.values()),
        *program,
    ]


def read_csv(text: str, kernel: str) -> GpuCounters:
    """A table of ``ncu --csv``: a line for each metric of each launch. Raises ``LayerFailedError`` where it is none."""
    lines = text.splitlines()
    start = next((index for index, line in enumerate(lines) if all(f'"{name}"' in line for name in COLUMNS)), None)
    if start is None:
        raise LayerFailedError("ncu wrote no table")
    figures: dict[str, list[float]] = {}
    names = {metric: figure for figure, metric in METRICS.items()}
    for row in csv.DictReader(lines[start:]):
        figure, value = names.get(row["Metric Name"] or ""), _number(row["Metric Value"])
        if figure is None or value is None or kernel not in (row["Kernel Name"] or ""):
            continue
        unit = (row["Metric Unit"] or "").partition("/")[0]
        figures.setdefault(figure, []).append(value / 100 if figure in SHARES else value * SCALE.get(unit, 1.0))
    if not figures:
        raise LayerFailedError(f"ncu saw no launch of {kernel}")
    means = {figure: fmean(values) for figure, values in figures.items()}
    registers = means.pop("registers", None)
    return GpuCounters(
        kernel=kernel,
        launches=max(map(len, figures.values())),
        registers=int(registers) if registers else None,
        missing=tuple(f"{figure}: {METRICS[figure]}" for figure in METRICS if figure not in figures),
        **means,
    )


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", ""))
    except ValueError:  # "n/a", and metrics that the device lacks
        return None


LAYER = NcuLayer()
