"""HTTP client of one server: every call has a time limit, every answer a size limit."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes; ``server_info`` is about 40 kB."""


class ServerUnreachable(Exception):
    """No usable answer: connection refused or lost, time limit, size limit, wrong status, no JSON object."""

    def __init__(self, message: str, status: int | None = None) -> None:
        """``status``: of an HTTP answer that was not 200; ``None`` when there was no complete answer."""
        super().__init__(message)
        self.status = status


class ServerClient:
    """Talks to one server. Proxies from the environment are ignored; the server is on the loopback."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=timeout_s, trust_env=False, follow_redirects=False)

    def __enter__(self) -> ServerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def answers(self, timeout_s: float = 2.0) -> bool:
        """True once the HTTP front serves, which starts after the model is loaded. Generates nothing."""
        try:
            self._call("GET", "/v1/models", timeout_s=timeout_s)
        except ServerUnreachable:
            return False
        return True

    def healthy(self, timeout_s: float = 30.0) -> bool:
        """True when the scheduler generated a token; takes at least a second, because the server waits that long."""
        try:
            self._call("GET", "/health_generate", timeout_s=timeout_s)
        except ServerUnreachable:
            return False
        return True

    def server_info(self, timeout_s: float = 30.0) -> dict[str, Any]:
        """Resolved arguments and state; the older name of the endpoint is tried when the new one is missing."""
        try:
            return self._json("GET", "/server_info", timeout_s=timeout_s)
        except ServerUnreachable:
            return self._json("GET", "/get_server_info", timeout_s=timeout_s)

    def flush_cache(self, timeout_s: float = 30.0) -> bool:
        """Empty the prefix cache; tried again while requests are still running. False when it never succeeded."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._call("POST", "/flush_cache", timeout_s=max(0.5, deadline - time.monotonic()))
                return True
            except ServerUnreachable as error:
                if error.status is None or time.monotonic() >= deadline:
                    return False
                time.sleep(0.2)

    def generate(
        self, text: str, max_new_tokens: int, stop: tuple[str, ...] = (), timeout_s: float = 300.0
    ) -> dict[str, Any]:
        """Greedy ``/generate``: ``text``, ``output_ids``, ``meta_info``."""
        sampling: dict[str, Any] = {"temperature": 0.0, "max_new_tokens": max_new_tokens}
        if stop:
            sampling["stop"] = list(stop)
        return self._json("POST", "/generate", {"text": text, "sampling_params": sampling}, timeout_s)

    def start_profile(self, options: Mapping[str, Any], timeout_s: float = 60.0) -> None:
        """Torch profiler on; ``num_steps`` in the options makes it stop by itself."""
        self._call("POST", "/start_profile", dict(options), timeout_s)

    def stop_profile(self, timeout_s: float = 120.0) -> None:
        """Torch profiler off; returns when the traces are written."""
        self._call("POST", "/stop_profile", None, timeout_s)

    def running_requests(self) -> int:
        """Requests in the running batch of the first scheduler; 0 when the server does not say."""
        try:
            loads = self._json("GET", "/v1/loads").get("loads")
            return int(loads[0]["num_running_reqs"]) if loads else 0
        except (ServerUnreachable, KeyError, TypeError, ValueError, IndexError):
            return 0

    def abort_all(self, timeout_s: float = 5.0) -> None:
        """Drop every request that is queued or running."""
        self._call("POST", "/abort_request", {"rid": "", "abort_all": True}, timeout_s)

    def _json(
        self, method: str, path: str, body: dict[str, Any] | None = None, timeout_s: float = 10.0
    ) -> dict[str, Any]:
        raw = self._call(method, path, body, timeout_s)
        try:
            answer = json.loads(raw)
        except ValueError as error:
            raise ServerUnreachable(f"{path}: answer is not JSON") from error
        if not isinstance(answer, dict):
            raise ServerUnreachable(f"{path}: answer is not a JSON object")
        return answer

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, timeout_s: float = 10.0) -> bytes:
        deadline = time.monotonic() + timeout_s
        received = bytearray()
        try:
            with self._http.stream(method, path, json=body, timeout=timeout_s) as response:
                for piece in response.iter_bytes():
                    received += piece
                    if len(received) > ANSWER_LIMIT:
                        raise ServerUnreachable(f"{path}: answer is larger than {ANSWER_LIMIT} bytes")
                    if time.monotonic() > deadline:
                        raise ServerUnreachable(f"{path}: no complete answer within {timeout_s:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerUnreachable(f"{path}: {type(error).__name__} {error}") from error
        except RuntimeError as error:  # what httpx raises in a thread that still uses a client which was closed
            if not self._http.is_closed:
                raise
            raise ServerUnreachable(f"{path}: the client was closed") from error
        if response.status_code != 200:
            shown = bytes(received[:200]).decode("utf-8", "replace")
            raise ServerUnreachable(f"{path}: status {response.status_code} {shown}", response.status_code)
        return bytes(received)
