"""Keeps one fork server over the layers of one worker, so that torch is imported once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.tools.errors import UserError

_open: dict[tuple[Path, int], ForkServer] = {}


@contextmanager
def lease_fork_server(subject: Subject) -> Iterator[ForkServer]:
    """A fork server for the subject's interpreter and threads. It stays open; an ended one is not handed out again."""
    key = (subject.python, subject.threads)
    if key not in _open:
        _open[key] = ForkServer(*key)
    try:
        yield _open[key]
    except UserError:
        _open.pop(key).close()
        raise


def close_fork_servers() -> None:
    """End all of them."""
    while _open:
        _open.popitem()[1].close()
