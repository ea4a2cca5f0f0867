"""The HTTP client against servers that do not behave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bankable.tools.serving import client as module
from bankable.tools.serving.client import ServerClient, ServerUnreachable


@contextmanager
def serving(body: bytes, status: int = 200, pause_s: float = 0.0, pieces: int = 1) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) * pieces))
            self.end_headers()
            try:
                for _ in range(pieces):
                    self.wfile.write(body)
                    time.sleep(pause_s)
            except OSError:
                return

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"\xff", b""])
def test_an_answer_that_is_no_json_object_is_no_answer(body: bytes) -> None:
    with serving(body) as url, ServerClient(url) as client, pytest.raises(ServerUnreachable, match="JSON"):
        client.server_info()


def test_an_error_status_is_reported_with_what_the_server_said() -> None:
    with (
        serving(b"out of luck", status=500) as url,
        ServerClient(url) as client,
        pytest.raises(ServerUnreachable, match="status 500 out of luck"),
    ):
        client.generate("hello", 4)


def test_a_server_that_is_not_there() -> None:
    with ServerClient("http://127.0.0.1:9") as client:
        assert not client.answers()
        assert not client.healthy(timeout_s=1.0)
        assert not client.flush_cache(timeout_s=0.3)


def test_an_answer_that_never_ends_is_cut_by_time() -> None:
    # Every piece comes within the read time-out, so only a limit on the whole answer helps.
    with serving(b"x", pause_s=0.1, pieces=100) as url, ServerClient(url) as client:
        begun = time.monotonic()
        with pytest.raises(ServerUnreachable, match="no complete answer within 1 s"):
            client.server_info(timeout_s=1.0)
        assert time.monotonic() - begun < 5


def test_an_answer_that_never_ends_is_cut_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT", 1000)
    with (
        serving(b"x" * 100, pieces=50) as url,
        ServerClient(url) as client,
        pytest.raises(ServerUnreachable, match="larger than 1000 bytes"),
    ):
        client.server_info()


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serving(b'{"version": "1"}') as url, ServerClient(url) as client:
        assert client.server_info() == {"version": "1"}
