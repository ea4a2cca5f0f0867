"""What this process did with the operators, written once a second while it changes: one JSON file per process.

A server is stopped by a signal that leaves no time for last words, so nothing is kept for the end.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PERIOD_S = 1.0
ENVIRONMENT = "BANKABLE_OVERLAY_REPORTS"
"""Folder for the reports; without it nothing is written."""

Lines = Callable[[], list[dict[str, Any]]]


class Reporter:
    """Asks every source for its lines once a second."""

    def __init__(self) -> None:
        folder = os.environ.get(ENVIRONMENT)
        self.folder = Path(folder) if folder else None
        self._sources: list[Lines] = []
        self._started = False
        self._last = ""

    def add(self, source: Lines) -> None:
        """Ask ``source`` from now on."""
        self._sources.append(source)
        if self.folder is not None and not self._started:
            self._started = True
            self._start()
            os.register_at_fork(after_in_child=self._start)  # a forked process has our sources, and no thread

    def _start(self) -> None:
        threading.Thread(target=self._run, name="bankable-overlay", daemon=True).start()

    def write(self) -> None:
        """Write now, if there is something new."""
        if self.folder is None:
            return
        lines = [line for source in self._sources for line in source()]
        said = json.dumps({"pid": os.getpid(), "worker": worker(), "overlays": overlays(), "operators": lines})
        if said == self._last:
            return
        path = self.folder / f"{os.getpid()}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(said, encoding="utf-8")
        partial.replace(path)
        self._last = said

    def _run(self) -> None:
        while True:
            try:
                self.write()
            except Exception as problem:  # a report must never end a server
                print(f"bankable: no report: {problem}", file=sys.stderr)
            time.sleep(PERIOD_S)


def worker() -> str:
    """Rank in the server, such as ``tp0``; the process id where nothing tells."""
    state = sys.modules.get("sglang.srt.distributed.parallel_state")
    try:
        return f"tp{state.get_tensor_model_parallel_rank()}" if state is not None else f"pid{os.getpid()}"
    except Exception:  # not set up in this process
        return f"pid{os.getpid()}"


def overlays() -> list[str]:
    """Folders of ``PYTHONPATH`` with a ``sitecustomize``, by name: only the first one runs."""
    folders = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return [folder.name for folder in folders if (folder / "sitecustomize.py").is_file()]
