"""Operators of a real sglang server, captured and then replaced: minutes, run with ``pytest -m live``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

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
from bankable.tools.evidence.records import HostSample, Lever, ServerConfig, Workload
from bankable.tools.evidence.store import write_once
from bankable.tools.measurement.engagement import prove_overlays
from bankable.tools.overlay.captured import CaptureFolder
from bankable.tools.overlay.folder import write_overlay
from bankable.tools.serving.driver import LaunchRequest, ProbePrompt, RoundLoad
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.live import LiveDriver, LiveServer

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "tools" / "model" / "shipped"
LOAD = RoundLoad(Workload(num_prompts=12, output_len=8), seed=11, index=0)
APART = ("decode_attention", "fused_add_rms_norm", "rms_norm", "rotary", "silu_and_mul")
TOGETHER = ("linear", "prefill_linear", "qk_norm_rotary")
"""Where QK norm and rotary embedding are one, nothing calls the latter alone."""
OPERATORS = (*APART, *TOGETHER)
PROMPTS = [ProbePrompt("p", "Tom has 3 apples and buys 4 more. How many apples", 12)]
DETERMINISTIC = 0.5
"""bf16 rounding may turn a greedy token now and then; most answers have to be the live server's own."""

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    with RunFolder.create(tmp_path_factory.mktemp("live") / "run", "0123456789abcdef", {}) as folder:
        yield folder


@pytest.fixture(scope="module")
def tasks(driver: LiveDriver, engine: Engine, run: RunFolder) -> dict[str, TaskFolder]:
    """What a real server calls its operators with."""
    capture = run.root / "capture"
    write_overlay(capture / "overlay", [patch_of(FAMILIES[name], "bfloat16", "capture") for name in OPERATORS])
    server = launched(driver, capture, capture / "overlay")
    server.round(LOAD)
    server.generate(PROMPTS)
    time.sleep(2.5)  # reports are written once a second
    server.close()
    samples = CaptureFolder(capture / "reports")
    captured = samples.operators()
    assert set(captured) == set(OPERATORS)
    with ForkServer(engine.python) as fork_server:
        return {
            name: write_captured_task(run.root, "0123456789abcdef", FAMILIES[name], it, samples, fork_server, 1)
            for name, it in captured.items()
        }


def launched(driver: LiveDriver, folder: Path, overlay: Path) -> LiveServer:
    folder.mkdir(parents=True, exist_ok=True)
    hosts: list[HostSample] = []
    request = LaunchRequest(
        folder.name,
        "live",
        ServerConfig(),
        "shipped",
        folder / "server.log",
        hosts.append,
        overlay,
        reports=folder / "reports",
    )
    (server,) = driver.launch([request])
    assert isinstance(server, LiveServer), server
    return server


def test_a_task_holds_the_servers_own_shapes_and_answers(tasks: dict[str, TaskFolder]) -> None:
    shapes = {name: {shape.key: shape for shape in folder.task.shapes} for name, folder in tasks.items()}
    assert shapes["rms_norm"]["48x64"].phase == "decode"  # 12 requests of 4 heads: the norm of the queries
    assert any(entry.phase == "prefill" and not entry.held_out for entry in shapes["fused_add_rms_norm"].values())
    assert all("x4x2x64x" in key and it.phase == "decode" for key, it in shapes["decode_attention"].items())
    assert tasks["rms_norm"].task.live_source.path == "sglang/srt/layers/layernorm.py"
    assert sum(item.held_out for item in shapes["silu_and_mul"].values()) >= 1


def test_kernels_are_right_on_what_the_server_was_asked(tasks: dict[str, TaskFolder], engine: Engine) -> None:
    compiler = Compiler()
    with ForkServer(engine.python) as fork_server:
        for name, folder in tasks.items():
            compiled = compiler.compile(render(FAMILIES[name], "bfloat16"))
            assert isinstance(compiled, Compiled)
            keys = [shape.key for shape in folder.task.shapes]
            tried = qualify(folder, kernel_candidate(compiled), fork_server, keys, 1)
            assert tried.ok, (name, tried.why)


@pytest.mark.parametrize(
    "names", [pytest.param(APART, id="apart", marks=pytest.mark.long), pytest.param(TOGETHER, id="together")]
)
def test_all_of_them_answer_in_a_real_server_as_the_live_ones_do(
    driver: LiveDriver, run: RunFolder, tasks: dict[str, TaskFolder], names: tuple[str, ...]
) -> None:
    overlays = {}
    for name in names:
        folder = tasks[name]
        source = render(FAMILIES[name], "bfloat16")
        write_once(folder.kernel_file(source.implementation), source.text.encode())
        overlays[name] = part_of(FAMILIES[name], source, 1)
    lever, comparison = Lever(overlays=overlays), run.root / "comparisons" / f"patch-{names[0]}"
    lay(run, comparison, lever)
    watched = launched(driver, comparison / "reference", comparison / WATCH_FOLDER)
    replaced = launched(driver, comparison / "candidate", comparison / OVERLAY_FOLDER)
    for server in (watched, replaced):
        server.round(LOAD)
    prove_overlays(lever, replaced)
    state, before = replaced.overlay(), watched.overlay()
    markers = {marker.name: marker for marker in state.markers}
    for name, part in overlays.items():
        assert markers[name].resolved == part.implementation
        assert markers[name].eager_calls > 0
        assert markers[name].worker == "tp0"
        assert markers[name].error_vs_live is not None
        assert markers[name].error_vs_live < 2 * FAMILIES[name].allowed["bfloat16"].relative_error
        assert before.modules[name] == tasks[name].task.live_source.digest
        assert state.modules[name] == part.source_digest
    assert replaced.identity.env["PYTHONPATH"].split(":")[0] == "<overlay>"
    assert replaced.identity.env["BANKABLE_OVERLAY_REPORTS"] == "<reports>"
    same = [
        a.token_ids == b.token_ids
        for a, b in zip(*(entry.generate(PROMPTS) for entry in (watched, replaced)), strict=True)
    ]
    assert sum(same) >= DETERMINISTIC * len(same)
    for server in (watched, replaced):
        server.close()
