"""``--trace``: a run as a trace in LangSmith, in OpenTelemetry, or both. See ``docs/tracing.md``.

Off unless this very command asks for it: evidence is private, and a variable that another program needs is no consent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from langchain_core.callbacks import BaseCallbackHandler

from bankable.graph.config import RunConfig
from bankable.tools.errors import UserError
from bankable.tools.measurement.progress import ProgressEvent, Watcher
from bankable.tools.tracing.silence import untraced
from bankable.tools.tracing.target import Target


class Tracing:
    """No trace: events are passed on, and that is all."""

    def __init__(self, watch: Watcher) -> None:
        self._watch = watch

    def watch(self, event: ProgressEvent) -> None:
        """Show an event to whoever watches."""
        self._watch(event)

    @contextmanager
    def run(
        self, run_id: str, config: RunConfig, folder: Path, *, resumed: bool
    ) -> Iterator[list[BaseCallbackHandler]]:
        """Callbacks for the machine, for as long as it is driven. Nothing that is run inside is traced otherwise."""
        with untraced():
            yield []


@contextmanager
def tracing(targets: Sequence[Target], watch: Watcher) -> Iterator[Tracing]:
    """Ready before anything is launched, and sent at the end. Raises ``UserError`` for what the user can mend."""
    if not targets:
        yield Tracing(watch)
        return
    from bankable.graph.traced import Traced

    try:
        traced = Traced(targets, watch)
    except ImportError as missing:
        raise UserError(
            f"a library for traces is not installed: {missing.name}", "--trace", "pip install 'bankable[trace]'"
        ) from None
    try:
        yield traced
    finally:
        traced.close()
