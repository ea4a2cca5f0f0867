"""Evaluates candidates on a Ray cluster: an actor for each device, and a contained process for each candidate.

Ray chooses the machine of an actor; the actor pins itself to cores of its own there. The run folder, the compiler's
cache and the engine's interpreter have to be at the same paths on all machines, as on a shared disk.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.sandbox.pool import core_sets
from bankable.kernels.search.evaluation import EvaluationJob, ScreenResult
from bankable.kernels.search.executor.worker import EvaluationWorker
from bankable.tools.errors import UserError

TRIES = 2
ADDRESS, NICENESS = "RAY_ADDRESS", "RAY_worker_niceness"
"""Ray gives its workers a low priority by default, which would distort times."""


class RayExecutor:
    """Use as a context manager. Joins the cluster that ``RAY_ADDRESS`` names, or starts one on this machine."""

    def __init__(self, python: Path, threads: int, compiler: Compiler, workers: int = 0) -> None:
        import ray  # noqa: PLC0415 - only who asks for Ray has it

        self._ray = ray
        self._mine = not ray.is_initialized()
        if self._mine:
            there = os.environ.get(ADDRESS)
            os.environ.setdefault(NICENESS, "0")
            ray.init(
                address=there,
                num_cpus=None if there else len(core_sets(1)),
                include_dashboard=None if there else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        self._arguments = python, threads, compiler.cache, compiler.command
        total = int(self._resources().get("CPU", 1)) // threads
        count = min(total, workers) if workers else total
        self._sets = core_sets(threads)
        self._actors = [self._actor(index) for index in range(max(1, count))]

    def _resources(self) -> dict[str, float]:
        resources: dict[str, float] = self._ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray leaves it untyped
        return resources

    @property
    def width(self) -> int:
        return len(self._actors)

    @property
    def pids(self) -> list[int]:
        """Processes of the actors."""
        return [int(pid) for pid in self._ray.get([actor.pid.remote() for actor in self._actors])]

    def screen(self, jobs: Sequence[EvaluationJob]) -> list[ScreenResult]:
        """See ``Executor``."""
        results: dict[int, ScreenResult] = {}
        waiting = [(index, 1) for index in range(len(jobs))]
        running: dict[Any, tuple[int, int, int]] = {}
        idle = list(range(self.width))
        while waiting or running:
            while waiting and idle:
                (index, tries), device = waiting.pop(0), idle.pop(0)
                running[self._actors[device].screen.remote(jobs[index])] = index, tries, device
            done, _ = self._ray.wait(list(running), num_returns=1)
            index, tries, device = running.pop(done[0])
            try:
                results[index] = self._ray.get(done[0])
            except (self._ray.exceptions.RayError, UserError) as problem:
                self._replace(device)
                if tries < TRIES:
                    waiting.insert(0, (index, tries + 1))
                else:
                    results[index] = ScreenResult("failed", _describe_loss(problem))
            idle.append(device)
        return [results[index] for index in range(len(jobs))]

    def time(self, job: EvaluationJob, compiled: Compiled) -> tuple[float | None, str]:
        """See ``Executor``: the search waits for it, so no other candidate runs."""
        why = ""
        for _ in range(TRIES):
            try:
                answer: tuple[float | None, str] = self._ray.get(self._actors[0].time.remote(job, compiled))
                return answer
            except (self._ray.exceptions.RayError, UserError) as problem:
                why = _describe_loss(problem)
                self._replace(0)
        return None, why

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for actor in self._actors:
            self._end(actor)
        if self._mine:
            self._ray.shutdown()

    def _actor(self, index: int) -> Any:
        """A worker on cores of its own, as long as the machine has enough of them."""
        remote = self._ray.remote(num_cpus=self._arguments[1], max_restarts=0)(RayWorker)
        return remote.remote(*self._arguments, self._sets[index % len(self._sets)])

    def _replace(self, device: int) -> None:
        self._end(self._actors[device])
        self._actors[device] = self._actor(device)

    def _end(self, actor: Any) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.get(actor.close.remote(), timeout=10)
        self._ray.kill(actor)


class RayWorker(EvaluationWorker):
    """A worker that reports its process id."""

    def pid(self) -> int:
        """Of the actor."""
        return os.getpid()


def _describe_loss(problem: BaseException) -> str:
    return f"lost its worker {TRIES} times: {type(problem).__name__}"
