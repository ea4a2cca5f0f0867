"""An attached server, started outside of this project: it can be loaded and probed, never configured or stopped."""

from __future__ import annotations

import ipaddress
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import httpx

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import EngineIdentity, Failure
from bankable.tools.overlay.reports import OverlayState
from bankable.tools.serving.client import ServerClient, ServerUnreachable
from bankable.tools.serving.dataset import BenchmarkFiles
from bankable.tools.serving.driver import LaunchFailed, LaunchIdentity, LaunchRequest, Server
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.host import HostReader
from bankable.tools.serving.load import LoadWorker, Patience
from bankable.tools.serving.model import check_model
from bankable.tools.serving.server import HttpServer, Shared
from bankable.tools.serving.telemetry import HostSampler


def check_url(url: str, allow_remote: bool = False) -> str:
    """The URL without a path. Raises ``UserError`` unless it is http(s) to this machine, or remote is allowed."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise UserError(
            "Cannot attach: server URL cannot be read", url[:200], "give something like http://127.0.0.1:30000"
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise UserError(
            "Cannot attach: server URL is not usable", url[:200], "give something like http://127.0.0.1:30000"
        )
    if not allow_remote and not _is_loopback(parsed.host):
        raise UserError(
            "Cannot attach: server is not on this machine",
            parsed.host[:200],
            "forward its port, or allow remote servers",
        )
    return str(parsed.copy_with(path="/", query=None, fragment=None)).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class AttachedServer(HttpServer):
    """Its processes are not watched: CPU seconds read 0, and it is dead when it no longer answers."""

    def __init__(
        self, identity: LaunchIdentity, client: ServerClient, shared: Shared, model: str, context_length: int | None
    ) -> None:
        super().__init__(identity, client, shared, model, context_length)
        self._closed_at: float | None = None

    def death_soon(self) -> Failure | None:
        if self._client.answers():
            return None
        return Failure(kind="died_in_round", line="the attached server does not answer any more")

    def overlay(self) -> OverlayState:
        return OverlayState()

    def close(self) -> float:
        if self._closed_at is None:
            self._closed_at = super().close()
        return self._closed_at


class AttachedDriver:
    """One attached server. ``engine`` is only for the load generator; the server may be of another version."""

    kind: Literal["live", "replay", "attached"] = "attached"
    can_launch = False

    def __init__(
        self,
        engine: Engine,
        url: str,
        model: Path | None = None,
        *,
        allow_remote: bool = False,
        stop: threading.Event | None = None,
        patience: Patience | None = None,
    ) -> None:
        """``model``: local copy of what the server serves; needed when its own path is not visible from here.

        Raises ``UserError`` for an unusable URL, a server that does not answer, or a model folder that is not there.
        """
        self._client = ServerClient(check_url(url, allow_remote))
        self._info = self._ask(url)
        self._model = check_model(model or Path(str(self._info.get("model_path", ""))))
        self.device = device_of(self._info)
        self.stop = stop or threading.Event()
        self._folder = Path(tempfile.mkdtemp(prefix="bankable-"))
        self._worker = LoadWorker(engine, self._folder)
        files = BenchmarkFiles(self._folder)
        self._shared = Shared(self._worker, files, self.stop, patience or Patience())
        self._sampler = HostSampler(lambda: HostReader(self._own_groups, gpu=self.device == "cuda"))

    def clock(self) -> float:
        return time.time()

    def launch(self, requests: Sequence[LaunchRequest]) -> list[Server | LaunchFailed]:
        """The attached server for a single request that asks for no configuration; anything else is ``unsupported``."""
        config = requests[0].config if len(requests) == 1 and requests[0].overlay is None else None
        if config is not None and not config.flags and not config.env:
            return [self._attach(requests[0])]
        why = "an attached server belongs to somebody else: it cannot be configured or started again"
        return [LaunchFailed(Failure(kind="unsupported", line=why)) for _ in requests]

    def close(self) -> None:
        self._client.close()
        self._worker.close()
        self._sampler.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> AttachedDriver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, url: str) -> dict[str, Any]:
        try:
            return self._client.server_info()
        except ServerUnreachable as error:
            self._client.close()
            raise UserError("Cannot attach: server does not answer", url, "check that sglang runs there") from error

    def _attach(self, request: LaunchRequest) -> AttachedServer:
        self._sampler.listen(request.on_host_sample)
        now = time.time()
        identity = LaunchIdentity(
            argv=[],
            env={},
            engine=EngineIdentity(
                python="unknown", sglang=str(self._info.get("version", "unknown")), torch="unknown", tree_digest=None
            ),
            model_digest=None,
            device=self.device,
            device_set=[],
            host=httpx.URL(self._client.url).host,
            boot_id="",
            pid=0,
            launched_at=now,
            ready_at=now,
            lifecycle="attached",
        )
        client = ServerClient(self._client.url)
        return AttachedServer(identity, client, self._shared, str(self._model.path), self._model.context_length)

    def _own_groups(self) -> set[int]:
        return {self._worker.pid} if self._worker.pid is not None else set()


def device_of(info: dict[str, Any]) -> Literal["cpu", "cuda", "rocm"]:
    """The device that a server reports; sglang calls AMD devices ``cuda`` as well, which cannot be told apart here."""
    return "cpu" if info.get("device") == "cpu" else "cuda"
