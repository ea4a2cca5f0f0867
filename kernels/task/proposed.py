"""Kernels that a language model proposed for a task: one line each in ``entered.jsonl``, whether they won or not."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import AppendLog, whole_lines

LOG = "entered.jsonl"
MOST = 2
"""Most of them in one task: each is measured in every later operator benchmark of it."""


class SuggestedKernel(Record):
    """One kernel."""

    implementation: str
    """Id in the rows of an operator benchmark, such as ``cpp-0123456789ab``."""
    choices: dict[str, int]
    """Value of each parameter of the template."""
    idea: str
    """The model's expectation, in its own words."""
    source: Literal["llm"] = "llm"
    """Who proposed it."""


def read_proposed(task: Path) -> list[SuggestedKernel]:
    """All of them, in order; lines that cannot be read are left out."""
    return whole_lines(task / LOG, SuggestedKernel)


def add_proposed(task: Path, kernel: SuggestedKernel) -> None:
    """Append a kernel, unless it is there."""
    if all(other.implementation != kernel.implementation for other in read_proposed(task)):
        AppendLog(task / LOG).append(kernel.model_dump(mode="json"))
