"""Diagnoses the candidates of a search one after the other: with one worker, and only layers that decide the bound."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from bankable.kernels.build.render import KernelSource
from bankable.kernels.diagnosis.diagnose import ENOUGH, examine
from bankable.kernels.diagnosis.layers.runner import LayerWorker
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.diagnosis.record import Diagnosis
from bankable.kernels.task.folder import TaskFolder


class Diagnoser:
    """Use as a context manager. A candidate that was diagnosed before is read from the task's folder."""

    def __init__(self, task: TaskFolder, python: Path, threads: int = 1, cache: Path | None = None) -> None:
        """``cache``: of compiled kernels, as the search's compiler has it."""
        self._task, self._python, self._threads, self._cache = task, python, threads, cache
        self._worker = LayerWorker()

    def of(self, source: KernelSource, shape: str) -> Diagnosis:
        """Diagnose a candidate at one shape. After a failure the bound is ``unknown``, with the reason as evidence."""
        subject = Subject.of_source(self._task, source, shape, self._python, self._threads, self._cache)
        return examine(subject, only=ENOUGH, plugins={}, worker=self._worker).diagnosis

    def __enter__(self) -> Diagnoser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._worker.close()
