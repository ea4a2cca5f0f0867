"""Has another process check what a candidate's process left behind: all shapes of one candidate in one process.

Each candidate has a checking process of its own: files that a candidate wrote are read where no other one is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankable.kernels.sandbox.fork_server import ForkServer, JobAnswer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.task.folder import TaskFolder

CHECK = JobLimits(wall_s=1800, cpu_s=1500)
LIVE_CALLS = 1
"""Calls of each shape that are compared with the live implementation as well. It may be what is slow, and float64 alone
decides whether an output is right."""


@dataclass(frozen=True)
class OutputsToCheck:
    """The outputs of one candidate at one shape."""

    key: str
    dims: tuple[int, ...]
    seed: int
    """Of the inputs, as the candidate's process had it."""
    calls: Sequence[Mapping[str, str]]
    """Name and kind of input of each call."""
    oracle: bool = False
    """Whether there is an answer for the oracle's inputs among them."""


@dataclass(frozen=True)
class CheckedOutputs:
    """What the checking process said."""

    pid: int
    """Of that process."""
    answers: Mapping[str, Mapping[str, Any]]
    """By shape; none for a shape whose outputs could not be read."""
    why: str
    """Why outputs could not be read; empty where all were."""


def check_outputs(
    folder: TaskFolder, fork_server: ForkServer, ran: JobAnswer, wanted: Sequence[OutputsToCheck]
) -> CheckedOutputs:
    """Compare the outputs in the folder of a job that has ended with float64, live and the oracle."""
    task = folder.task
    shapes = []
    for outputs in wanted:
        shape: dict[str, Any] = {
            "key": outputs.key,
            "dims": outputs.dims,
            "seed": outputs.seed,
            "outputs": str(ran.folder / f"{outputs.key}.safetensors"),
            "calls": list(outputs.calls),
        }
        if outputs.oracle:
            shape["oracle"] = {
                "inputs": str(folder.oracle_inputs(outputs.key)),
                "expected": str(folder.oracle_expected(outputs.key)),
            }
        shapes.append(shape)
    job = {
        "family": task.family,
        "dtype": task.dtype,
        "relative_error": task.tolerance.relative_error,
        "live_calls": LIVE_CALLS,
        "shapes": shapes,
    }
    answer = fork_server.run("check", job, CHECK)
    raised = [reply["raised"] for reply in answer.replies if "raised" in reply]
    answers = {reply["shape"]: reply for reply in answer.replies if "raised" not in reply}
    return CheckedOutputs(answer.ended.pid, answers, answer.ended.why or (raised[0] if raised else ""))
