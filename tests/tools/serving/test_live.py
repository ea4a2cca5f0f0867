"""Launching, loading and losing servers: real processes and real HTTP, a fake engine behind them."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.tools.evidence.records import HostSample, ServerConfig, Workload
from bankable.tools.serving import group
from bankable.tools.serving.driver import (
    AccuracyQuestion,
    LaunchFailed,
    LaunchRequest,
    ProbePrompt,
    RoundFailed,
    RoundLoad,
    StopRequested,
)
from bankable.tools.serving.live import LiveDriver, LiveServer

LOAD = RoundLoad(Workload(num_prompts=8, input_len=4, output_len=3, concurrency=2), seed=7, index=0)


def request(
    folder: Path,
    mode: str = "healthy",
    name: str = "b00-reference",
    samples: list[HostSample] | None = None,
    **env: str,
) -> LaunchRequest:
    return LaunchRequest(
        leg_id=name,
        comparison="control",
        config=ServerConfig(env={"FAKE_MODE": mode, **env}),
        model="fake",
        log=folder / name / "server.log",
        on_host_sample=(samples if samples is not None else []).append,
    )


def up(driver: LiveDriver, folder: Path, mode: str = "healthy", name: str = "b00-reference") -> LiveServer:
    (server,) = driver.launch([request(folder, mode, name)])
    assert isinstance(server, LiveServer), server
    return server


@pytest.fixture(scope="module")
def healthy(driver: LiveDriver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests that leave it as it was."""
    server = up(driver, tmp_path_factory.mktemp("healthy"))
    yield server
    server.close()


def failed(driver: LiveDriver, asked: LaunchRequest) -> LaunchFailed:
    (result,) = driver.launch([asked])
    assert isinstance(result, LaunchFailed)
    return result


def test_a_launch_reports_what_was_really_started(driver: LiveDriver, tmp_path: Path) -> None:
    server = up(driver, tmp_path)
    identity, info = server.identity, server.server_info()
    assert identity.argv[0] == "sglang.launch_server"
    assert identity.argv[1:] == info["argv"]
    assert identity.pid == group.members(identity.pid)[0].group
    assert identity.launched_at < identity.ready_at <= time.time()
    assert (identity.device, identity.lifecycle) == ("cpu", "fresh")
    assert identity.engine.tree_digest is not None
    assert identity.env["FAKE_MODE"] == "healthy"
    assert (tmp_path / "b00-reference" / "server.log").read_text().startswith("server starting")


