"""Live servers: real sglang processes that this project starts, watches and stops."""

from __future__ import annotations

import contextlib
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bankable.tools.evidence.records import EngineIdentity, Failure
from bankable.tools.overlay.reports import OverlayState, read_reports
from bankable.tools.serving.client import ServerClient
from bankable.tools.serving.command import Command, Laid, Permissions, build
from bankable.tools.serving.dataset import BenchmarkFiles
from bankable.tools.serving.driver import LaunchFailed, LaunchIdentity, LaunchRequest, Server, StopRequested
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.failure import classify_round, classify_start, stall_failure
from bankable.tools.serving.host import HostReader
from bankable.tools.serving.load import LoadWorker, Patience
from bankable.tools.serving.model import ModelFolder, check_model
from bankable.tools.serving.model_files import list_unneeded
from bankable.tools.serving.ports import LOOPBACK, hold_port
from bankable.tools.serving.process import ServerProcess, boot_id, start
from bankable.tools.serving.server import HttpServer, Shared
from bankable.tools.serving.telemetry import HostSampler

POLL_S = 0.2


@dataclass(frozen=True)
class LiveOptions:
    """Limits and permissions of a live run."""

    permissions: Permissions = field(default_factory=Permissions)
    ports: range | None = None
    """Ports that may be used; any free one when ``None``."""
    start_timeout_s: float = 900.0
    """A start takes 21-48 s on a quiet two-core machine and minutes on a loaded one."""
    idle_timeout_s: float = 120.0
    """A starting server that uses less than ``IDLE_CPU_S`` in this time is stalled."""
    health_timeout_s: float = 120.0
    """From an open port to the first generated token."""
    grace_s: float = 1.0
    """Between TERM and KILL. sglang looks at TERM only every five seconds, and a server is idle when it is stopped."""
    patience: Patience = field(default_factory=Patience)


IDLE_CPU_S = 0.5


class LiveServer(HttpServer):
    """A server of ours: knows its process group and its log."""

    def __init__(
        self,
        *,
        identity: LaunchIdentity,
        client: ServerClient,
        shared: Shared,
        model: ModelFolder,
        process: ServerProcess,
        log: Path,
        grace_s: float,
        forget: Callable[[], None],
        reports: Path | None = None,
    ) -> None:
        super().__init__(identity, client, shared, str(model.path), model.context_length)
        self._process = process
        self._log = log
        self._grace_s = grace_s
        self._forget = forget
        self._reports = reports
        self._stopped_at: float | None = None

    def overlay(self) -> OverlayState:
        return OverlayState() if self._reports is None else read_reports(self._reports)

    def cpu_seconds(self) -> float:
        return self._process.cpu_seconds()

    def death(self) -> Failure | None:
        if self._stopped_at is not None:
            return Failure(kind="died_in_round", line="the server was stopped by this run")
        status = self._process.exit_status()
        return None if status is None else classify_round(status, self._log)

    def close(self) -> float:
        if self._stopped_at is None:
            self._forget()
            super().close()
            self._process.stop(self._grace_s)
            self._stopped_at = time.time()
        return self._stopped_at


@dataclass(frozen=True)
class _Subject:
    """What is launched, as it was right before."""

    model: ModelFolder
    model_digest: str
    engine: EngineIdentity


def _lay_overlay(request: LaunchRequest) -> Laid | None:
    """The overlay of a launch, with a folder for what it reports."""
    if request.overlay is None or request.reports is None:
        return None
    request.reports.mkdir(parents=True, exist_ok=True)
    return Laid(request.overlay.resolve(), request.reports.resolve())


