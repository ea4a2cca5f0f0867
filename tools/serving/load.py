"""The orchestrator's side of the load generator: one worker process per run that runs rounds on request."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bankable.tools.serving.engine import STANDIN, Engine
from bankable.tools.serving.environment import isolate_environment
from bankable.tools.serving.process import stop_group

WORKER = Path(__file__).resolve().parent / "load_worker.py"
START_TIMEOUT_S = 240.0
"""Importing the benchmark takes 9 s on a quiet machine and minutes on a loaded one."""
REPLY_LIMIT = 256 * 1024 * 1024
"""Bytes of one reply line; a record with 10,000 requests of 1,000 tokens has about 200 MB."""
POLL_S = 0.1


class WorkerLost(Exception):
    """The load worker died or answered nonsense: a fault of the measurement, not of the server."""


class JobFailed(Exception):
    """The benchmark ran and ended with an error of its own; says which."""


class JobStalled(Exception):
    """No request finished for too long, or the round's time ran out."""


@dataclass(frozen=True)
class JobResult:
    """Result of the benchmark."""

    record: dict[str, Any]
    request_digest: str
    issued: int
    started: float
    ended: float


@dataclass(frozen=True)
class Patience:
    """How long a round may take."""

    silence_s: float = 300.0
    """Without any request finishing."""
    total_s: float = 3600.0


class LoadWorker:
    """A worker process under the engine's interpreter; started on ``start``, restarted after it was lost."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        """``folder``: for the worker's own output and temporary files; outside any repository."""
        self._engine = engine
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._ready = False
        self._next_id = 0
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Also its process group; ``None`` when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Begin importing the benchmark, without waiting for it."""
        if self.pid is not None:
            return
        self._stop()
        read_end, write_end = os.pipe()
        extra = {"OMP_NUM_THREADS": "1", "TMPDIR": str(self._folder)}
        if self._engine.device == "cpu":
            extra["SGLANG_USE_CPU_ENGINE"] = "1"
        if self._engine.standin_needed:
            extra["PYTHONPATH"] = str(STANDIN)
        try:
            with (self._folder / "load-worker.log").open("ab") as output:
                self._process = subprocess.Popen(
                    [str(self._engine.python), str(WORKER), str(write_end)],
                    env=isolate_environment(extra),
                    cwd=self._folder,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=(write_end,),
                    start_new_session=True,
                )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self._events = queue.SimpleQueue()
        self._ready = False
        replies = os.fdopen(read_end, "rb")
        threading.Thread(target=_pump, args=(replies, self._events), name="load-replies", daemon=True).start()

    def run(self, argv: list[str], patience: Patience, check: Callable[[], None] = lambda: None) -> JobResult:
        """One job. ``check`` is called about ten times a second and raises to give up (server dead, stop requested).

        Raises ``WorkerLost``, ``JobFailed``, ``JobStalled``, or what ``check`` raises; a worker that may still be busy
        is stopped, so that the next job starts clean.
        """
        with self._lock:
            try:
                return self._run(argv, patience, check)
            except JobFailed:
                raise
            except BaseException:
                self._stop()
                raise

    def _run(self, argv: list[str], patience: Patience, check: Callable[[], None]) -> JobResult:
        self.start()
        if not self._ready:
            self._wait("ready", START_TIMEOUT_S, START_TIMEOUT_S, check)
            self._ready = True
        process = self._process
        if process is None or process.stdin is None:
            raise WorkerLost("the load worker has ended")
        self._next_id += 1
        started = time.time()
        try:
            process.stdin.write(json.dumps({"id": self._next_id, "argv": argv}).encode() + b"\n")
            process.stdin.flush()
        except OSError as error:
            raise WorkerLost("the load worker has ended") from error
        answer = self._wait("done", patience.silence_s, patience.total_s, check)
        ended = time.time()
        if answer.get("id") != self._next_id:
            raise WorkerLost("the load worker answered another job")
        if "error" in answer:
            raise JobFailed(str(answer["error"]))
        return JobResult(answer["record"], answer["request_digest"], answer["issued"], started, ended)

    def _wait(self, event: str, silence_s: float, total_s: float, check: Callable[[], None]) -> dict[str, Any]:
        begun = last = time.monotonic()
        while True:
            check()
            now = time.monotonic()
            if now - begun > total_s:
                raise JobStalled(f"no result within {total_s:.0f} s")
            if now - last > silence_s:
                raise JobStalled(f"no request finished for {silence_s:.0f} s")
            try:
                message = self._events.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if message is None:
                raise WorkerLost(f"the load worker ended: {self._last_words()}")
            last = time.monotonic()
            if message.get("event") == event:
                return message

    def _last_words(self) -> str:
        try:
            with (self._folder / "load-worker.log").open("rb") as source:
                source.seek(max(0, source.seek(0, os.SEEK_END) - 2000))
                lines = source.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1][:300] if lines else "no output"

    def close(self) -> None:
        """Stop the worker; safe to call twice."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        stop_group(process.pid, grace_s=0.5, kill_s=10.0, reap=process.poll)


def _pump(replies: IO[bytes], events: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Move reply lines into the queue; ``None`` marks the end."""
    with replies:
        while line := replies.readline(REPLY_LIMIT):
            try:
                message = json.loads(line)
            except ValueError:
                break
            if not isinstance(message, dict):
                break
            events.put(message)
    events.put(None)
