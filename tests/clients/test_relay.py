"""The relay passes a stream on unchanged, and refuses just the requests that it was asked to."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.clients.relay import Relay

STREAM = b"".join(b"data: %d\n\n" % number for number in range(100))


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(b"up")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])) + STREAM)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(f"http://127.0.0.1:{port}{path}", body), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


def test_every_third_request_for_text_after_the_first_is_refused(port: int) -> None:
    with Relay(port, fail_every=3, fail_from=1) as relay:
        answers = [ask(relay.port, "/v1/completions", b"%d:" % number) for number in range(7)]
        assert ask(relay.port, "/v1/models") == (200, b"up")
        assert (relay.requests, relay.refused) == (7, 2)
    assert [status for status, _ in answers] == [200, 200, 200, 500, 200, 200, 500]
    assert answers[4] == (200, b"4:" + STREAM)
