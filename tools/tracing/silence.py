"""Disables the built-in tracing of libraries, which variables of the environment would switch on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from langsmith import tracing_context

OLD = ("LANGCHAIN_TRACING", "LANGCHAIN_HANDLER")
"""Variables of a former tracer: with one of them set, and no other tracer, the library refuses to work."""


@contextmanager
def silence_tracing() -> Iterator[None]:
    """What is run inside sends nothing that ``--trace`` did not ask for."""
    saved = {name: os.environ.pop(name) for name in OLD if name in os.environ}
    try:
        with tracing_context(enabled=False):
            yield
    finally:
        os.environ.update(saved)
