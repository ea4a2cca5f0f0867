"""``--trace``: sends a run as a trace to LangSmith, to OpenTelemetry, or both. See ``docs/tracing.md``.

Off unless the command line asks for it: evidence is private, and a variable that another program needs is no consent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bankable.graph.run_trace import RunTrace
from bankable.tools.errors import UserError
from bankable.tools.measurement.progress import Watcher
from bankable.tools.tracing.target import TraceTarget


@contextmanager
def open_trace(targets: Sequence[TraceTarget], watch: Watcher) -> Iterator[RunTrace]:
    """A trace, ready before any launch and flushed at the end. Raises ``UserError`` for user errors."""
    if not targets:
        yield RunTrace(watch)
        return
    from bankable.graph.sent_trace import SentTrace

    try:
        trace = SentTrace(targets, watch)
    except ImportError as missing:
        raise UserError(
            f"Cannot trace: library {missing.name} is not installed", "--trace", "run pip install 'bankable[trace]'"
        ) from None
    try:
        yield trace
    finally:
        trace.close()
