"""The job that runs a compiled kernel without Python, under whatever counts: in a job's limits, without a network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.worker.arguments import write_call

SAID = 4000


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Record the call of a shape, then run the commands one after the other; one reply a command."""
    write_call(OPERATORS[job["family"]], tuple(job["dims"]), job["dtype"], Path.cwd())
    for command in job["commands"]:
        done = subprocess.run(
            command,
            env={**os.environ, **job["environment"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        yield {
            "status": done.returncode,
            "output": done.stdout.decode("utf-8", "replace")[-SAID:],
            "complaint": done.stderr.decode("utf-8", "replace")[-SAID:],
        }
