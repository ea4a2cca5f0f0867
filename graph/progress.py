"""Progress display of a run: a live table on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bankable.tools.measurement.progress import ProgressEvent, Watcher

SHOWN = 14
STYLES = {"verdict": "bold", "decision": "bold green", "note": "yellow", "stage": "bold cyan", "trial": "magenta"}


@contextmanager
def watching(stream: TextIO, budget_minutes: float) -> Iterator[Watcher]:
    """A watcher for this stream: rich where it is a terminal, lines where it is not."""
    if not stream.isatty():
        yield PlainWatcher(stream)
        return
    console = Console(file=stream)
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        watcher = TableWatcher(live, budget_minutes)
        yield watcher
        watcher.finish()


class PlainWatcher:
    """One line per event, with the minutes since the start."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._begun = stream, time.monotonic()

    def __call__(self, event: ProgressEvent) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        rate = f"  {event.value:.1f} tok/s" if event.kind == "round" and event.value is not None else ""
        mark = "== " if event.kind == "stage" else "   "
        print(f"{minutes:3d}:{seconds:02d} {mark}{event.text}{rate}", file=self._stream, flush=True)


class TableWatcher:
    """Stage and time left on top, the latest events below; verdicts and decisions stay."""

    def __init__(self, live: Live, budget_minutes: float) -> None:
        self._live, self._budget_s, self._begun = live, 60 * budget_minutes, time.monotonic()
        self._stage, self._rate = "start", ""
        self._latest: deque[Text] = deque(maxlen=SHOWN)
        self._kept: list[Text] = []

    def __call__(self, event: ProgressEvent) -> None:
        if event.kind == "stage":
            self._stage = event.text
        if event.kind == "round" and event.value is not None:
            self._rate = f"{event.value:.1f} tok/s"
        line = Text(event.text + (f"  {self._rate}" if event.kind == "round" else ""), style=STYLES.get(event.kind, ""))
        (self._kept if event.kind in ("verdict", "decision") else self._latest).append(line)
        self._live.update(self._table())

    def finish(self) -> None:
        """Leave verdicts and decisions on the screen."""
        self._live.update(Group(*self._kept))

    def _table(self) -> Group:
        spent = time.monotonic() - self._begun
        head = Table.grid(padding=(0, 3))
        left = max(self._budget_s - spent, 0)
        head.add_row(
            f"[bold cyan]{self._stage}[/]", f"{spent / 60:.1f} min", f"about {left / 60:.0f} min left", self._rate
        )
        return Group(head, *self._kept, *self._latest)
