"""One nursery, one compiler and one task for all tests of kernels: torch is imported once, and processes are forked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.kernels.build.compiler import Compiler
from bankable.kernels.operators import FAMILIES
from bankable.kernels.sandbox.fork_server import Nursery
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.tools.serving.engine import engine_python


@pytest.fixture(scope="session")
def python() -> Path:
    """The engine's interpreter."""
    return engine_python()


@pytest.fixture(scope="session")
def nursery(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Starts processes that have torch."""
    with Nursery(python, scratch=tmp_path_factory.mktemp("nursery")) as running:
        yield running


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """The system's, with a cache of its own."""
    return Compiler(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def norm_task(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> TaskFolder:
    """RMSNorm in bf16 at a small served shape and one with a tail."""
    family = FAMILIES["rms_norm"]
    shapes = parse_shapes(family, "4x64:900", "5x67")
    return write_task(tmp_path_factory.mktemp("task") / "run", family, "bfloat16", shapes, nursery, threads=1)
