"""Evaluates candidates on this machine: one worker for each set of cores, and a fresh process for every candidate."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.sandbox.pool import core_sets
from bankable.kernels.search.evaluation import EvaluationJob, ScreenResult
from bankable.kernels.search.executor.worker import EvaluationWorker
from bankable.tools.errors import UserError

T = TypeVar("T")
TRIES = 2


class LocalExecutor:
    """Use as a context manager."""

    def __init__(self, python: Path, threads: int, compiler: Compiler, workers: int = 0) -> None:
        self._free: queue.SimpleQueue[EvaluationWorker] = queue.SimpleQueue()
        self._workers = [
            EvaluationWorker(python, threads, compiler.cache, compiler.command, cores)
            for cores in core_sets(threads, workers)
        ]
        for worker in self._workers:
            self._free.put(worker)

    @property
    def width(self) -> int:
        return len(self._workers)

    def screen(self, jobs: Sequence[EvaluationJob]) -> list[ScreenResult]:
        """See ``Executor``."""
        with ThreadPoolExecutor(self.width) as pool:
            return list(pool.map(self._screen_one, jobs))

    def time(self, job: EvaluationJob, compiled: Compiled) -> tuple[float | None, str]:
        """See ``Executor``."""
        try:
            return self._with_worker(lambda worker: worker.time(job, compiled))
        except UserError as problem:
            return None, f"lost its worker {TRIES} times: {problem}"

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._workers:
            worker.close()

    def _screen_one(self, job: EvaluationJob) -> ScreenResult:
        try:
            return self._with_worker(lambda worker: worker.screen(job))
        except UserError as problem:
            return ScreenResult("failed", f"lost its worker {TRIES} times: {problem}"[:300])

    def _with_worker(self, work: Callable[[EvaluationWorker], T]) -> T:
        """Run on a leased worker; on another fork server when the first one is lost."""
        worker = self._free.get()
        try:
            for attempt in range(TRIES):
                try:
                    return work(worker)
                except UserError:
                    worker.close()
                    if attempt + 1 == TRIES:
                        raise
            raise AssertionError
        finally:
            self._free.put(worker)
