"""Real HTTP servers on loopback: one that takes LangSmith's uploads, one that collects OTLP. They keep every byte."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bankable.tools.loopback import Loopback

PROJECT_ID = "5a4d5e2c-7b9c-4c52-8c1e-1d1f0d0d0d0d"
Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request, as it arrived; the body is decompressed."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def everything(self) -> bytes:
        """All that was sent, but for the key in its own header."""
        head = [f"{name}: {value}" for name, value in self.headers.items() if name != "x-api-key"]
        return "\n".join([self.path, *head]).encode() + b"\n" + self.body


class Server(Loopback):
    """Use as a context manager. ``status``: answered to all but ``/info``; ``delay_s``: silence before any answer."""

    def __init__(self, status: int = 200, delay_s: float = 0.0) -> None:
        self.status, self.delay_s = status, delay_s
        self.requests: list[Request] = []
        self.location = ""
        super().__init__(self._handler())

    @property
    def url(self) -> str:
        return self.address

    @property
    def everything(self) -> bytes:
        return b"\n".join(request.everything for request in self.requests)

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Status and body."""
        return self.status, b"{}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if headers.get("content-encoding") == "zstd":
                    import zstandard

                    body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
                request = Request(self.command, self.path, headers, body)
                with server._lock:
                    server.requests.append(request)
                server._stop.wait(server.delay_s)
                status, told = server.answer(request)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(told)))
                if server.location:
                    self.send_header("location", server.location)
                self.end_headers()
                with contextlib.suppress(OSError):  # the client has gone, which is often the point
                    self.wfile.write(told)

            do_GET = do_POST = do_PATCH = do_CONNECT = _any  # noqa: N815 - names that the library looks for

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@dataclass
class Run:
    """A LangSmith run, put together from what was posted and patched."""

    fields: Json = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return self.fields.get(name)

    @property
    def metadata(self) -> Json:
        return dict(self.fields.get("extra", {}).get("metadata", {}))


class LangSmithServer(Server):
    """Speaks ``/info``, ``/sessions``, ``/runs``, ``/runs/batch``, ``/runs/multipart`` and ``/feedback``."""

    def __init__(self, status: int = 200, delay_s: float = 0.0) -> None:
        super().__init__(status, delay_s)
        self.runs: dict[str, Run] = {}
        self.feedback: list[Json] = []
        self.find_project, self.multipart = True, True

    def answer(self, request: Request) -> tuple[int, bytes]:
        path = urlsplit(request.path).path
        if path == "/info":
            told: Any = {"version": "0.13.0", "batch_ingest_config": {"use_multipart_endpoint": True}}
            return 200, json.dumps(told).encode()
        if self.status != 200:
            return self.status, b'{"detail": "no"}'
        if path == "/sessions":
            if not self.runs or not self.find_project:
                return 200, b"[]"
            found = {"id": PROJECT_ID, "name": "bankable", "tenant_id": PROJECT_ID, "reference_dataset_id": None}
            return 200, json.dumps([found]).encode()
        if path == "/runs/multipart" and self.multipart:
            self._multipart(request)
        elif path == "/runs/batch":
            body = json.loads(request.body)
            for entry in (*body.get("post", []), *body.get("patch", [])):
                self._merge(entry["id"], entry)
        elif path == "/runs" or request.method == "PATCH":
            it = json.loads(request.body)
            self._merge(it["id"], it)
        elif path == "/feedback":
            self.feedback.append(json.loads(request.body))
        else:
            return 404, b"{}"
        return 202, b"{}"

    def _multipart(self, request: Request) -> None:
        head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
        for part in BytesParser(policy=HTTP).parsebytes(head + request.body).iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            value = json.loads(part.get_payload(decode=True) or b"null")
            _, number, *field_ = name.split(".")
            self._merge(number, {field_[0]: value} if field_ else value)

    def _merge(self, number: str, fields: Json) -> None:
        run = self.runs.setdefault(number, Run())
        run.fields |= {name: value for name, value in fields.items() if value is not None}

    def find(self, *tags: str) -> list[Run]:
        """Runs with all of these tags, in the order in which they began: what LangSmith's filter of tags finds."""
        found = [run for run in self.runs.values() if set(tags) <= set(run.tags or [])]
        return sorted(found, key=lambda run: str(run.dotted_order))

    def child_of(self, run: Run) -> list[Run]:
        """Runs directly beneath this one."""
        return [entry for entry in self.runs.values() if entry.parent_run_id == run.id]


class Collector(Server):
    """Takes OTLP over HTTP at ``/v1/traces``."""

    @property
    def spans(self) -> list[Any]:
        found = []
        for request in self.requests:
            assert request.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def answer(self, request: Request) -> tuple[int, bytes]:
        return self.status, b""


def attributes(span: Any) -> Json:
    """Of a span or an event, as plain values."""
    return {attribute.key: _value(attribute.value) for attribute in span.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(entry) for entry in value.array_value.values]
    return getattr(value, kind)


def wait_until(reached: Any, seconds: float = 10.0) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert reached()
