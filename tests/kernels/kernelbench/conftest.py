"""Problems and answers of this folder, and an evaluator that times nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.kernels.kernelbench.evaluate import DescribedProblem, Evaluator, KernelBenchSettings
from bankable.kernels.kernelbench.problems import BenchProblem, find_problems
from bankable.kernels.sandbox.fork_server import ForkServer

HERE = Path(__file__).parent
UNTIMED = KernelBenchSettings(rounds=0, smaller_bytes=1 << 20)


@pytest.fixture(scope="session")
def problems() -> dict[str, BenchProblem]:
    return {problem.title: problem for problem in find_problems(HERE / "problems")}


@pytest.fixture(scope="session")
def evaluator(fork_server: ForkServer) -> Iterator[Evaluator]:
    with Evaluator(fork_server, UNTIMED) as running:
        yield running


@pytest.fixture(scope="session")
def described(evaluator: Evaluator, problems: dict[str, BenchProblem]) -> dict[str, DescribedProblem]:
    described = evaluator.describe(list(problems.values()))
    found = {
        title: entry for title, entry in zip(problems, described, strict=True) if isinstance(entry, DescribedProblem)
    }
    assert len(found) == 10, described
    return found
