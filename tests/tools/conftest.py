"""The real engine, for tests that need one (``pytest -m live``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.tools.serving.engine import Engine, find_engine
from bankable.tools.serving.live import LiveDriver

MODEL = Path(__file__).resolve().parents[2] / "tools" / "model" / "shipped"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return find_engine()


@pytest.fixture(scope="module")
def driver(engine: Engine) -> Iterator[LiveDriver]:
    """Starts servers of the shipped model."""
    with LiveDriver(engine, MODEL) as live:
        yield live
