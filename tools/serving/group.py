"""Reads members, CPU time and memory of a process group from /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class ProcessStat:
    """The part of ``/proc/PID/stat`` that is used here (proc(5))."""

    pid: int
    name: str
    state: str
    """``Z`` is a zombie: dead, but its parent has not asked for its exit status."""
    parent: int
    group: int
    cpu_s: float
    """User and system time of the process and of its children that were waited for."""
    start_ticks: int
    """Start time in clock ticks after boot; together with the pid it names one process."""
    rss_bytes: int

    @property
    def alive(self) -> bool:
        return self.state not in ("Z", "X")


def read_stat(pid: int) -> ProcessStat | None:
    """One process, or ``None`` when it has ended."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    opening, closing = text.find("("), text.rfind(")")
    fields = text[closing + 2 :].split()
    return ProcessStat(
        pid=pid,
        name=text[opening + 1 : closing],
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        cpu_s=sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_SECOND,
        start_ticks=int(fields[19]),
        rss_bytes=int(fields[21]) * PAGE_BYTES,
    )


def all_processes() -> Iterator[ProcessStat]:
    """Every process that is visible, in no particular order."""
    for entry in os.listdir(PROC):
        if entry.isdigit() and (stat := read_stat(int(entry))) is not None:
            yield stat


def members(group: int) -> list[ProcessStat]:
    """Processes of the group, zombies included (their CPU time still counts)."""
    return [stat for stat in all_processes() if stat.group == group]


def living(group: int) -> list[int]:
    """Pids of the group's processes that are not zombies."""
    return [stat.pid for stat in members(group) if stat.alive]


def cpu_seconds(group: int) -> float:
    """CPU time used so far by the group: its members and the children that they have waited for.

    A member that dies without a parent inside the group that waits for it takes its time along; for a healthy server,
    whose processes live as long as it does, differences of two readings are exact to a clock tick (10 ms).
    """
    return sum(stat.cpu_s for stat in members(group))
