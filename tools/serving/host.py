"""Takes one sample of the machine: load, clocks, memory, temperature, GPUs, and other busy processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable

import psutil

from bankable.tools.evidence.records import HostSample, Tenant
from bankable.tools.serving.group import TICKS_PER_SECOND, ProcessStat, all_processes
from bankable.tools.serving.rapl import RaplMeter

BUSY_PERCENT = 15.0
"""Of one core; a process above it that is not ours is a tenant."""
TENANT_LIMIT = 20
GPU_FIELDS = {
    "utilization.gpu": "util_percent",
    "memory.used": "memory_used_mib",
    "power.draw": "power_w",
    "clocks.sm": "sm_mhz",
    "temperature.gpu": "temperature_c",
}
NVIDIA_SMI_TIMEOUT_S = 2.0


class HostReader:
    """Makes samples; rates are over the time since the previous one, so the first sample has no tenants.

    ``own``: process groups that belong to the run (servers, load worker); our own process tree is always excluded.
    """

    def __init__(self, own: Callable[[], set[int]], gpu: bool = False) -> None:
        self._own = own
        self._gpu = gpu
        self._rapl = RaplMeter()
        self._last_t = time.monotonic()
        self._last_cpu: dict[tuple[int, int], float] = {}
        psutil.cpu_percent(interval=None)
        psutil.cpu_times_percent(interval=None)

    def sample(self) -> HostSample:
        """The machine now."""
        frequency = _frequency()
        return HostSample(
            t=time.time(),
            cpu_percent=psutil.cpu_percent(interval=None),
            load_1m=os.getloadavg()[0],
            mem_available_bytes=psutil.virtual_memory().available,
            cpu_mhz=frequency,
            steal_percent=getattr(psutil.cpu_times_percent(interval=None), "steal", None),
            temperature_c=_temperature(),
            gpu=self._gpus(),
            tenants=self._tenants(),
            package_joules=self._rapl.read(),
        )

    def _tenants(self) -> list[Tenant]:
        now = time.monotonic()
        elapsed = now - self._last_t
        processes = list(all_processes())
        mine = self._mine(processes)
        tenants: list[Tenant] = []
        current: dict[tuple[int, int], float] = {}
        for process in processes:
            key = (process.pid, process.start_ticks)
            current[key] = process.cpu_s
            if key not in self._last_cpu or process.pid in mine or elapsed < 2 / TICKS_PER_SECOND:
                continue
            percent = 100.0 * (process.cpu_s - self._last_cpu[key]) / elapsed
            if percent > BUSY_PERCENT:
                tenants.append(Tenant(pid=process.pid, name=process.name, cpu_percent=round(percent, 1)))
        self._last_t, self._last_cpu = now, current
        return sorted(tenants, key=lambda tenant: -tenant.cpu_percent)[:TENANT_LIMIT]

    def _mine(self, processes: list[ProcessStat]) -> set[int]:
        """Our own process, its descendants, and everything in the groups that belong to the run."""
        groups = self._own()
        mine = {os.getpid()} | {process.pid for process in processes if process.group in groups}
        grown = True
        while grown:
            children = {process.pid for process in processes if process.parent in mine} - mine
            mine |= children
            grown = bool(children)
        return mine

    def _gpus(self) -> list[dict[str, float]]:
        if not self._gpu:
            return []
        query = ["nvidia-smi", f"--query-gpu=index,{','.join(GPU_FIELDS)}", "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(query, capture_output=True, text=True, timeout=NVIDIA_SMI_TIMEOUT_S, check=True)
        except (OSError, subprocess.SubprocessError):
            return []
        return [row for line in done.stdout.splitlines()[:64] if (row := parse_gpu_row(line))]


def parse_gpu_row(line: str) -> dict[str, float]:
    """One line of ``nvidia-smi --format=csv``; values that a device does not report (``[N/A]``) are left out."""
    row: dict[str, float] = {}
    for name, text in zip(("index", *GPU_FIELDS.values()), line.split(","), strict=False):
        with contextlib.suppress(ValueError):
            row[name] = float(text)
    return row


def _frequency() -> float | None:
    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError):
        return None
    return float(frequency.current) if frequency else None


def _temperature() -> float | None:
    try:
        sensors = psutil.sensors_temperatures()
    except (OSError, AttributeError):
        return None
    readings = [entry.current for entries in sensors.values() for entry in entries if entry.current]
    return max(readings, default=None)
