"""A real HTTP server on loopback that answers chat completions from a script, and records every request."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from bankable.tools.loopback import Loopback

Json = dict[str, Any]


@dataclass(frozen=True)
class ChatRequest:
    """One request, as it arrived."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    raw: bytes

    @property
    def body(self) -> Json:
        return dict(json.loads(self.raw))

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])

    @property
    def told(self) -> list[str]:
        """What tools answered so far."""
        return [str(message["content"]) for message in self.body["messages"] if message["role"] == "tool"]

    @property
    def offered(self) -> list[str]:
        """Names of the tools that may be called."""
        return [str(tool["function"]["name"]) for tool in self.body.get("tools", [])]

    @property
    def everything(self) -> str:
        """Path, headers and content: where nothing secret may be found."""
        return "\n".join([self.path, *(f"{k}: {v}" for k, v in self.headers.items()), self.raw.decode()])


@dataclass(frozen=True)
class ChatReply:
    """What the server sends back."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    before_s: float = 0.0
    """Silence before the first byte."""
    drip_s: float = 0.0
    """Seconds between single bytes of the body."""
    drip_head: bool = False
    """Drip the status line too."""
    cut_after: int | None = None
    """Close the connection after so many bytes of the body, though more are announced."""
    endless: bool = False
    """No length is announced, and the body comes again and again."""


Script = Callable[[ChatRequest], ChatReply]


def completion(
    text: str | None, *, finish: str = "stop", usage: Json | bool | None = True, **message: Any
) -> ChatReply:
    """A chat completion with this text.

    ``usage``: the server's token counts; ``False`` leaves them out.
    """
    document: Json = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        ],
    }
    if usage is True:
        document["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    elif usage is not False:
        document["usage"] = usage
    return ChatReply(body=json.dumps(document).encode())


def says(value: Any, **options: Any) -> ChatReply:
    """A completion whose text is this value as JSON."""
    return completion(json.dumps(value), **options)


def refusal() -> ChatReply:
    return completion(None, refusal="I will not.")


def tool_call(name: str, arguments: Json | str | None = None) -> ChatReply:
    return tool_calls((name, arguments))


def tool_calls(*calls: tuple[str, Json | str | None]) -> ChatReply:
    """Calls of tools, with arguments as an object, or as text that may be no JSON."""
    made = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments or {}),
            },
        }
        for number, (name, arguments) in enumerate(calls)
    ]
    return completion(None, finish="tool_calls", tool_calls=made)


def error(status: int, message: str = "no", code: str | None = None, **headers: str) -> ChatReply:
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return ChatReply(status, json.dumps(body).encode(), {k.replace("_", "-"): v for k, v in headers.items()})


def page(text: str = "<html><body>Sign in</body></html>") -> ChatReply:
    return ChatReply(body=text.encode(), content_type="text/html")


class ScriptedEndpoint(Loopback):
    """Use as a context manager. Replies come from a function, or from a list whose last entry is repeated."""

    def __init__(self, script: Script | ChatReply | Iterable[ChatReply], port: int = 0) -> None:
        self._script = (
            script if callable(script) else _in_turn([script] if isinstance(script, ChatReply) else list(script))
        )
        self.requests: list[ChatRequest] = []
        super().__init__(self._handler(), port)

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def _answer(self, request: ChatRequest) -> ChatReply:
        with self._lock:
            self.requests.append(request)
            return self._script(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = ChatRequest(self.path, headers, self.rfile.read(length))
                with contextlib.suppress(OSError):  # the client has gone, which is often the point
                    self._send(endpoint._answer(request))
                self.close_connection = True

            def _send(self, reply: ChatReply) -> None:
                endpoint._stop.wait(reply.before_s)
                if reply.drip_head:
                    self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000, reply.drip_s)
                    return
                self.send_response(reply.status)
                self.send_header("content-type", reply.content_type)
                if not reply.endless:
                    self.send_header("content-length", str(len(reply.body)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if reply.cut_after is not None:
                    self.wfile.write(reply.body[: reply.cut_after])
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif reply.drip_s:
                    self._drip(reply.body, reply.drip_s)
                else:
                    self.wfile.write(reply.body)
                    while reply.endless and not endpoint._stop.is_set():
                        self.wfile.write(reply.body)

            def _drip(self, data: bytes, seconds: float) -> None:
                for byte in data:
                    if endpoint._stop.is_set():
                        return
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(seconds)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _in_turn(replies: list[ChatReply]) -> Script:
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
