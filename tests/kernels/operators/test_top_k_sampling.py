"""Sampling: what cuts, orders or names wrongly stays out; behind the engine's own sampler the same tokens are drawn."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.benchmark.benchmark import BenchmarkSettings, run_benchmark
from bankable.kernels.benchmark.candidate import Candidate, torch_candidate
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.build.overlay import patch_of
from bankable.kernels.build.render import KernelSource, render
from bankable.kernels.operators import FAMILIES
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.extract import write_captured_task
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.tools.errors import UserError
from bankable.tools.overlay.captured import CaptureFolder
from bankable.tools.overlay.folder import Kernel, write_overlay
from bankable.tools.overlay.reports import OverlayState, read_reports
from bankable.tools.serving.engine import STANDIN
from bankable.tools.serving.environment import isolate_environment
from tests.kernels.edited import built, edited, stays_out, tried

FAMILY = FAMILIES["top_k_sampling"]
SERVED, HELD_OUT = "4x1024x20", "5x47x7"
COVERED, CALLS = 7, 35
"""Calls of the probe that a kernel answers, and all of them."""
CUT = "    weights[i] = i >= top_k"
WRONG = {
    "no top-k": ("i >= top_k || ", "", f"{SERVED}: error "),
    "top-k of another": ("top_ks[r]", "top_ks[0]", f"{SERVED}: error "),
    "top-p of another": ("top_ps[r]", "top_ps[0]", f"{SERVED}: error "),
    "cut an element early": ("float(sum) - value > top_p", "float(sum) > top_p", f"{SERVED}: error "),
    "cut by what is left": ("float(sum) - value > top_p", "1.0f - float(sum) < top_p", f"{SERVED}: error "),
    "dense rows": ("probs + r * probs_stride", "probs + r * vocab", " on strided inputs"),
    "no tail": ("for (; token < vocab; ++token) {", "for (; false; ++token) {", ""),
    "one token for equal ones": (
        CUT,
        f"    if (i && value == row[ids[i - 1]]) ids_of(ids)[i] = ids[i - 1];\n{CUT}",
        f"{SERVED}: error ",
    ),
    "the next token at the end": (CUT, f"    ids_of(ids)[i] += i == k - 1;\n{CUT}", f"{SERVED}: error "),
    "as many as were found": ("if (count < k) high = middle;", "if (count < 1) high = middle;", ""),
    "numbers only": ("return !(value < least);", "return value >= least;", ""),
}
"""One edit of the honest kernel each, and what it is found out by."""
WRITABLE = "static int32_t* ids_of(const int32_t* ids) { return const_cast<int32_t*>(ids); }\n"


@pytest.fixture(scope="module")
def task(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> TaskFolder:
    shapes = parse_shapes(FAMILY, f"{SERVED}:900", HELD_OUT)
    return write_task(tmp_path_factory.mktemp("sampling") / "run", FAMILY, "", shapes, fork_server, threads=1)


def source(*change: str) -> KernelSource:
    made = render(FAMILY, "float32")
    return edited(made, *change, helper=WRITABLE, before="// As live does it") if change else made


def kernel(compiler: Compiler, *change: str) -> Candidate:
    return built(compiler, source(*change))


@pytest.mark.parametrize("edit", WRONG)
def test_a_wrong_kernel_never_enters(edit, compiler, fork_server, task):
    old, new, why = WRONG[edit]
    stays_out(kernel(compiler, old, new), why, fork_server, task)


def test_the_same_kernel_without_the_edit_enters_with_lives_very_values(compiler, fork_server, task):
    said = tried(kernel(compiler), fork_server, task)
    assert (said.ok, said.why, said.worst_error, said.equal_bits) == (True, "", 0.0, 1.0)


def test_the_task_is_in_the_familys_only_dtype(task, tmp_path, fork_server):
    assert task.task.dtype == "float32"
    with pytest.raises(UserError, match="Cannot use dtype bfloat16"):
        write_task(tmp_path / "run", FAMILY, "bfloat16", parse_shapes(FAMILY, SERVED, ""), fork_server, threads=1)
    with pytest.raises(UserError, match="no larger than the vocabulary"):
        parse_shapes(FAMILY, "4x16x17", "")


class Sampled:
    """The engine's sampler in a process of its own, with an overlay or without."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python, self._folder = python, folder
        self.reports = folder / "reports"
        self.reports.mkdir()

    def run(self, overlay: Path | None, *, equal: bool = False) -> dict[str, Any]:
        paths = [*([str(overlay)] if overlay else []), str(STANDIN)]
        env = {
            "SGLANG_USE_CPU_ENGINE": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "BANKABLE_OVERLAY_REPORTS": str(self.reports),
            "XDG_CACHE_HOME": str(self._folder / "cache"),
        }
        done = subprocess.run(
            [str(self._python), str(Path(__file__).with_name("sampling_probe.py")), str(int(equal))],
            cwd=self._folder,
            env=isolate_environment(env),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))

    @property
    def state(self) -> OverlayState:
        return read_reports(self.reports)


