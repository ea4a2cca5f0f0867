"""Counts of a real kernel on callgrind are those that its code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.kernels.build.render import render
from bankable.kernels.diagnosis.layers.call_profile import count_call, is_waiting
from bankable.kernels.diagnosis.layers.callgrind import CallgrindProfile
from bankable.kernels.diagnosis.layers.harness import built_in_plans, evaluate
from bankable.kernels.diagnosis.layers.perf import find_refusal, read_stat
from bankable.kernels.diagnosis.layers.roof import private_cache
from bankable.kernels.diagnosis.layers.runner import LayerWorker
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of, x86
from bankable.kernels.task.folder import TaskFolder

KERNEL, DRIVER = "/cache/a/kernel.so", "/cache/b/kernel.so"
LIBC, GOMP = "/usr/lib/libc.so.6", "/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0"


@pytest.mark.skipif(
    not (x86() and version_of("valgrind") and version_of("objdump")), reason="needs valgrind, on x86-64"
)
def test_a_call_is_counted_without_python_and_without_what_is_done_once(norm_task: TaskFolder, python: Path, compiler):
    source = render(norm_task.family, "bfloat16")
    subjects = [Subject.of_source(norm_task, source, key, python, cache=compiler.cache) for key in ("4x64", "5x67")]
    with LayerWorker() as worker:
        small, large = (
            evaluate(subject, built_in_plans(), only=["counters", "compile"], plugins={}, worker=worker)
            for subject in subjects
        )
    found, other = small["counters"].found, large["counters"].found
    assert small["compile"].found.instructions > 50
    assert 4 * 64 / 4 < found.instructions < 4 * 64 * 20, "a vectorised loop, and no interpreter"
    assert (found.waiting, found.joins, found.starts) == (0, 0, 0)
    # squares, their sums, and two products an element, and a few of each row
    assert 4 * 64 * 4 <= found.flops < 4 * 64 * 4 + 4 * 40
    assert other.instructions > found.instructions, "a tail is work"
    assert found.misses == 0, "two kilobytes stay in the cache from one call to the next"
    assert set(found.by_width) <= {0, 128, 256}, "counted for a processor that callgrind knows"
    assert "bankable_run" in found.hottest[0]


def test_threads_locks_and_allocation_are_no_work():
    profile = CallgrindProfile(
        {
            (KERNEL, "run"): {"Ir": 100.0, "Dr": 10.0, "D1mr": 2.0},
            (KERNEL, "my_barrier_free_loop"): {"Ir": 50.0},
            (GOMP, "0x000000000001f930"): {"Ir": 400.0},
            (LIBC, "__memcpy_avx_unaligned_erms"): {"Ir": 30.0},
            (LIBC, "pthread_create@@GLIBC_2.34"): {"Ir": 20.0},
            (LIBC, "____strtol_l_internal"): {"Ir": 90.0},
            (DRIVER, "main"): {"Ir": 70.0},
        },
        {},
        {(GOMP, "GOMP_barrier"): 8.0, (GOMP, "GOMP_parallel"): 1.0, (LIBC, "pthread_create@@GLIBC_2.34"): 3.0},
    )
    found = count_call(profile, KERNEL, DRIVER)
    assert (found.instructions, found.own, found.waiting) == (600, 180, 420)
    assert (found.joins, found.starts, found.misses, found.spills) == (8, 3, 2, None)
    assert is_waiting((LIBC, "malloc"), KERNEL)
    assert not is_waiting((KERNEL, "malloc_of_mine"), KERNEL)


def test_a_kernel_that_was_never_entered_is_no_finding():
    with pytest.raises(LayerFailedError, match="never entered"):
        count_call(CallgrindProfile({(DRIVER, "main"): {"Ir": 7.0}}), KERNEL, DRIVER)


def test_perf_counts_or_says_why_not():
    text = (
        "# started on Mon\n\n1234567,,instructions:u,1000,100.00,,\n<not supported>,,cycles:u,0,100.00,,\n"
        "12.5,msec,task-clock:u,1,100.00,,\n"
    )
    assert read_stat(text) == {"instructions": 1234567.0, "task-clock": 12.5}
    assert find_refusal() == "" or "perf" in find_refusal()


def test_a_cores_own_cache_is_what_the_system_says(tmp_path):
    for index, level, size in ((0, "1", "48K"), (2, "2", "2048K"), (3, "3", "480M")):
        place = tmp_path / f"index{index}"
        place.mkdir()
        (place / "level").write_text(level + "\n")
        (place / "size").write_text(size + "\n")
    assert private_cache(tmp_path) == 2 << 20
    assert private_cache(tmp_path / "nowhere") == 1 << 20
