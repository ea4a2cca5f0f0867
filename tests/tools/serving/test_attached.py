"""A server that somebody else started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import ServerConfig, Workload
from bankable.tools.serving.attached import AttachedDriver, AttachedServer, check_url
from bankable.tools.serving.client import ServerClient
from bankable.tools.serving.driver import LaunchFailed, LaunchRequest, RoundFailed, RoundLoad
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.ports import hold_port
from bankable.tools.serving.process import ServerProcess, start

LOAD = RoundLoad(Workload(num_prompts=6, input_len=4, output_len=3, concurrency=2), seed=7, index=0)


@pytest.fixture
def theirs(engine: Engine, model: Path, tmp_path: Path) -> Iterator[tuple[str, ServerProcess]]:
    """A running server, started outside of any driver."""
    with hold_port() as held:
        url = f"http://127.0.0.1:{held.port}"
        script = tmp_path / "start.py"
        script.write_text(
            "import runpy, sys\ndel sys.argv[1]\nrunpy.run_module('sglang.launch_server', run_name='__main__')\n"
        )
        flags = ["--model-path", str(model), "--host", "127.0.0.1", "--port", str(held.port), "--device", "cpu"]
        held.release()
        process = start([str(engine.python), str(script), *flags], dict(os.environ), tmp_path, tmp_path / "server.log")
    client = ServerClient(url)
    while not client.answers():
        assert process.exit_status() is None
    client.close()
    yield url, process
    process.stop(0.2)


def asked(config: ServerConfig | None = None) -> LaunchRequest:
    return LaunchRequest("b00", "c", config or ServerConfig(), "m", Path("unused.log"), lambda sample: None)


def test_an_attached_server_is_loaded_and_never_stopped(engine: Engine, theirs: tuple[str, ServerProcess]) -> None:
    url, process = theirs
    with AttachedDriver(engine, url) as driver:
        assert (driver.kind, driver.can_launch, driver.device) == ("attached", False, "cpu")
        (server,) = driver.launch([asked()])
        assert isinstance(server, AttachedServer)
        identity = server.identity
        assert (identity.lifecycle, identity.pid, identity.argv, identity.model_digest) == ("attached", 0, [], None)
        assert identity.engine.sglang == "fake"
        result = server.round(LOAD)
        assert (result.issued, result.cpu_s, result.peer_cpu_s) == (6, 0.0, None)
        assert server.close() == server.close()
    assert process.exit_status() is None


def test_it_cannot_be_configured_or_launched_twice(engine: Engine, theirs: tuple[str, ServerProcess]) -> None:
    with AttachedDriver(engine, theirs[0]) as driver:
        results = driver.launch([asked(ServerConfig(flags={"sleep_on_idle": True}))]) + driver.launch(
            [asked(), asked()]
        )
        assert [isinstance(result, LaunchFailed) and result.failure.kind for result in results] == ["unsupported"] * 3


def test_its_death_in_a_round_is_noticed(engine: Engine, theirs: tuple[str, ServerProcess]) -> None:
    url, process = theirs
    with AttachedDriver(engine, url) as driver:
        (server,) = driver.launch([asked()])
        assert isinstance(server, AttachedServer)
        process.stop(0.1)
        with pytest.raises(RoundFailed) as caught:
            server.round(LOAD)
        assert caught.value.failure.kind == "died_in_round"


def test_a_server_that_does_not_answer_is_a_users_mistake(engine: Engine) -> None:
    with pytest.raises(UserError, match="does not answer"):
        AttachedDriver(engine, "http://127.0.0.1:9")


@pytest.mark.parametrize("url", ["http://127.0.0.1:30000", "http://localhost:30000/", "http://[::1]:30000/v1?x=1"])
def test_loopback_urls_are_usable(url: str) -> None:
    assert check_url(url).endswith(":30000")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://10.0.0.1:30000", "not on this machine"),
        ("http://localhost.example.com", "not on this machine"),
        ("http://127.0.0.1.example.com", "not on this machine"),
        ("ftp://127.0.0.1", "not usable"),
        ("http://user:secret@127.0.0.1", "not usable"),
        ("127.0.0.1:30000", "not usable|cannot be read"),
        ("http://", "not usable"),
        ("http://127.0.0.1:notaport", "cannot be read"),
    ],
)
def test_other_urls_are_refused(url: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_url(url)


def test_a_remote_server_can_be_allowed() -> None:
    assert check_url("https://gpu.example.com:30000/", allow_remote=True) == "https://gpu.example.com:30000"
