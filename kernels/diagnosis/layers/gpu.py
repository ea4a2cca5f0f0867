"""Detects this machine's GPU by its drivers, and names the program that runs a family's Triton kernel on it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.tools.package import program

PROGRAM = "bankable.kernels.worker.triton.run"
CALLS = 5


def no_nvidia(root: Path = Path("/")) -> str:
    """Why there is no NVIDIA GPU to measure on; empty where there is one."""
    if (root / "proc/driver/nvidia/version").is_file() and os.path.exists(root / "dev/nvidiactl"):
        return ""
    return "no NVIDIA GPU: its driver is not loaded"


def no_amd(root: Path = Path("/")) -> str:
    """Why there is no AMD GPU to measure on; empty where there is one."""
    if os.path.exists(root / "dev/kfd"):
        return ""
    return "no AMD GPU: no /dev/kfd"


def command(subject: Subject, calls: int = CALLS, *extra: str) -> list[str]:
    """Run the family's Triton kernel at the subject's shape: one job, in the engine's interpreter."""
    task = subject.task().task
    job = {"family": task.family, "dims": subject.dims, "dtype": task.dtype, "calls": calls}
    return [str(subject.python), *program(PROGRAM, json.dumps(job), *extra)]
