"""Which GPU this machine has, by what its drivers show; and the program that runs a family's Triton kernel on it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from kernels.layers.subject import Subject

PROGRAM = Path(__file__).resolve().parents[1] / "triton_side" / "run.py"
REPOSITORY = Path(__file__).resolve().parents[2]
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
    return [str(subject.python), str(PROGRAM), str(REPOSITORY), json.dumps(job), *extra]
