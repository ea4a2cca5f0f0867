"""An honest operator benchmark, built once and copied for each test that edits it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.nodes.auditor.harness_builders import honest_benchmark


@pytest.fixture(scope="session")
def _honest_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return honest_benchmark(tmp_path_factory.mktemp("operator benchmark") / "run")


@pytest.fixture
def operator(_honest_benchmark: Path, tmp_path: Path) -> Path:
    """Folder of an operator with an honest operator benchmark, everything in order."""
    shutil.copytree(_honest_benchmark.parents[1], tmp_path / "run")
    return tmp_path / "run" / "ops" / _honest_benchmark.name