class LiveDriver:
    """Starts real servers with one engine and one model. Closes everything it started; usable as a context manager."""

    kind: Literal["live", "replay", "attached"] = "live"
    can_launch = True

    def __init__(
        self, engine: Engine, model: Path, options: LiveOptions | None = None, stop: threading.Event | None = None
    ) -> None:
        """``stop``: set from a signal handler to end every wait with ``StopRequested``. Raises ``UserError``."""
        self.engine = engine
        self.device: Literal["cpu", "cuda", "rocm"] = engine.device
        self.options = options or LiveOptions()
        self.stop = stop or threading.Event()
        self._model_path = model
        self._digests: dict[object, str] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="bankable-"))
        self._worker = LoadWorker(engine, self._folder)
        self._shared = Shared(self._worker, BenchmarkFiles(self._folder), self.stop, self.options.patience)
        self._sampler = HostSampler(lambda: HostReader(self._own_groups, gpu=engine.device == "cuda"))
        self._processes: list[ServerProcess] = []
        self._servers: list[LiveServer] = []

    def clock(self) -> float:
        return time.time()

    def launch(self, requests: Sequence[LaunchRequest]) -> list[Server | LaunchFailed]:
        models = [self._check_model(request) for request in requests]
        subjects = [_Subject(model, self._model_digest(model), self.engine.identity()) for model in models]
        self._worker.start()
        with ThreadPoolExecutor(max_workers=max(1, len(requests)), thread_name_prefix="launch") as pool:
            futures = [pool.submit(self._launch, *pair) for pair in zip(requests, subjects, strict=True)]
            try:
                wait(futures)
            except BaseException:  # an interrupt: the launching threads must not be waited for until they time out
                self.stop.set()
                raise
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            for future in futures:
                if future.exception() is None and isinstance(server := future.result(), LiveServer):
                    server.close()
            raise errors[0]
        return [future.result() for future in futures]

    def close(self) -> None:
        with contextlib.ExitStack() as rest:  # one that cannot be stopped must not keep the others running
            rest.callback(shutil.rmtree, self._folder, ignore_errors=True)
            rest.callback(self._sampler.close)
            rest.callback(self._worker.close)
            for process in self._processes:
                rest.callback(process.stop, self.options.grace_s)
            for server in self._servers:
                rest.callback(server.close)

    def __enter__(self) -> LiveDriver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_model(self, request: LaunchRequest) -> ModelFolder:
        """The request's own folder when it names one, else the driver's: a plan may give a model by its short name."""
        named = Path(request.model)
        path = named if named.is_dir() else self._model_path
        dummy = request.config.flags.get("load_format") == "dummy"
        return check_model(path, self.options.permissions, dummy_weights=dummy)

    def _model_digest(self, model: ModelFolder) -> str:
        key = (model.path, model.stamp())
        if key not in self._digests:
            self._digests[key] = model.digest()
        return self._digests[key]

    def _launch(self, request: LaunchRequest, subject: _Subject) -> LiveServer | LaunchFailed:
        unknown = sorted(set(request.config.flags) - self.engine.flags)
        if unknown:
            return LaunchFailed(
                Failure(kind="bad_flag", line=f"this engine has no flag --{unknown[0].replace('_', '-')}")
            )
        with hold_port(self.options.ports) as held:
            laid = _lay_overlay(request)
            command = build(
                self.engine,
                subject.model.path,
                request.config,
                held.port,
                self.options.permissions,
                laid,
                list_unneeded(self.engine.tree.root, subject.model.architecture, request.config.flags),
            )
            request.log.parent.mkdir(parents=True, exist_ok=True)
            held.release()
            launched_at = time.time()
            process = start(command.argv, {**command.env, "TMPDIR": str(self._folder)}, self._folder, request.log)
        self._processes.append(process)
        forget = self._sampler.listen(request.on_host_sample)
        client = ServerClient(f"http://{LOOPBACK}:{held.port}")
        ready = False
        try:
            failure = self._wait_ready(process, client, request.log)
            if failure is not None:
                return LaunchFailed(failure)
            identity = self._identity(command, subject, process, launched_at)
            server = LiveServer(
                identity=identity,
                client=client,
                shared=self._shared,
                model=subject.model,
                process=process,
                log=request.log,
                grace_s=self.options.grace_s,
                forget=forget,
                reports=request.reports,
            )
            self._servers.append(server)
            ready = True
            return server
        finally:
            if not ready:
                forget()
                client.close()
                process.stop(grace_s=1.0)

    def _wait_ready(self, process: ServerProcess, client: ServerClient, log: Path) -> Failure | None:
        """``None`` once a token was generated; else why that will not happen."""
        begun = active = time.monotonic()
        cpu_seen = 0.0
        while True:
            if self.stop.is_set():
                raise StopRequested("stop requested while a server was starting")
            if (status := process.exit_status()) is not None:
                return classify_start(status, log)
            if client.answers():
                break
            now, cpu = time.monotonic(), process.cpu_seconds()
            if cpu - cpu_seen > IDLE_CPU_S:
                cpu_seen, active = cpu, now
            if now - begun > self.options.start_timeout_s:
                return stall_failure(log, f"not ready within {self.options.start_timeout_s:.0f} s")
            if now - active > self.options.idle_timeout_s:
                return stall_failure(log, f"not ready and idle for {self.options.idle_timeout_s:.0f} s")
            time.sleep(POLL_S)
        return self._wait_healthy(process, client, log)

    def _wait_healthy(self, process: ServerProcess, client: ServerClient, log: Path) -> Failure | None:
        """Ask in a thread, because one health check may hang for as long as it is allowed to."""
        limit_s = self.options.health_timeout_s
        deadline = time.monotonic() + limit_s
        healthy = threading.Event()

        def ask() -> None:
            while not healthy.is_set() and (left := deadline - time.monotonic()) > 0:
                if client.healthy(timeout_s=left):
                    healthy.set()
                else:
                    time.sleep(POLL_S)

        threading.Thread(target=ask, name="health", daemon=True).start()
        while not healthy.wait(POLL_S):
            if self.stop.is_set():
                raise StopRequested("stop requested while a server was starting")
            if (status := process.exit_status()) is not None:
                return classify_start(status, log)
            if time.monotonic() > deadline:
                return stall_failure(log, f"no token generated within {limit_s:.0f} s")
        return None

    def _identity(
        self, command: Command, subject: _Subject, process: ServerProcess, launched_at: float
    ) -> LaunchIdentity:
        return LaunchIdentity(
            argv=command.recorded_argv,
            env=command.recorded_env,
            engine=subject.engine,
            model_digest=subject.model_digest,
            device=self.engine.device,
            device_set=list(self.engine.device_set),
            host=platform.node(),
            boot_id=boot_id(),
            pid=process.pid,
            launched_at=launched_at,
            ready_at=time.time(),
            lifecycle="fresh",
        )

    def _own_groups(self) -> set[int]:
        groups = {process.pid for process in self._processes}
        return groups | {self._worker.pid} if self._worker.pid is not None else groups
