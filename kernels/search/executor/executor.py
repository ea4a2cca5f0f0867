"""Interface of executors: candidates are screened in parallel, and timed one at a time.

Each device, a set of cores, is leased to one candidate at a time. The candidate of a worker that is lost is
tried once more on another worker, and reported as failed when that is lost too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.search.evaluation import EvaluationJob, ScreenResult
from bankable.kernels.search.executor.local import LocalExecutor
from bankable.tools.measurement.executor import ExecutorName, choose_executor


class Executor(Protocol):
    """Use as a context manager."""

    @property
    def width(self) -> int:
        """Number of candidates that are screened at a time."""
        ...

    def screen(self, jobs: Sequence[EvaluationJob]) -> list[ScreenResult]:
        """In the order of the jobs."""
        ...

    def time(self, job: EvaluationJob, compiled: Compiled) -> tuple[float | None, str]:
        """Mean log(live / candidate), or ``None`` and why; nothing else of this search runs at that time."""
        ...

    def __enter__(self) -> Executor: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def make_executor(name: ExecutorName, python: Path, threads: int, compiler: Compiler, workers: int = 0) -> Executor:
    """An executor by its name. Raises ``UserError`` where Ray is asked for and is not installed."""
    if choose_executor(name) == "ray":
        from bankable.kernels.search.executor.on_ray import RayExecutor  # noqa: PLC0415 - imports Ray, which few need

        return RayExecutor(python, threads, compiler, workers)
    return LocalExecutor(python, threads, compiler, workers)
