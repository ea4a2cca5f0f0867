"""Kernels that a model entered in benchmarks of a task: ``entered.jsonl``, one line each, whatever became of them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import AppendLog, whole_lines

LOG = "entered.jsonl"
MOST = 2
"""Kernels of a model's in one task: each takes its part of every further operator benchmark."""


class Entered(Record):
    """One kernel."""

    implementation: str
    choices: dict[str, int]
    idea: str
    source: Literal["llm"] = "llm"


def entered(task: Path) -> list[Entered]:
    """All of them, in order; a line that cannot be read is none."""
    return whole_lines(task / LOG, Entered)


def enter(task: Path, kernel: Entered) -> None:
    """Write one down, once."""
    if all(it.implementation != kernel.implementation for it in entered(task)):
        AppendLog(task / LOG).append(kernel.model_dump(mode="json"))
