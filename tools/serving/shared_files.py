"""Removes what sglang leaves in shared memory: a file of 16 KiB per launch that nothing of it ever unlinks.

Seen with sglang 0.5.23 (``managers/load_snapshot.py``); its own sweep (``utils/stale_shm_cleanup.py``) runs in its CI
only, because the names do not say whose they are. Here the owner is known: a process of the stopped group mapped it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PREFIX = "/dev/shm/sglang_loads_"


def find_load_files(pids: Iterable[int]) -> frozenset[Path]:
    """Load snapshots that these processes have mapped; a process that is gone or not ours has none."""
    files: set[Path] = set()
    for pid in pids:
        try:
            maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        files |= {Path(line[line.index(PREFIX) :]) for line in maps.splitlines() if PREFIX in line}
    return frozenset(file for file in files if file.suffix == ".shm")


def remove_files(files: Iterable[Path]) -> None:
    """Unlink them; one that is gone already is fine."""
    for file in files:
        file.unlink(missing_ok=True)
