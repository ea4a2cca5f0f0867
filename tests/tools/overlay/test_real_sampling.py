"""Sampling of a real sglang server, captured and then replaced: minutes, run by ``make test-live``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bankable.kernels.benchmark.candidate import kernel_candidate
from bankable.kernels.benchmark.qualify import qualify
from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.build.overlay import lay, part_of, patch_of
from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.extract import write_captured_task
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.layout import OVERLAY_FOLDER, WATCH_FOLDER
from bankable.tools.evidence.records import Lever
from bankable.tools.evidence.store import write_once
from bankable.tools.measurement.engagement import prove_overlays
from bankable.tools.overlay.captured import CaptureFolder
from bankable.tools.overlay.folder import write_overlay
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.live import LiveDriver, LiveServer
from tests.tools.overlay.test_real_overlay import launched

FAMILY = FAMILIES["top_k_sampling"]
WARM = {"temperature": 5.0, "top_k": 20, "top_p": 0.95, "ignore_eos": True}
OPEN = {"temperature": 0.8, "top_p": 0.95, "ignore_eos": True}
"""Hot: the shipped model is sure of itself. Without a top-k all of the vocabulary may be drawn, and live answers."""
TEXT = "Tom has 3 apples and buys 4 more. How many apples"
ONE_BY_ONE = 24

pytestmark = [pytest.mark.live, pytest.mark.long]


def asked(server: LiveServer, sampling: dict[str, Any], tokens: int) -> dict[str, Any]:
    body = {"text": TEXT, "sampling_params": {**sampling, "max_new_tokens": tokens}, "return_logprob": True}
    answer = httpx.post(f"{server.url}/generate", json=body, timeout=120, trust_env=False)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def in_a_batch(server: LiveServer, sampling: dict[str, Any], tokens: int = 16) -> list[int]:
    """How many tokens each of six requests got."""
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: asked(server, sampling, tokens), range(6)))
    return [entry["meta_info"]["completion_tokens"] for entry in found]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    with RunFolder.create(tmp_path_factory.mktemp("sampling") / "run", "0123456789abcdef", {}) as folder:
        yield folder


@pytest.fixture(scope="module")
def task(driver: LiveDriver, engine: Engine, run: RunFolder) -> TaskFolder:
    """What a real server samples from."""
    capture = run.root / "capture"
    write_overlay(capture / "overlay", [patch_of(FAMILY, "bfloat16", "capture")])
    server = launched(driver, capture, capture / "overlay")
    in_a_batch(server, WARM, 48)
    in_a_batch(server, {"temperature": 0.0})
    in_a_batch(server, OPEN)
    time.sleep(2.5)  # reports are written once a second
    server.close()
    samples = CaptureFolder(capture / "reports")
    captured = samples.operators()[FAMILY.name]
    assert captured.uncovered_calls > 0
    with ForkServer(engine.python) as fork_server:
        return write_captured_task(run.root, "0123456789abcdef", FAMILY, captured, samples, fork_server, 1)


def test_a_task_holds_what_the_server_draws_from(task: TaskFolder, engine: Engine) -> None:
    assert task.task.dtype == "float32"
    assert task.task.live_source.path == "sglang/srt/layers/sampler.py"
    assert all(shape.key.endswith("x1024x20") for shape in task.task.shapes)
    compiled = Compiler().compile(render(FAMILY, "float32"))
    assert isinstance(compiled, Compiled)
    with ForkServer(engine.python) as fork_server:
        tried = qualify(task, kernel_candidate(compiled), fork_server, [shape.key for shape in task.task.shapes], 1)
    assert (tried.ok, tried.why) == (True, "")


def test_tokens_of_the_same_probabilities_are_drawn_with_the_kernel(
    driver: LiveDriver, run: RunFolder, task: TaskFolder
) -> None:
    source = render(FAMILY, "float32")
    write_once(task.kernel_file(source.implementation), source.text.encode())
    lever, comparison = Lever(overlays={FAMILY.name: part_of(FAMILY, source, 1)}), run.root / "comparisons" / "patch"
    lay(run, comparison, lever)
    likely = {}
    for name, overlay in (("reference", WATCH_FOLDER), ("candidate", OVERLAY_FOLDER)):
        server = launched(driver, comparison / name, comparison / overlay)
        answers = [asked(server, WARM, 1)["meta_info"]["output_token_logprobs"] for _ in range(ONE_BY_ONE)]
        likely[name] = [token[0] for (token,) in answers]
        assert in_a_batch(server, WARM) == [16] * 6
        assert in_a_batch(server, OPEN) == [16] * 6
        time.sleep(1.5)
        if name == "candidate":
            prove_overlays(lever, server)
            (marker,) = server.overlay().markers
            assert (marker.resolved, marker.error_vs_live) == (source.implementation, 0.0)
            assert marker.eager_calls >= ONE_BY_ONE + 16
            assert marker.live_calls > 0
        server.close()
    assert len(set(likely["reference"])) > 1
    assert likely["candidate"] == pytest.approx(likely["reference"], rel=1e-6)
