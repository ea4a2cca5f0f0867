"""The same code in front of real sglang and the shipped model: minutes, run with ``pytest -m live``."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import psutil
import pytest

from bankable.tools.evidence.records import BenchRun, HostSample, RoundStamp, ServerConfig, Workload
from bankable.tools.serving.driver import LaunchFailed, LaunchRequest, ProbePrompt, RoundLoad
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.live import LiveDriver, LiveServer

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tools" / "model" / "shipped"
QUESTIONS = MODEL / "questions_heldout.jsonl"
LOAD = RoundLoad(Workload(), seed=11, index=0)

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def pair(driver: LiveDriver, tmp_path_factory: pytest.TempPathFactory) -> tuple[LiveServer, LiveServer]:
    """Two equal servers, started at once."""
    folder = tmp_path_factory.mktemp("pair")
    one, two = driver.launch([asked(folder / name, ServerConfig()) for name in ("reference", "candidate")])
    assert isinstance(one, LiveServer), one
    assert isinstance(two, LiveServer), two
    return one, two


def asked(folder: Path, config: ServerConfig) -> LaunchRequest:
    samples: list[HostSample] = []
    return LaunchRequest(folder.name, "live", config, "shipped", folder / "server.log", samples.append)


def test_the_engine_is_the_real_one(engine: Engine) -> None:
    assert engine.sglang.startswith("0.5.")
    assert {"chunked_prefill_size", "disable_radix_cache", "stream_interval"} <= engine.flags


def test_a_round_gives_a_record_that_evidence_can_hold(pair: tuple[LiveServer, LiveServer]) -> None:
    one, two = pair
    result = one.round(LOAD, [two])
    stamp = RoundStamp(
        leg_id="b00-reference",
        index=0,
        seed=11,
        started=result.started,
        ended=result.ended,
        request_digest=result.request_digest,
        issued=result.issued,
        cpu_s=result.cpu_s,
        peer_cpu_s=result.peer_cpu_s,
        flushed=result.flushed,
    )
    run = BenchRun.model_validate(result.record | {"bankable": stamp})
    assert run.completed == result.issued == 48
    assert set(run.input_lens) == {128}
    assert set(run.output_lens) == {32}
    assert not any(run.errors)
    assert run.cached_tokens == [0] * 48
    assert run.server_info["attention_backend"] == "torch_native"
    assert result.flushed
    assert result.peer_cpu_s is not None
    assert result.peer_cpu_s < 0.2 * result.cpu_s


def test_both_servers_get_the_same_requests(pair: tuple[LiveServer, LiveServer]) -> None:
    assert len({server.round(LOAD).request_digest for server in pair}) == 1


def test_no_prompt_of_random_ids_finds_another_in_the_cache(pair: tuple[LiveServer, LiveServer]) -> None:
    """200 prompts that begin at one of 1024 ids: drawn as they are, about forty would begin where another did."""
    load = RoundLoad(Workload(num_prompts=200, input_len=16, output_len=1, concurrency=4), seed=3, index=0)
    record = pair[0].round(load).record
    assert record["completed"] == 200
    assert record["cached_tokens"] == [0] * 200


def test_greedy_answers_are_the_same_on_both_servers(pair: tuple[LiveServer, LiveServer]) -> None:
    prompts = [ProbePrompt("p1", "Question: How many", 16)]
    first, second, again = pair[0].generate(prompts), pair[1].generate(prompts), pair[0].generate(prompts)
    assert first[0].error is None
    assert first[0].token_ids == second[0].token_ids == again[0].token_ids


def test_questions_can_be_the_load(pair: tuple[LiveServer, LiveServer]) -> None:
    workload = Workload(dataset="questions", dataset_path=str(QUESTIONS), num_prompts=8, output_len=8, concurrency=4)
    result = pair[0].round(RoundLoad(workload, seed=3, index=0))
    assert result.record["completed"] == 8
    assert set(result.record["output_lens"]) == {8}


def test_a_file_of_conversations_can_be_the_load(pair: tuple[LiveServer, LiveServer], tmp_path: Path) -> None:
    path = tmp_path / "sharegpt.json"
    lengths = [12 + index for index in range(20)]
    talks = [[("human", f"Question {n}: " + "apples " * n), ("gpt", "seven " * n)] for n in lengths]
    path.write_text(
        json.dumps([{"conversations": [{"from": who, "value": said} for who, said in talk]} for talk in talks])
    )
    workload = Workload(dataset="sharegpt", dataset_path=str(path), num_prompts=8, output_len=8, concurrency=4)
    result, again = (server.round(RoundLoad(workload, seed=3, index=0)) for server in pair)
    assert result.record["completed"] == 8
    assert set(result.record["output_lens"]) == {8}
    assert len(set(result.record["input_lens"])) > 1
    assert result.request_digest == again.request_digest


def test_arrivals_at_a_rate_are_spread_over_time(pair: tuple[LiveServer, LiveServer]) -> None:
    """Twenty requests at four a second: the gaps add up to about five seconds, whatever the server does."""
    workload = Workload(num_prompts=20, request_rate=4.0, output_len=8, concurrency=20)
    at_a_rate = pair[0].round(RoundLoad(workload, seed=3, index=0))
    at_once = pair[0].round(RoundLoad(workload.model_copy(update={"request_rate": None}), seed=3, index=0))
    assert at_a_rate.record["completed"] == at_once.record["completed"] == 20
    assert at_a_rate.record["request_rate"] == 4.0
    assert at_a_rate.record["duration"] > at_once.record["duration"]


def test_a_profile_is_a_chrome_trace_with_shapes(pair: tuple[LiveServer, LiveServer], tmp_path: Path) -> None:
    (trace,) = pair[0].profile(RoundLoad(Workload(output_len=64), seed=5, index=0), 5, tmp_path)
    with gzip.open(trace) as source:
        events = json.load(source)["traceEvents"]
    assert any(event.get("args", {}).get("Input Dims") for event in events)


def test_the_load_worker_is_lean(driver: LiveDriver, pair: tuple[LiveServer, LiveServer]) -> None:
    pair[0].round(LOAD)
    assert driver._worker.pid is not None
    assert psutil.Process(driver._worker.pid).memory_info().rss < 300 * 2**20


def test_a_bad_value_is_a_bad_flag(driver: LiveDriver, tmp_path: Path) -> None:
    (result,) = driver.launch([asked(tmp_path, ServerConfig(flags={"schedule_policy": "sideways"}))])
    assert isinstance(result, LaunchFailed)
    assert result.failure.kind == "bad_flag"
    assert "--schedule-policy" in result.failure.line


def test_damaged_weights_are_named_in_the_failure(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    with LiveDriver(engine, folder) as driver:
        (result,) = driver.launch([asked(tmp_path / "leg", ServerConfig())])
    assert isinstance(result, LaunchFailed)
    assert result.failure.kind == "died_early"
    assert "Safetensor" in result.failure.line
