"""A real engine in miniature: an interpreter that has ``fake_engine`` as its sglang, and a model folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.tools.serving.engine import Engine, find_engine
from bankable.tools.serving.live import LiveDriver, LiveOptions
from bankable.tools.serving.load import Patience

FAKE = Path(__file__).parent / "fake_engine"


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Looks like a Python with sglang and torch installed."""
    script = tmp_path_factory.mktemp("bin") / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{FAKE}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture(scope="session")
def engine(interpreter: Path) -> Engine:
    return find_engine(interpreter)


def write_model(folder: Path) -> Path:
    """A folder that passes the check."""
    folder.mkdir(parents=True)
    config = {"architectures": ["Qwen3ForCausalLM"], "max_position_embeddings": 512}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


@pytest.fixture(scope="module")
def driver(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDriver]:
    """Patient enough for a loaded machine; the load worker is shared by the tests of a file."""
    folder = write_model(tmp_path_factory.mktemp("driver") / "model")
    options = LiveOptions(start_timeout_s=60.0, idle_timeout_s=60.0, grace_s=0.3)
    with LiveDriver(engine, folder, options) as live:
        yield live


@pytest.fixture
def impatient(engine: Engine, model: Path) -> Iterator[LiveDriver]:
    """For servers that hang: gives up after seconds."""
    options = LiveOptions(
        start_timeout_s=60.0,
        idle_timeout_s=4.0,
        health_timeout_s=2.0,
        grace_s=0.3,
        patience=Patience(silence_s=3.0, total_s=30.0),
    )
    with LiveDriver(engine, model, options) as live:
        yield live
