"""A real HTTP server on loopback that keeps what LangSmith would keep: datasets, examples, sessions, runs, feedback."""

from __future__ import annotations

import json
import threading
import uuid
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
NOW = "2026-01-01T00:00:00+00:00"


class Smith:
    """Use as a context manager. ``multipart``: speak the newer form of uploads. ``key``: the one that is taken."""

    def __init__(self, *, multipart: bool = True, key: str = "a-key") -> None:
        self.multipart, self.key = multipart, key
        self.datasets: dict[str, Json] = {}
        self.examples: dict[str, Json] = {}
        self.sessions: dict[str, Json] = {}
        self.runs: dict[str, Json] = {}
        self.feedback: dict[str, Json] = {}
        self.requests: list[tuple[str, str, bytes]] = []
        """(method, path, body)"""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path, _ in self.requests if method != "GET"]

    def __enter__(self) -> Smith:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, url: str, body: bytes, content_type: str) -> tuple[int, Any]:  # noqa: PLR0911  # a case an endpoint
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        self.requests.append((method, path, body))
        match method, path.strip("/").split("/"):
            case "GET", ["info"]:
                flags = {"dataset_examples_multipart_enabled": self.multipart}
                return 200, {"version": "0.13.0", "instance_flags": flags}
            case "GET", ["datasets"]:
                return 200, [dataset for dataset in self.datasets.values() if dataset["name"] == query["name"][0]]
            case "POST", ["datasets"]:
                sent = json.loads(body)
                found = {"id": str(uuid.uuid4()), "created_at": NOW, **sent, "metadata": sent["extra"]["metadata"]}
                return 200, self.datasets.setdefault(found["id"], found)
            case "GET", ["examples"]:
                mine = [example for example in self.examples.values() if example["dataset_id"] == query["dataset"][0]]
                start = int(query["offset"][0])
                return 200, mine[start : start + int(query["limit"][0])]
            case "POST" | "PATCH", ["examples", "bulk"] if not self.multipart:
                return self._examples(method, json.loads(body))
            case "POST" | "PATCH", [*_, "datasets", into, "examples"] if self.multipart:
                status, rows = self._examples(method, _parts(body, content_type, into))
                return status, {"example_ids": [row["id"] for row in rows], "count": len(rows)}
            case "POST", ["sessions"]:
                sent = json.loads(body)
                known = next((session for session in self.sessions.values() if session["name"] == sent["name"]), None)
                found = known or {**sent, "tenant_id": str(uuid.uuid4()), "start_time": NOW}
                return 200, self.sessions.setdefault(found["id"], found)
            case "POST", ["runs"]:
                return _once(self.runs, json.loads(body))
            case "POST", ["feedback"]:
                return _once(self.feedback, json.loads(body))
        return 404, {"detail": "nothing here"}

    def _examples(self, method: str, rows: list[Json]) -> tuple[int, Any]:
        for row in rows:
            known = self.examples.get(row["id"])
            if (method == "POST") != (known is None):
                return 409, {"detail": "there already, or not there"}
            self.examples[row["id"]] = {"created_at": NOW, **(known or {}), **row}
        return 200, rows

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        smith = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                with smith._lock:
                    if self.headers.get("x-api-key") != smith.key:
                        status, answer = 401, {"detail": "no"}
                    else:
                        kind = self.headers.get("content-type", "")
                        status, answer = smith.answer(self.command, self.path, body, kind)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _serve  # noqa: N815  # names of the library

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _once(into: dict[str, Json], sent: Json) -> tuple[int, Any]:
    if sent["id"] in into:
        return 409, {"detail": "there already"}
    into[sent["id"]] = sent
    return 200, {}


def _parts(body: bytes, content_type: str, into: str) -> list[Json]:
    """Examples from ``ID``, ``ID.inputs`` and ``ID.outputs`` parts."""
    found: dict[str, Json] = {}
    whole = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    for part in whole.get_payload():
        name = str(part.get_param("name", header="content-disposition"))
        value = json.loads(part.get_payload(decode=True))
        which, _, field = name.partition(".")
        row = found.setdefault(which, {"id": which, "dataset_id": into})
        row.update({field: value} if field else value)
    return list(found.values())
