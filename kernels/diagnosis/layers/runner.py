"""Runs layers in another process, each under a time limit, and reports the result."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast

import psutil

from bankable.kernels.diagnosis.layers.layer import Outcome
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.tools.package import program
from bankable.tools.serving.environment import isolated

PROGRAM = "bankable.kernels.diagnosis.layers.worker"
MOST_REPLY = 4 << 20
"""Bytes that a layer may answer."""
OVER = b'{"step": "over"}\n'
GONE_S = 5.0
"""Longest wait in seconds for a killed process to disappear."""
Ending = Literal["over", "late", "gone"]


@dataclass
class LayerAttempt:
    """Result of one attempt at a layer."""

    outcome: Outcome
    why: str = ""
    found: dict[str, Any] | None = None
    """As the layer wrote it, not checked yet."""
    described: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)


class LayerWorker:
    """A process that runs layers one after the other. One that hangs or dies is replaced for the next layer.

    Use as a context manager; leaving it ends every process that it started.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._replies = -1

    def run(self, reference: str, subject: Subject, place: Path, limit_s: float) -> LayerAttempt:
        """One attempt of a layer. Never raises for what the layer does."""
        return self._run(reference, {"describe": False, "subject": subject.model_dump(mode="json")}, place, limit_s)

    def describe(self, reference: str, place: Path, limit_s: float = 60.0) -> LayerAttempt:
        """Import a plug-in and ask what it is."""
        return self._run(reference, {"describe": True}, place, limit_s)

    def close(self) -> None:
        """Stop it; safe to call twice, and the next layer starts another."""
        if self._process is not None:
            _end(self._process)
            os.close(self._replies)
            self._process = None

    def __enter__(self) -> LayerWorker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self, reference: str, job: dict[str, Any], place: Path, limit_s: float) -> LayerAttempt:
        place.mkdir(parents=True, exist_ok=True)
        process = self._process or self._start()
        message = {
            **job,
            "reference": reference,
            "place": str(place.resolve()),
            "path": [entry for entry in sys.path if entry],
        }
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        replies, end = _read(self._replies, time.monotonic() + limit_s)
        if end != "over":
            self.close()
        return _judged(replies, end, process.returncode, limit_s)

    def _start(self) -> subprocess.Popen[bytes]:
        read_end, write_end = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, *program(PROGRAM, str(write_end))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=isolated({}),
                pass_fds=(write_end,),
                start_new_session=True,
            )
        except OSError:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self._process, self._replies = process, read_end
        return process


def _judged(replies: list[dict[str, Any]], end: Ending, status: int | None, limit_s: float) -> LayerAttempt:
    """The outcome, by the replies and how they ended."""
    attempt = LayerAttempt("failed")
    last = "import"
    for reply in replies:
        last = str(reply.get("step"))
        if isinstance(reply.get("seconds"), float):
            attempt.seconds[last] = round(reply["seconds"], 3)
        if "raised" in reply:
            attempt.why = f"{last}: {reply['raised']}"
            return attempt
        if isinstance(reply.get("described"), dict):
            attempt.outcome, attempt.described = "measured", reply["described"]
            return attempt
        if last == "absent" and reply.get("said"):
            attempt.outcome, attempt.why = "absent", str(reply["said"])
            return attempt
        if isinstance(reply.get("found"), dict):
            attempt.outcome, attempt.found = "measured", reply["found"]
            return attempt
    if end == "late":
        attempt.outcome, attempt.why = "timed_out", f"timed out after {limit_s:g} s, last step: {last}"
    else:
        how = f"ended by {signal.Signals(-status).name}" if status is not None and status < 0 else f"status {status}"
        attempt.why = f"no answer, {how}, last step: {last}"
    return attempt


def _read(source: int, deadline: float) -> tuple[list[dict[str, Any]], Ending]:
    """Replies up to the last one of a job, and how they ended."""
    content, end = b"", "over"
    while not content.endswith(OVER):
        ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(source, 1 << 16) if ready else b""
        content += piece
        if not piece or len(content) > MOST_REPLY:
            end = "gone" if ready else "late"
            break
    return list(_lines(content)), cast(Ending, end)


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the process and everything that it started, in any process group, and wait until it is gone."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.2)
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            member.kill()
    process.wait()
    psutil.wait_procs(family, timeout=GONE_S)
