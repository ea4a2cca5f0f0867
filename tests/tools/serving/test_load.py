"""The load worker process by itself."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.tools.evidence.records import Workload
from bankable.tools.serving.driver import RoundLoad
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.load import JobFailed, JobStalled, LoadWorker, Patience, WorkerLost
from bankable.tools.serving.workload import benchmark_arguments

LOAD = RoundLoad(Workload(num_prompts=2, input_len=4, output_len=3, concurrency=2), seed=7, index=0)


@pytest.fixture
def worker(engine: Engine, tmp_path: Path) -> Iterator[LoadWorker]:
    made = LoadWorker(engine, tmp_path)
    yield made
    made.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def arguments(url: str) -> list[str]:
    return benchmark_arguments(LOAD, url, "/m", None, None)


def test_the_worker_ends_with_its_orchestrator_even_in_a_round(worker: LoadWorker, silent: str) -> None:
    with pytest.raises(JobFailed):
        worker.run(arguments("http://127.0.0.1:9"), Patience(30, 30))
    process = worker._process
    assert process is not None
    assert process.stdin is not None
    lost: list[BaseException] = []

    def run() -> None:
        try:
            worker.run(arguments(silent), Patience(30, 30))
        except WorkerLost as error:
            lost.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.5)
    process.stdin.close()
    thread.join(20)
    assert len(lost) == 1
    assert process.wait(5) == 0


def test_silence_and_the_total_time_are_limited(worker: LoadWorker, silent: str) -> None:
    with pytest.raises(JobStalled, match="no request finished for 1 s"):
        worker.run(arguments(silent), Patience(silence_s=1.0, total_s=30.0))
    with pytest.raises(JobStalled, match="no result within 1 s"):
        worker.run(arguments(silent), Patience(silence_s=30.0, total_s=1.0))
    assert worker.pid is None


def test_a_worker_that_cannot_import_the_benchmark_says_so(engine: Engine, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho "ImportError: no benchmark" >&2\nexit 1\n')
    script.chmod(0o755)
    broken = Engine(**{**vars(engine), "python": script})
    with pytest.raises(WorkerLost, match="ImportError: no benchmark"):
        LoadWorker(broken, tmp_path).run([], Patience(30, 30))


def test_giving_up_comes_from_the_callers_check(worker: LoadWorker, silent: str) -> None:
    begun = time.monotonic()

    def check() -> None:
        if time.monotonic() - begun > 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run(arguments(silent), Patience(60, 60), check)
    assert worker.pid is None
