"""The records that a replaced operator reports from inside the running server, also from captured graphs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bankable.tools.evidence.records import Digest, Engagement, Scalar


class Marker(Engagement):
    """A line of ``engagement.jsonl`` for a replaced operator: one per worker, written by the branch that ran.

    ``name`` is the operator, ``requested`` the declared implementation, ``resolved`` the one that ran.
    """

    operator: Literal["overlay"]
    """Kind of change."""
    worker: str
    """Rank within the server, such as ``tp0``; unique per launch."""
    pid: int
    """Process id of the worker."""
    source_digest: Digest | None = None
    """Of the file that the executed branch stands in; ``None`` when the replacement never ran."""
    parameters: dict[str, Scalar] = Field(default={})
    """Live launch parameters, as passed to the kernel."""
    eager_calls: int = Field(default=0, ge=0)
    """Over the whole launch, outside graphs."""
    captured_calls: int = Field(default=0, ge=0)
    """While the server captured its graphs; replays do not pass through Python and are not counted."""
    live_calls: int = Field(default=0, ge=0)
    """Calls that the replacement handed on to the live implementation, because it does not cover them."""
    shapes: tuple[str, ...] = ()
    """Shapes that it was called with, by their key in the task."""
    table_lookups: int | None = None
    """Calls that looked their parameters up; ``None`` where no table is used."""
    table_hits: int | None = None
    """``None`` where no table is used."""
    overlays: tuple[str, ...] = ()
    """Folders of ``PYTHONPATH`` with a ``sitecustomize``, by name, in order; only the first one runs (E04)."""
    error_vs_live: float | None = None
    """Largest relative error of the operator's output in this server against the live implementation (E05)."""
