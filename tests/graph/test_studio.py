"""The machine in the LangGraph development server: it opens, it starts nothing, and it calls nobody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from bankable.graph.machine import build
from bankable.graph.studio import machine
from tests.graph.conftest import ROOT
from tests.tools.tracing.servers import LangSmithServer, Server

CLI = Path(sys.executable).with_name("langgraph")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, LangSmithServer, Server]]:
    """Its address, a LangSmith that the environment asks for, and a proxy that sees whatever else is called."""
    with socket.socket() as free, LangSmithServer() as wanted, Server(502) as way_out:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        env = {
            **os.environ,
            "LANGGRAPH_CLI_NO_ANALYTICS": "1",
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_API_KEY": "lsv2_pt_canary",
            "LANGSMITH_ENDPOINT": wanted.url,
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), way_out.url),
            "NO_PROXY": "127.0.0.1",
        }
        words = ("dev", "--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", str(port))
        log = tmp_path_factory.mktemp("studio") / "log"
        with log.open("wb") as stream:
            child = subprocess.Popen(
                [CLI, *words, "--config", "graph/langgraph.json"],
                cwd=ROOT,
                env=env,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 90
            while not _up(url):
                assert child.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield url, wanted, way_out
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            child.wait(30)


def _up(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{url}/ok", timeout=2).status == 200)
    except OSError:
        return False


def asked(url: str, body: bytes | None = None) -> object:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    return orjson.loads(urllib.request.urlopen(request, timeout=20).read())


def test_the_server_shows_the_machine_with_verdicts_on_its_edges(
    opened: tuple[str, LangSmithServer, Server],
) -> None:
    url, _, _ = opened
    (assistant,) = asked(f"{url}/assistants/search", b"{}")  # type: ignore[misc]  # one, or the test fails
    assert assistant["graph_id"] == "bankable"
    shown = asked(f"{url}/assistants/{assistant['assistant_id']}/graph")
    drawn = build().get_graph()
    assert {node["id"] for node in shown["nodes"]} == set(drawn.nodes)  # type: ignore[index]  # a JSON document
    edges = {(edge["source"], edge["target"]): edge.get("data") for edge in shown["edges"]}  # type: ignore[index]  # a JSON document
    assert edges == {(entry.source, entry.target): entry.data for entry in drawn.edges}
    assert edges["audit_patch", "bank"] == "PASS, FLAG, SKIPPED"


def test_it_is_silent_whatever_the_environment_says(opened: tuple[str, LangSmithServer, Server]) -> None:
    url, wanted, way_out = opened
    asked(f"{url}/assistants/search", b"{}")
    time.sleep(1.0)
    assert wanted.requests == []
    assert way_out.requests == []
    through = urllib.request.build_opener(urllib.request.ProxyHandler({"http": way_out.url}))
    with pytest.raises(urllib.error.HTTPError):
        through.open("http://pypi.example/", timeout=5)
    assert len(way_out.requests) == 1  # it would have been seen


def test_the_factory_needs_no_run_and_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert machine().checkpointer is None
    assert list(tmp_path.iterdir()) == []
