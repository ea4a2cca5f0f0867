"""A fork server that is started ahead of its use is ready when it is taken, and closed where nobody takes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bankable.kernels.sandbox.prefetch import ForkServerPrefetch
from bankable.tools.errors import UserError


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split())


def test_one_that_is_taken_works_and_one_that_is_not_is_closed(python: Path):
    """Two real starts, as the benchmark makes them: seconds of importing torch."""
    before = children()
    with ForkServerPrefetch(python) as prefetch:
        prefetch.start()
        with prefetch.take() as fork_server:
            prefetch.start()
            prefetch.start()
            assert fork_server.run("peaks", {"dtype": "no such dtype", "threads": 1}).ended.end == "raised"
    assert children() <= before


def test_one_that_does_not_start_is_an_error_where_it_is_taken(tmp_path: Path):
    with ForkServerPrefetch(tmp_path / "no-python") as prefetch:
        prefetch.start()
        with pytest.raises(UserError, match="interpreter does not start"):
            prefetch.take()
        prefetch.start()
