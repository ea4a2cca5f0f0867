"""``doctor``: checks what this machine supports and gives the fix for each problem."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from bankable.tools.errors import UserError

GIB = 1 << 30
SERVER_MEMORY = 3 * GIB
"""Resident memory of one CPU server with a small model, with a reserve."""
DISK = 2 * GIB


@dataclass(frozen=True)
class DoctorCheck:
    """One check and its result."""

    state: Literal["ok", "limited", "missing"]
    what: str
    fix: str = ""
    fatal: bool = False

    def line(self) -> str:
        """One line for a terminal."""
        return f"{self.state:8} {self.what}" + (f"\n         → {self.fix}" if self.fix else "")


def examine(engine_python: Path | None) -> list[DoctorCheck]:
    """Run all checks; nothing is changed and no server is started."""
    checks: list[Callable[[], DoctorCheck]] = [
        _python,
        lambda: _engine(engine_python),
        lambda: examine_import_names(engine_python),
        _cores,
        _memory,
        _meters,
        _disk,
        _ports,
        _tenants,
        _compiler,
    ]
    return [check() for check in checks]


def _python() -> DoctorCheck:
    version = ".".join(map(str, sys.version_info[:3]))
    return DoctorCheck("ok", f"Python {version}")


def _engine(python: Path | None) -> DoctorCheck:
    from bankable.tools.serving.choice import describe_kernels
    from bankable.tools.serving.engine import find_engine

    try:
        engine = find_engine(python)
    except UserError as problem:
        return DoctorCheck("missing", f"engine: {problem}", "`make setup`, or --engine-python", fatal=True)
    what = f"sglang {engine.sglang}, torch {engine.torch}, {engine.device} ({', '.join(engine.device_set)})"
    what += f"; {describe_kernels(engine)}"
    if engine.device == "cpu":
        live = engine.kernels is not None and engine.kernels.live
        slower = "" if live else "slower than with sglang's CPU kernels, and "
        return DoctorCheck("limited", what, f"no GPU: {slower}GPU kernels cannot be measured here")
    return DoctorCheck("ok", what)


def examine_import_names(python: Path | None) -> DoctorCheck:
    """Which ``bankable`` runs here, and whether the engine imports Hugging Face's ``kernels``."""
    from bankable.graph.import_names import bankable_folder, find_kernels_name
    from bankable.tools.serving.engine import engine_python

    own = f"bankable is imported from {bankable_folder()}"
    try:
        kernels = find_kernels_name(engine_python(python))
    except (UserError, RuntimeError) as problem:
        return DoctorCheck("limited", f"{own}; {problem}", "`make setup`, or --engine-python")
    if kernels.hidden:
        fix = "remove that folder from the engine's path, and reinstall kernels in its environment"
        return DoctorCheck("limited", f"{own}; {kernels.line()}", fix)
    return DoctorCheck("ok", f"{own}; {kernels.line()}")


def _cores() -> DoctorCheck:
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return DoctorCheck(
            "limited", f"{cores} core", "server and load share it; two or more cores give steadier rounds"
        )
    return DoctorCheck("ok", f"{cores} cores")


def _memory() -> DoctorCheck:
    free = psutil.virtual_memory().available
    servers = free // SERVER_MEMORY
    what = f"{free / GIB:.1f} GiB of memory available"
    if servers < 1:
        return DoctorCheck("missing", what, "a CPU server needs about 3 GiB", fatal=True)
    if servers < 2:
        return DoctorCheck("limited", what, "too little for co-resident servers: launches will alternate")
    return DoctorCheck("ok", f"{what}: two servers side by side")


def examine_meters(packages: int, gpu: bool) -> DoctorCheck:
    """Which energy meters a run can read, for joules per token. ``packages``: with a RAPL counter."""
    meters = ([f"RAPL of {packages} processor packages"] if packages else []) + (["GPU power by NVML"] if gpu else [])
    if meters:
        return DoctorCheck("ok", f"energy meters: {', '.join(meters)}")
    fix = "joules per token are not stated; RAPL needs read access to /sys/class/powercap"
    return DoctorCheck("limited", "no energy meter", fix)


def _meters() -> DoctorCheck:
    from bankable.tools.serving.rapl import RaplMeter

    return examine_meters(RaplMeter().packages, shutil.which("nvidia-smi") is not None)


def _disk() -> DoctorCheck:
    free = shutil.disk_usage(Path.cwd()).free
    if free < DISK:
        return DoctorCheck(
            "limited", f"{free / GIB:.1f} GiB of disk free", "a run keeps its evidence: make room for 2 GiB"
        )
    return DoctorCheck("ok", f"{free / GIB:.0f} GiB of disk free")


def _ports() -> DoctorCheck:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as problem:
        return DoctorCheck("missing", "no free loopback port", str(problem), fatal=True)
    return DoctorCheck("ok", "loopback ports free")


def _tenants() -> DoctorCheck:
    own = {os.getpid(), os.getppid()}
    processes = [process for process in psutil.process_iter(["pid", "name"]) if process.pid not in own]
    for process in processes:
        _percent(process)
    psutil.cpu_percent(interval=1.0)
    busy = [(process.info["name"], percent) for process in processes if (percent := _percent(process)) > 15]
    if busy:
        names = ", ".join(f"{name} {percent:.0f} %" for name, percent in sorted(busy, key=lambda entry: -entry[1])[:4])
        return DoctorCheck("limited", f"other busy processes: {names}", "stop them, or expect FLAGs for contention")
    return DoctorCheck("ok", "no other busy processes")


def _percent(process: psutil.Process) -> float:
    try:
        return float(process.cpu_percent())
    except psutil.Error:
        return 0.0


def _compiler() -> DoctorCheck:
    if not shutil.which("g++"):
        return DoctorCheck(
            "limited", "no g++", "install one (Debian: build-essential); without it no operator is replaced"
        )
    return DoctorCheck("ok", "C++ compiler")
