"""The fourth layer on AMD: rocprofv3 over the family's Triton kernel."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from bankable.kernels.diagnosis.layers.gpu import command, no_amd
from bankable.kernels.diagnosis.layers.gpu_counters import GpuCounters
from bankable.kernels.diagnosis.layers.layer import Layer
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of
from bankable.tools.serving.environment import isolate_environment

LIMIT_S = 540.0
TOOL = "rocprofv3"
COUNTERS = {"compute_share": "VALUBusy", "memory_share": "MemUnitBusy", "occupancy": "OccupancyPercent"}
"""Figures by the tool's names of derived counters, all in percent."""
KIB = {"FETCH_SIZE": 1024.0, "WRITE_SIZE": 1024.0}
"""Counters of bytes, in KiB."""


class RocprofLayer(Layer):
    name, number, title = "rocprof", 4, "hardware counters, AMD"
    measures = "busy vector and memory units, occupancy, registers and scratch of the Triton kernel (rocprofv3)"
    limit_s = 600.0
    finding_type = GpuCounters

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {TOOL: version_of(TOOL)}

    def absent(self, subject: Subject) -> str:
        if why := no_amd():
            return why
        return "" if shutil.which(TOOL) else f"no {TOOL} (ROCm)"

    def instrument(self, subject: Subject, place: Path) -> None:
        done = subprocess.run(
            profiling(command(subject), place),
            cwd=place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=isolate_environment({"TRITON_CACHE_DIR": str(place / "cache")}),
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            errors = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise LayerFailedError(f"{TOOL}: {errors[-1][:200] if errors else done.returncode}")

    def collect(self, subject: Subject, place: Path) -> GpuCounters:
        tables = sorted(place.rglob("*counter_collection.csv"))
        if not tables:
            raise LayerFailedError(f"{TOOL} wrote no table")
        text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in tables[:1])
        return read_csv(text, f"{subject.task().task.family}_kernel")


def profiling(program: list[str], place: Path) -> list[str]:
    """The command line: one pass a group of counters, tables as CSV."""
    return [
        TOOL,
        "--pmc",
        *COUNTERS.values(),
        "--pmc",
        *KIB,
        "--output-format",
        "csv",
        "-d",
        str(place),
        "-o",
        "out",
        "--",
        *program,
    ]


def read_csv(text: str, kernel: str) -> GpuCounters:
    """A ``counter_collection.csv``: a line for each counter of each dispatch. Raises ``LayerFailedError``."""
    values: dict[str, list[float]] = {}
    seen: dict[str, set[str]] = {}
    last: dict[str, str] = {}
    for row in csv.DictReader(text.splitlines()):
        if not {"Kernel_Name", "Counter_Name", "Counter_Value"} <= row.keys():
            raise LayerFailedError(f"{TOOL} wrote a table without counters")
        if kernel not in (row["Kernel_Name"] or ""):
            continue
        try:
            values.setdefault(row["Counter_Name"], []).append(float(row["Counter_Value"]))
        except (TypeError, ValueError):
            continue
        seen.setdefault(row["Counter_Name"], set()).add(row.get("Dispatch_Id") or "")
        last = row
    if not values:
        raise LayerFailedError(f"{TOOL} saw no launch of {kernel}")
    moved = [fmean(values[name]) * unit for name, unit in KIB.items() if name in values]
    shares = {figure: fmean(values[name]) / 100 for figure, name in COUNTERS.items() if name in values}
    times = [_whole(last, name) for name in ("Start_Timestamp", "End_Timestamp")]
    return GpuCounters(
        kernel=kernel,
        launches=max(map(len, seen.values())),
        registers=_whole(last, "VGPR_Count"),
        shared_bytes=_whole(last, "LDS_Block_Size"),
        spill_bytes=_whole(last, "Scratch_Size"),
        memory_bytes=sum(moved) if moved else None,
        time_ns=times[1] - times[0] if times[0] is not None and times[1] is not None else None,
        missing=tuple(name for name in (*COUNTERS.values(), *KIB) if name not in values),
        **shares,
    )


def _whole(row: Mapping[str, str], name: str) -> int | None:
    text = row.get(name) or ""
    return int(text) if text.isdecimal() else None


LAYER = RocprofLayer()
