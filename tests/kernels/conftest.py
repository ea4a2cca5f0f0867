"""One fork server, one compiler and one task for all tests of kernels: torch is imported once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bankable.kernels.build.compiler import Compiler
from bankable.kernels.operators import FAMILIES
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.tools.serving.engine import engine_python


@pytest.fixture(scope="session")
def python() -> Path:
    """The engine's interpreter."""
    return engine_python()


@pytest.fixture(scope="session")
def fork_server(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """Starts processes that have torch."""
    with ForkServer(python, scratch=tmp_path_factory.mktemp("fork-server")) as running:
        yield running


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    """The system's, with a cache of its own."""
    return Compiler(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def captured_norm_task(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> TaskFolder:
    """RMSNorm in bf16 at a small served shape and one with a tail: never written to after its capture."""
    family = FAMILIES["rms_norm"]
    shapes = parse_shapes(family, "4x64:900", "5x67")
    return write_task(tmp_path_factory.mktemp("task") / "run", family, "bfloat16", shapes, fork_server, threads=1)


@pytest.fixture(scope="module")
def norm_task(captured_norm_task: TaskFolder, tmp_path_factory: pytest.TempPathFactory) -> TaskFolder:
    """A copy for one module: what another module searched or measured is not in it."""
    root = tmp_path_factory.mktemp("norm-task") / "run"
    shutil.copytree(captured_norm_task.root, root)
    return replace(captured_norm_task, root=root)
