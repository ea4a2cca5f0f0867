"""Resource limits of a job, and the ways in which it can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

End = Literal["answered", "raised", "crashed", "wall_limit", "cpu_limit", "memory_limit"]
"""``raised``: a Python exception outside of any shape. ``crashed``: ended by a signal that no limit explains."""


@dataclass(frozen=True)
class JobLimits:
    """Of one job. The memory is what it may add to the imported framework."""

    wall_s: float = 600.0
    """Seconds on the clock."""
    cpu_s: int = 300
    """Seconds of processor time, over all threads."""
    memory_bytes: int = 6 << 30
    """Address space."""


@dataclass(frozen=True)
class Ended:
    """How a job's process ended, and the resources that it used."""

    end: End
    """In which of the ways."""
    why: str
    """One line; empty for an answer."""
    pid: int
    """Process id, which may be another process's by now."""
    wall_s: float
    """Seconds on the clock."""
    cpu_s: float
    """Seconds of processor time."""
    max_rss_bytes: int
    """Largest resident memory."""
