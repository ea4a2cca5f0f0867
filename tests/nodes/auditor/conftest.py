"""Honest runs, built once and copied for each test that edits them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nodes.auditor import builders


@pytest.fixture(scope="session")
def _honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builders.standard_run(tmp_path_factory.mktemp("honest") / "run")


@pytest.fixture
def run(_honest: Path, tmp_path: Path) -> Path:
    """A control and a patch with a true gain of 30 %, everything in order."""
    return Path(shutil.copytree(_honest, tmp_path / "run"))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Build a standard run whose patch was measured otherwise."""

    def build(**patch: object) -> Path:
        return builders.standard_run(tmp_path / "run", **patch)

    return build