def test_no_secret_of_the_caller_and_no_repository_path_reaches_the_server(
    driver: LiveDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    info = up(driver, tmp_path).server_info()
    assert "secret" not in str(info["environment"])
    assert info["environment"]["PYTHONSAFEPATH"] == "1"
    assert info["environment"]["HF_HUB_OFFLINE"] == "1"
    repository = str(Path(__file__).resolve().parents[3])
    assert not info["cwd"].startswith(repository)
    assert repository not in info["environment"]["PYTHONPATH"].split(":")
    assert info["host"] == "127.0.0.1"
    assert info["trust_remote_code"] is False


def test_a_round_returns_the_record_and_what_was_seen_around_it(healthy: LiveServer) -> None:
    result = healthy.round(LOAD)
    assert result.issued == result.record["completed"] == 8
    assert result.record["total_output_tokens"] == 24
    assert result.started < result.ended
    assert result.flushed
    assert result.cpu_s >= 0.03  # eight requests burn 5 ms each
    assert result.peer_cpu_s is None


def test_the_request_digest_depends_on_the_prompts_and_not_on_the_server(
    driver: LiveDriver, healthy: LiveServer, tmp_path: Path
) -> None:
    first, second = healthy, up(driver, tmp_path)
    same = {first.round(LOAD).request_digest, second.round(LOAD).request_digest}
    assert len(same) == 1
    assert first.round(RoundLoad(LOAD.workload, seed=8, index=1)).request_digest not in same


def test_co_resident_servers_start_together_and_the_idle_one_is_watched(driver: LiveDriver, tmp_path: Path) -> None:
    asked = [request(tmp_path, name="b00-reference"), request(tmp_path, name="b00-candidate")]
    one, two = driver.launch(asked)
    assert isinstance(one, LiveServer)
    assert isinstance(two, LiveServer)
    assert one.url != two.url
    result = one.round(LOAD, [two])
    assert result.peer_cpu_s is not None
    assert result.peer_cpu_s < result.cpu_s


def test_a_cache_that_cannot_be_flushed_is_on_record(driver: LiveDriver, tmp_path: Path) -> None:
    server = up(driver, tmp_path, "never_idle")
    server._client.flush_cache = lambda timeout_s=0.3: False
    assert server.round(LOAD).flushed is False


def test_greedy_answers_carry_token_ids_and_errors(driver: LiveDriver, healthy: LiveServer, tmp_path: Path) -> None:
    (good,) = healthy.generate([ProbePrompt("p1", "Hello", 4)], repeat=1)
    assert (good.prompt_id, good.repeat, good.token_ids, good.finish_reason) == ("p1", 1, [0, 1, 2, 3], "length")
    (bad,) = up(driver, tmp_path, "refuse", "b01").generate([ProbePrompt("p1", "Hello", 4)])
    assert bad.error is not None
    assert "500" in bad.error
    assert bad.token_ids == []


def test_questions_are_right_wrong_or_an_error(driver: LiveDriver, healthy: LiveServer, tmp_path: Path) -> None:
    questions = [
        AccuracyQuestion("q1", ProbePrompt("q1", "How many eggs?", 4), "18"),
        AccuracyQuestion("q2", ProbePrompt("q2", "Cars?", 4), "3"),
    ]
    right, wrong = healthy.answer(questions)
    assert (right.correct, right.predicted, right.error) == (True, "18", None)
    assert (wrong.correct, wrong.predicted, wrong.error) == (False, None, None)
    broken = up(driver, tmp_path, "refuse", "b01").answer(questions)
    assert [answer.correct for answer in broken] == [False, False]
    assert all(answer.error for answer in broken)


def test_a_profile_returns_the_traces_that_the_server_wrote(healthy: LiveServer, tmp_path: Path) -> None:
    (trace,) = healthy.profile(LOAD, 5, tmp_path / "profile")
    assert trace.name == "1-TP-0.trace.json.gz"
    assert json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"] == [{"steps": 5, "shapes": True}]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.", "out_of_memory"),
        ("[Errno 98] error while attempting to bind on address ('127.0.0.1', 1): address already in use", "port_taken"),
        ("launch_server.py: error: argument --device: invalid choice: 'moon'", "bad_flag"),
        ("ValueError: something else", "died_early"),
    ],
)
def test_a_server_that_dies_early_says_why(driver: LiveDriver, tmp_path: Path, line: str, kind: str) -> None:
    said = tmp_path / "said.txt"
    said.write_text(f"loading\n{line}\n")
    failure = failed(driver, request(tmp_path, "die_early", FAKE_LOG=str(said))).failure
    assert (failure.kind, failure.line, failure.line_number) == (kind, line, 3)


def test_a_server_killed_while_it_starts_ran_out_of_memory(driver: LiveDriver, tmp_path: Path) -> None:
    assert failed(driver, request(tmp_path, "killed")).failure.kind == "out_of_memory"


def test_a_flag_that_the_engine_does_not_have_is_refused_without_a_start(driver: LiveDriver, tmp_path: Path) -> None:
    asked = LaunchRequest("b00", "c", ServerConfig(flags={"warp_speed": 9}), "fake", tmp_path / "server.log", print)
    failure = failed(driver, asked).failure
    assert (failure.kind, failure.line) == ("bad_flag", "this engine has no flag --warp-speed")
    assert not (tmp_path / "server.log").exists()


@pytest.mark.parametrize("mode", ["never_listen", "hang_health"])
def test_a_server_that_never_gets_ready_is_stalled_and_stopped(
    impatient: LiveDriver, tmp_path: Path, mode: str
) -> None:
    begun = time.monotonic()
    failure = failed(impatient, request(tmp_path, mode)).failure
    assert failure.kind == "stalled"
    assert "server starting" in failure.line
    assert time.monotonic() - begun < 40
    assert not group.living(impatient._processes[0].pid)


def test_one_failed_launch_leaves_the_other_server_usable(driver: LiveDriver, tmp_path: Path) -> None:
    good, bad = driver.launch([request(tmp_path, name="good"), request(tmp_path, "killed", name="bad")])
    assert isinstance(bad, LaunchFailed)
    assert isinstance(good, LiveServer)
    assert good.round(LOAD).issued == 8


def test_a_server_that_dies_in_a_round_is_noticed_and_the_next_one_works(driver: LiveDriver, tmp_path: Path) -> None:
    server = up(driver, tmp_path, "die_in_round")
    with pytest.raises(RoundFailed) as caught:
        server.round(LOAD)
    assert caught.value.failure.kind == "died_in_round"
    assert caught.value.failure.line == "RuntimeError: scheduler hit an exception"
    assert up(driver, tmp_path, name="b01").round(LOAD).issued == 8


