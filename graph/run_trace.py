"""The interface through which a run reports to a trace; this implementation, for runs without one, does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_core.callbacks import BaseCallbackHandler

from bankable.graph.config import RunConfig
from bankable.tools.measurement.progress import ProgressEvent, Watcher
from bankable.tools.tracing.silence import silence_tracing


class RunTrace:
    """Passes events on. ``sent_trace.SentTrace`` sends them to a trace viewer, too."""

    def __init__(self, watch: Watcher) -> None:
        self._watch = watch

    def watch(self, event: ProgressEvent) -> None:
        """Pass an event to the progress display."""
        self._watch(event)

    @contextmanager
    def run(
        self, run_id: str, config: RunConfig, folder: Path, *, resumed: bool
    ) -> Iterator[list[BaseCallbackHandler]]:
        """Callbacks for LangGraph, active while the state machine runs; libraries below it are not traced."""
        with silence_tracing():
            yield []
