"""Candidates on several workers: nothing is lost, whoever dies; the same come out wherever they run."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bankable.graph.session import read_recorded_config, session
from bankable.kernels.build.render import every_choice, render
from bankable.kernels.operators import FAMILIES
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.sandbox.pool import core_sets
from bankable.kernels.search.evaluation import EvaluationJob, ScreenResult, read_evaluations
from bankable.kernels.search.executor.executor import make_executor
from bankable.kernels.search.executor.local import LocalExecutor
from bankable.kernels.search.executor.on_ray import NICENESS, RayExecutor
from bankable.kernels.search.search import Search
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.nodes.kernel_author import best_kernel
from tests.kernels.taken_over import HONEST, taken_over

NORM = FAMILIES["rms_norm"]
RECORDING = Path(__file__).resolve().parents[4] / "evals" / "recorded" / "cpu-search.tar.xz"
SLOW = f"for (volatile int64_t i = 0; i < 400000000; ++i) {{}} {HONEST}"


@pytest.fixture
def task(fork_server, tmp_path: Path) -> TaskFolder:
    return write_task(tmp_path / "run", NORM, "bfloat16", parse_shapes(NORM, "4x64:9", "5x67"), fork_server, threads=1)


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    os.environ[NICENESS] = "0"
    root = Path(__file__).resolve().parents[4]
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": str(root)}},
    )
    yield ray
    ray.shutdown()


def jobs(task: TaskFolder, *bodies: str, limits: JobLimits | None = None) -> list[EvaluationJob]:
    sources = [taken_over(body, choices={"unroll": 2}) for body in bodies]
    return [
        EvaluationJob(
            task.root, "rms_norm", source, 1, try_limits=limits or JobLimits(wall_s=60, cpu_s=40, memory_bytes=1 << 30)
        )
        for source in sources
    ]


def ended(found) -> list[str]:
    return [f"{entry.outcome} {entry.why}".strip()[:24] for entry in found]


CRASH, SPIN = "*reinterpret_cast<volatile int*>(8) = 1;", "for (volatile int64_t i = 0;; ++i) {}"
BODIES = (HONEST, CRASH, "++calls_here;", SPIN, "x y z;")
ENDS = [
    "measured",
    "wrong crashed: ended by ",
    "wrong 4x64: error None o",
    "wrong cpu_limit: more th",
    "compile_error ",
]


@pytest.mark.parametrize("kind", ["local", "ray"])
def test_every_end_is_reported_in_its_place(kind, task, compiler, python, request):
    if kind == "ray":
        request.getfixturevalue("cluster")
    with make_executor(kind, python, 1, compiler) as workers:
        assert workers.width == (2 if kind == "ray" else len(core_sets(1)))
        found = workers.screen(jobs(task, *BODIES, limits=JobLimits(wall_s=120, cpu_s=2, memory_bytes=1 << 30)))
        assert [it[: len(end)] for it, end in zip(ended(found), ENDS, strict=True)] == ENDS
        ratio, why = workers.time(jobs(task, HONEST)[0], found[0].compiled)
        assert (ratio is not None, why) == (True, "")


def test_a_worker_that_is_killed_in_mid_evaluation_loses_nothing(cluster, task, compiler, python):
    with RayExecutor(python, 1, compiler) as workers:
        first = workers.pids
        assert len(set(first)) == 2

        def kill() -> None:
            time.sleep(2.0)
            os.kill(first[0], signal.SIGKILL)

        killing = threading.Thread(target=kill)
        killing.start()
        found = workers.screen(jobs(task, SLOW, SLOW.replace("400", "401"), SLOW.replace("400", "402"), HONEST))
        killing.join()
        assert [entry.outcome for entry in found] == ["measured"] * 4
        assert first[0] not in workers.pids


def test_a_candidate_that_takes_two_workers_along_is_reported(task, compiler, python, monkeypatch):
    asked = []
    with LocalExecutor(python, 1, compiler, workers=1) as workers:
        (worker,) = workers._workers
        screened = worker.screen

        def loses(job):
            asked.append(job.source.digest)
            if "402" in job.source.text:
                os.kill(worker.fork_server()._process.pid, signal.SIGKILL)
            return screened(job)

        monkeypatch.setattr(worker, "screen", loses)
        found = workers.screen(jobs(task, HONEST, SLOW.replace("400", "402"), HONEST))
    assert [entry.outcome for entry in found] == ["measured", "failed", "measured"]
    assert found[1].why.startswith("lost its worker 2 times: ")
    assert len(asked) == 4


def test_a_search_is_the_same_wherever_its_candidates_run(cluster, task, compiler, python, tmp_path):
    found = {}
    for kind in ("local", "ray"):
        shutil.copytree(task.root, tmp_path / kind)
        folder = TaskFolder(tmp_path / kind, task.task)
        search = Search(folder, compiler, python, policy="exhaustive", on=kind, workers=2)
        search.run(budget=4)
        found[kind] = [(item.implementation, item.outcome, item.parent) for item in search.done.values()]
        assert all(element.log_ratio is not None for element in search.done.values())
    assert found["local"] == found["ray"]
    wanted = [render(NORM, "bfloat16", entry).implementation for entry in list(every_choice(NORM, ((4, 64),)))[:4]]
    assert [name for name, _, _ in found["local"]] == wanted


def test_devices_are_disjoint_sets_of_cores():
    cores = [core for cores in core_sets(1) for core in cores]
    assert len(cores) == len(set(cores)) == len(os.sched_getaffinity(0))
    assert len(core_sets(1, most=1)) == 1
    assert core_sets(64) == [tuple(sorted(os.sched_getaffinity(0)))]


@pytest.mark.long
def test_the_author_has_its_kernels_tried_on_the_cluster(
    cluster, task: TaskFolder, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screened: list[int] = []
    screen = RayExecutor.screen

    def seen(self: RayExecutor, jobs: list[EvaluationJob]) -> list[ScreenResult]:
        screened.append(len(jobs))
        return screen(self, jobs)

    monkeypatch.setattr(RayExecutor, "screen", seen)
    monkeypatch.setattr("bankable.nodes.kernel_author.BUDGET", 3)
    with session(read_recorded_config(RECORDING, {}), tmp_path / "session", resume=False) as context:
        found = best_kernel(replace(context, engine_python=python, executor="ray"), task)
    assert found is not None
    assert sum(screened) == 3 == len(read_evaluations(task))
    assert max(screened) == 2, "one on each worker"
