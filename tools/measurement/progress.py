"""Progress events of a run as plain data: the command line decides how to show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ProgressEvent:
    """One thing that happened."""

    kind: Literal["stage", "launch", "ready", "round", "leg", "block", "trial", "verdict", "decision", "note"]
    text: str
    subject: str = ""
    value: float | None = None
    """Output tokens per second of a round; otherwise unused."""


Watcher = Callable[[ProgressEvent], None]


def silent(_: ProgressEvent) -> None:
    """A watcher that shows nothing."""
