"""Decode attention: kernels that go wrong in the ways of this operator stay out; an honest one can be benched."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bankable.kernels.benchmark.benchmark import BenchmarkSettings, run_benchmark
from bankable.kernels.benchmark.candidate import Candidate, torch_candidate
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.nodes.auditor.process import audit_sealed
from bankable.tools.evidence.seal import seal
from bankable.tools.serving.environment import isolate_environment
from tests.kernels.benchmark.test_benchmark import BUSY
from tests.kernels.edited import built, edited, stays_out, tried

FAMILY = FAMILIES["decode_attention"]
SERVED, HELD_OUT = "4x4x2x64x144", "3x6x2x46x37"
PART = "else std::memcpy(&raw, from, count * sizeof(elem));"
WRONG = {
    "a token too many": ("seq_lens[request],", "seq_lens[request] + 1,", f"{SERVED}: error "),
    "lengths of another": ("seq_lens[request],", "seq_lens[0],", f"{SERVED}: error "),
    "tokens in order": ("int64_t(slots[token]) * stride", "token * stride", f"{SERVED}: error "),
    "row of another": ("req_pool_indices[request] *", "request *", f"{SERVED}: error "),
    "one key head": ("Rows{k_cache + kv_head * head", "Rows{k_cache", f"{SERVED}: error "),
    "no scale": ("part *= scale", "part *= 1.0f", f"{SERVED}: error "),
    "overflow": ("scores[i] = exponential(scores[i] - base)", "scores[i] = whole(scores[i])", f"{SERVED}: error None"),
    "blocks on their own": ("total * kept + sum_of", "total + sum_of", f"{SERVED}: error "),
    "dense caches": ("v_cache + kv_head * head, v_stride", "v_cache + kv_head * head, kv_heads * head", " on strided "),
    "no tail": (PART, "", f"{HELD_OUT}: error "),
    "tail of the next": (PART, "else std::memcpy(&raw, from, sizeof raw);", f"{HELD_OUT}: error "),
}
"""One edit of the honest kernel each, and what it is found out by."""
WHOLE = "static inline vec whole(vec x) { for (int i = 0; i < LANES; ++i) x[i] = std::exp(x[i]); return x; }\n"


EMPTY = """
import ctypes, json, sys
import runpy; runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()
import torch
from bankable.kernels.worker.measure import inputs_of
from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.worker.live_source import live_names
operator = OPERATORS["decode_attention"]
tensors = inputs_of(operator, (3, 4, 2, 64, 20), "float32", 1, "call", "normal")
tensors["seq_lens"][1] = 0
out = torch.full((3, 4, 64), float("nan"))
operator.native(ctypes.CDLL(sys.argv[2]))(tensors, [out])
(live,) = operator.live(live_names(operator.files), {})(tensors)
print(json.dumps([float(out[1].abs().max()), float(live[1].abs().max()), float((out - live).abs().max())]))
"""
"""A request without a token among others."""


@pytest.fixture(scope="module")
def task(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> TaskFolder:
    """In bf16, at a served shape and at one with a tail."""
    shapes = parse_shapes(FAMILY, f"{SERVED}:900", HELD_OUT)
    return write_task(tmp_path_factory.mktemp("decode") / "run", FAMILY, "bfloat16", shapes, fork_server, threads=1)


def kernel(compiler: Compiler, *change: str) -> Candidate:
    made = render(FAMILY, "bfloat16")
    return built(compiler, edited(made, *change, helper=WHOLE, before="// From scores to weights") if change else made)


@pytest.mark.parametrize("edit", WRONG)
def test_a_wrong_kernel_never_enters(edit, compiler, fork_server, task):
    old, new, why = WRONG[edit]
    stays_out(kernel(compiler, old, new), why, fork_server, task)


def test_the_same_kernel_without_the_edit_enters(compiler, fork_server, task):
    said = tried(kernel(compiler), fork_server, task)
    assert (said.ok, said.why) == (True, "")
    assert said.worst_error == pytest.approx(2.0**-8, rel=0.1)


def test_a_request_without_a_token_gives_zeros_as_live(compiler, python: Path, tmp_path):
    compiled = compiler.compile(render(FAMILY, "float32"))
    done = subprocess.run(
        [str(python), "-c", EMPTY, str(Path(__file__).parents[3]), str(compiled.binary)],
        cwd=tmp_path,
        env=isolate_environment({"OMP_NUM_THREADS": "1"}),
        capture_output=True,
        check=True,
        timeout=300,
    )
    mine, live, apart = json.loads(done.stdout)
    assert (mine, live) == (0, 0)
    assert apart < 1e-5


@pytest.mark.long
def test_a_benchmark_of_it_is_evidence(compiler, python: Path, task, tmp_path):
    result = run_benchmark(
        task, [torch_candidate(FAMILY, "torch"), kernel(compiler)], python, BenchmarkSettings(rounds=6, samples=6)
    )
    assert [entry.ok for entry in result.qualified] == [True] * 3
    assert len(result.rows) == 6 * 3 * 2
    assert {row.bytes_moved for row in result.rows if row.shape == SERVED} == {
        FAMILY.bytes_moved((4, 4, 2, 64, 144), "bfloat16")
    }
    assert result.claim.winner_backend == "cpp"
    assert result.claim.speedup is not None
    assert result.claim.speedup > 2
    sealed = seal(task.root, "harness", FAMILY.name, result.attempt, tmp_path / "sealed")
    verdict = audit_sealed(sealed.folder)
    sealed.discard()
    assert verdict.degraded == ()
    assert {finding.rule for finding in verdict.findings if finding.severity.value != "INFO"} <= BUSY
