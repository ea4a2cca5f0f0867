"""An honest bake-off, built once and copied for each test that edits it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.nodes.auditor.harness_builders import contested


@pytest.fixture(scope="session")
def _honest_bake_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return contested(tmp_path_factory.mktemp("bake-off") / "run")


@pytest.fixture
def operator(_honest_bake_off: Path, tmp_path: Path) -> Path:
    """Folder of an operator with an honest bake-off, everything in order."""
    shutil.copytree(_honest_bake_off.parents[1], tmp_path / "run")
    return tmp_path / "run" / "ops" / _honest_bake_off.name