@pytest.fixture
def sampled(python: Path, tmp_path: Path) -> Sampled:
    return Sampled(python, tmp_path)


def overlay_of(folder: Path, *change: str) -> Path:
    made = source(*change)
    told = Kernel(made.implementation, made.text, made.flags, 2 * FAMILY.allowed["float32"].relative_error, {})
    write_overlay(folder, [patch_of(FAMILY, "float32", "replace")], {FAMILY.name: told})
    return folder


@pytest.mark.long
def test_with_the_kernel_the_same_tokens_are_drawn_and_the_same_random_number_follows(sampled, tmp_path):
    plain, replaced = sampled.run(None), sampled.run(overlay_of(tmp_path / "overlay"))
    assert len(plain["drawn"]) == CALLS
    assert replaced == plain
    (marker,) = sampled.state.markers
    assert (marker.engaged, marker.eager_calls, marker.error_vs_live) == (True, COVERED, 0.0)
    assert marker.shapes == ("4x1024x20", "3x1000x20", "5x333x333", "1x64x1", "2x40000x50")


@pytest.mark.long
def test_of_equal_probabilities_another_token_may_be_drawn_but_none_of_another_probability(sampled, tmp_path):
    plain, replaced = (sampled.run(entry, equal=True) for entry in (None, overlay_of(tmp_path / "overlay")))
    assert (replaced["likely"], replaced["following"]) == (plain["likely"], plain["following"])
    assert replaced["drawn"] != plain["drawn"]
    (marker,) = sampled.state.markers
    assert (marker.engaged, marker.error_vs_live) == (True, 0.0)


@pytest.mark.long
def test_a_kernel_that_cuts_elsewhere_is_sent_away_by_the_first_call(sampled, tmp_path):
    old, new, _ = WRONG["cut an element early"]
    plain, replaced = sampled.run(None), sampled.run(overlay_of(tmp_path / "overlay", old, new))
    (marker,) = sampled.state.markers
    assert (marker.engaged, marker.resolved) == (False, "live")
    assert replaced == plain  # from nothing no draw was taken, so live's second answer is its first


@pytest.mark.long
def test_what_is_captured_is_what_live_draws_from(sampled, tmp_path, fork_server):
    write_overlay(tmp_path / "overlay", [patch_of(FAMILY, "bfloat16", "capture")])
    assert sampled.run(tmp_path / "overlay", equal=True) == sampled.run(None, equal=True)
    samples = CaptureFolder(sampled.reports)
    captured = samples.operators()[FAMILY.name]
    assert (captured.calls, captured.uncovered_calls) == (COVERED, CALLS - COVERED)
    assert {shape.key: shape.total for shape in captured.shapes}["4x1024x20"] == 3
    made = write_captured_task(tmp_path / "run", "0" * 16, FAMILY, captured, samples, fork_server, 1)
    assert made.task.dtype == "float32"
    assert made.task.seam.attribute == FAMILY.attribute
    assert tried(kernel(Compiler(tmp_path / "cache")), fork_server, made).ok


@pytest.mark.long
def test_a_benchmark_of_it_is_evidence(compiler, python: Path, task):
    result = run_benchmark(
        task, [torch_candidate(FAMILY, "torch"), kernel(compiler)], python, BenchmarkSettings(rounds=6, samples=6)
    )
    assert [entry.ok for entry in result.qualified] == [True] * 3
    assert result.claim.winner_backend == "cpp"
    assert result.claim.speedup is not None
    assert result.claim.speedup > 2
