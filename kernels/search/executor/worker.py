"""Evaluates a candidate on behalf of an executor: the candidate itself is always in a contained process."""

from __future__ import annotations

from pathlib import Path

from bankable.kernels.benchmark.benchmark import measure_peaks
from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.search.evaluation import EvaluationJob, ScreenResult, screen_candidate, time_candidate
from bankable.kernels.task.folder import open_task


class EvaluationWorker:
    """Holds what is the same for all candidates of one device: a fork server on its cores."""

    def __init__(self, python: Path, threads: int, cache: Path, command: str, cores: tuple[int, ...]) -> None:
        self._arguments = python, threads, None, cores
        self._compiler = Compiler(cache, command)
        self._fork_server: ForkServer | None = None
        self._cache_bytes = 0

    def screen(self, job: EvaluationJob) -> ScreenResult:
        """Raises ``UserError`` when the fork server is gone."""
        return screen_candidate(job, open_task(job.root, job.operator), self.fork_server(), self._compiler)

    def time(self, job: EvaluationJob, compiled: Compiled) -> tuple[float | None, str]:
        """Raises ``UserError`` when the fork server is gone."""
        folder, fork_server = open_task(job.root, job.operator), self.fork_server()
        self._cache_bytes = self._cache_bytes or measure_peaks(fork_server, folder.task.dtype, job.threads).cache_bytes
        return time_candidate(job, compiled, folder, fork_server, self._cache_bytes)

    def fork_server(self) -> ForkServer:
        """Started with the first candidate."""
        if self._fork_server is None:
            python, threads, scratch, cores = self._arguments
            self._fork_server = ForkServer(python, threads, scratch, cores)
        return self._fork_server

    def close(self) -> None:
        """End the fork server; safe to call twice."""
        if self._fork_server is not None:
            self._fork_server.close()
            self._fork_server = None
