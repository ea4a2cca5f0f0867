"""The process that starts kernels, kept over the layers of one worker: torch is imported once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.sandbox.fork_server import Nursery
from bankable.tools.errors import UserError

_open: dict[tuple[Path, int], Nursery] = {}


@contextmanager
def nursery_of(subject: Subject) -> Iterator[Nursery]:
    """A nursery for the subject's interpreter and threads. It stays open; one that is gone is not handed out again."""
    key = (subject.python, subject.threads)
    if key not in _open:
        _open[key] = Nursery(*key)
    try:
        yield _open[key]
    except UserError:
        _open.pop(key).close()
        raise


def close_nurseries() -> None:
    """End all of them."""
    while _open:
        _open.popitem()[1].close()
