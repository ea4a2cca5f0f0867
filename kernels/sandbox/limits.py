"""What a job may use, and in what ways it can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

End = Literal["answered", "raised", "crashed", "wall_limit", "cpu_limit", "memory_limit"]
"""``raised``: a Python exception outside of any shape. ``crashed``: ended by a signal that no limit explains."""


@dataclass(frozen=True)
class Limits:
    """Of one job. The memory is what it may add to the imported framework."""

    wall_s: float = 600.0
    cpu_s: int = 300
    memory_bytes: int = 6 << 30


@dataclass(frozen=True)
class Ended:
    """How a job's process ended, and what it cost."""

    end: End
    why: str
    """One line; empty for an answer."""
    pid: int
    wall_s: float
    cpu_s: float
    max_rss_bytes: int