def test_a_server_that_hangs_in_a_round_is_noticed_and_the_next_one_works(
    impatient: LiveDriver, tmp_path: Path
) -> None:
    server = up(impatient, tmp_path, "hang_in_round")
    begun = time.monotonic()
    with pytest.raises(RoundFailed) as caught:
        server.round(LOAD)
    assert caught.value.failure.kind == "hung_in_round"
    assert time.monotonic() - begun < 20
    server.close()
    assert up(impatient, tmp_path, name="b01").round(LOAD).issued == 8


def test_a_server_killed_from_outside_in_a_round_is_noticed(impatient: LiveDriver, tmp_path: Path) -> None:
    server = up(impatient, tmp_path, "hang_in_round")
    threading.Timer(1.0, os.killpg, (server.identity.pid, signal.SIGKILL)).start()
    with pytest.raises(RoundFailed) as caught:
        server.round(LOAD)
    assert caught.value.failure.kind == "died_in_round"


def test_a_benchmark_that_fails_is_not_the_servers_fault(healthy: LiveServer) -> None:
    with pytest.raises(RoundFailed) as caught:
        healthy.round(RoundLoad(LOAD.workload, seed=666, index=0))
    assert (caught.value.failure.kind, caught.value.failure.line) == ("not_recorded", "benchmark stopped with status 3")
    assert healthy.round(LOAD).issued == 8


def test_a_load_worker_that_is_killed_is_replaced(driver: LiveDriver, healthy: LiveServer) -> None:
    healthy.round(LOAD)
    pid = driver._worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert healthy.round(LOAD).issued == 8
    assert driver._worker.pid != pid


@pytest.mark.parametrize("mode", ["never_listen", "hang_health"])
def test_a_stop_request_ends_a_launch_soon(driver: LiveDriver, tmp_path: Path, mode: str) -> None:
    threading.Timer(1.0, driver.stop.set).start()
    begun = time.monotonic()
    try:
        with pytest.raises(StopRequested):
            driver.launch([request(tmp_path, mode, f"stop-{mode}")])
    finally:
        driver.stop.clear()
    assert time.monotonic() - begun < 20  # its own patience is a minute
    assert not group.living(driver._processes[-1].pid)


def test_a_stop_request_ends_a_round_soon(impatient: LiveDriver, tmp_path: Path) -> None:
    server = up(impatient, tmp_path, "hang_in_round")
    threading.Timer(0.5, impatient.stop.set).start()
    begun = time.monotonic()
    with pytest.raises(StopRequested):
        server.round(LOAD)
    assert time.monotonic() - begun < 10


def test_close_leaves_no_process_even_of_a_stubborn_server(driver: LiveDriver, tmp_path: Path) -> None:
    server = up(driver, tmp_path, "stubborn")
    deadline = time.monotonic() + 5
    while len(group.living(server.identity.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(group.living(server.identity.pid)) == 2
    stopped_at = server.close()
    assert group.living(server.identity.pid) == []
    assert server.close() == stopped_at
    assert not (tmp_path / "b00-reference" / "server.pid").exists()


def test_host_samples_arrive_while_the_server_is_up_and_not_after(driver: LiveDriver, tmp_path: Path) -> None:
    samples: list[HostSample] = []
    (server,) = driver.launch([request(tmp_path, samples=samples)])
    assert isinstance(server, LiveServer)
    deadline = time.monotonic() + 5
    while len(samples) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(samples) >= 2
    server.close()
    time.sleep(0.1)
    count = len(samples)
    time.sleep(1.5)
    assert len(samples) == count


def test_a_killed_orchestrator_leaves_no_server(interpreter: Path, model: Path, tmp_path: Path) -> None:
    program = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r})
from pathlib import Path
from bankable.tools.evidence.records import ServerConfig
from bankable.tools.serving.driver import LaunchRequest
from bankable.tools.serving.engine import find_engine
from bankable.tools.serving.live import LiveDriver
driver = LiveDriver(find_engine(Path({str(interpreter)!r})), Path({str(model)!r}))
config = ServerConfig(env={{"FAKE_MODE": "stubborn"}})
log = Path({str(tmp_path)!r}) / "server.log"
(server,) = driver.launch([LaunchRequest("b00", "c", config, "m", log, lambda sample: None)])
print(server.identity.pid, driver._worker.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    groups = [int(pid) for pid in done.stdout.split()]
    deadline = time.monotonic() + 10
    while any(group.living(pid) for pid in groups) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [group.living(pid) for pid in groups] == [[], []]
