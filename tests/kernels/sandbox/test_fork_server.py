"""Whatever a kernel does, the measurement goes on: each end has a name."""

from __future__ import annotations

from typing import Any

import pytest

from bankable.kernels.benchmark.candidate import Candidate, kernel_candidate
from bankable.kernels.benchmark.qualify import qualify
from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.build.render import KernelSource
from bankable.kernels.sandbox.fork_server import ForkServer, JobAnswer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.task.folder import TaskFolder
from tests.kernels.hostile import CRASH, FORGER, HANG, HOG, OVERRUN, SPIN, WRONG

REASONS = {
    "constant": "4x64: error ",
    "no-op": "4x64: error None on ",
    "forger": "not loaded: calls ",
    "aliasing": "4x64: AliasedInputError: wrote to its input x",
    "truncating": "4x64: error 0.007",
    "coarse-scale": "4x64: error 0.00",
    "without-tail": "5x67: error None on ",
    "one-shape": "5x67: error ",
    "pointer-cache": "not loaded: keeps state from call to call",
}
"""What is found first: the poison of unwritten memory is a NaN, so that an element left out is not finite."""
SHAPES = [{"key": "4x64", "dims": [4, 64], "seed": 5}]


def compile_candidate(source: KernelSource, compiler: Compiler) -> Candidate:
    compiled = compiler.compile(source)
    assert isinstance(compiled, Compiled), compiled
    return kernel_candidate(compiled)


def attempt(
    source: KernelSource, compiler: Compiler, fork_server: ForkServer, limits: JobLimits | None = None
) -> JobAnswer:
    job = {"family": "rms_norm", "dtype": "bfloat16", "threads": 1, "kinds": ["normal"], "shapes": SHAPES}
    return fork_server.run("attempt", {**job, "implementation": compile_candidate(source, compiler).job()}, limits)


def check(fork_server: ForkServer, ran: JobAnswer, names: list[str], keys: list[str]) -> dict[str, dict[str, Any]]:
    calls = [{"name": name, "inputs": "normal"} for name in names]
    shapes = [{"key": key, "outputs": str(ran.folder / f"{key}.safetensors"), "calls": calls} for key in keys]
    job = {"family": "rms_norm", "dtype": "bfloat16", "relative_error": 0.005}
    answer = fork_server.run("check", {**job, "shapes": [{**shape, "dims": [4, 64], "seed": 5} for shape in shapes]})
    return {reply["shape"]: reply for reply in answer.replies}


@pytest.mark.parametrize(
    ("source", "limits", "end"),
    [
        (CRASH, JobLimits(), "crashed"),
        (HANG, JobLimits(wall_s=3), "wall_limit"),
        (SPIN, JobLimits(cpu_s=1), "cpu_limit"),
        (HOG, JobLimits(memory_bytes=1 << 29), "memory_limit"),
    ],
    ids=["crash", "hang", "spin", "hog"],
)
def test_a_kernel_that_fails_is_a_typed_result(source, limits, end, compiler, fork_server):
    answer = attempt(source, compiler, fork_server, limits)
    assert (answer.ended.end, answer.replies) == (end, ())
    assert answer.ended.why


def test_what_a_kernel_prints_is_not_what_it_measured(compiler, fork_server, norm_task):
    answer = attempt(FORGER, compiler, fork_server)
    assert "samples_ns" in (answer.folder / "output.txt").read_text()
    assert [sorted(reply) for reply in answer.replies] == [["resolved", "shape"]]


@pytest.mark.parametrize(("name", "why"), REASONS.items())
def test_a_wrong_kernel_never_enters(name, why, compiler, fork_server, norm_task: TaskFolder):
    said = qualify(norm_task, compile_candidate(WRONG[name], compiler), fork_server, ["4x64", "5x67"], 1)
    assert not said.ok
    assert said.why.startswith(why)


def test_a_crash_is_the_reason_to_stay_out(compiler, fork_server, norm_task: TaskFolder):
    said = qualify(norm_task, compile_candidate(CRASH, compiler), fork_server, ["4x64"], 1)
    assert (said.ok, said.why) == (False, "crashed: ended by SIGSEGV")


def test_a_kernel_that_writes_past_its_output_loses_its_guards(compiler, fork_server):
    job = {"family": "rms_norm", "dtype": "bfloat16", "threads": 1, "shapes": [{**SHAPES[0], "first": 0}]}
    job |= {"warmup": 2, "timed": 4, "checked": 4, "cache_bytes": 1 << 20}
    ran = fork_server.run("measure", {**job, "implementation": compile_candidate(OVERRUN, compiler).job()})
    names = ran.replies[0]["checked"]
    said = check(fork_server, ran, names, ["4x64"])
    assert said["4x64"]["poison_intact"] is False


def test_outputs_that_cannot_be_read_are_a_result_of_their_shape_alone(compiler, fork_server):
    ran = attempt(WRONG["constant"], compiler, fork_server)
    (ran.folder / "torn.safetensors").write_bytes((ran.folder / "4x64.safetensors").read_bytes()[:-9])
    said = check(fork_server, ran, ["normal"], ["absent", "torn", "4x64"])
    assert ["raised" in said[key] for key in said] == [True, True, False]
    assert said["4x64"]["mismatch_share"] > 0


def test_candidates_have_no_network_or_it_is_said_why(fork_server):
    assert fork_server.network == "off" or fork_server.network.startswith("on: ")


def test_a_job_has_a_process_of_its_own(compiler, fork_server):
    honest = WRONG["constant"]
    pids = {attempt(honest, compiler, fork_server).ended.pid for _ in range(3)}
    assert len(pids) == 3
