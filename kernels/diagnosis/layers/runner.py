"""Runs layers in another process, each under a time limit, and reports the result."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import psutil

from bankable.kernels.diagnosis.layers.layer import Outcome
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.worker.messages import (
    LayerDescribed,
    LayerFound,
    LayerOver,
    LayerRaised,
    LayerRequest,
    LayerStep,
)
from bankable.kernels.worker.protocol import (
    LineReader,
    ProtocolError,
    WorkerGoneError,
    WorkerLateError,
    decode,
    encode,
)
from bankable.tools.package import program
from bankable.tools.serving.environment import isolate_environment

PROGRAM = "bankable.kernels.diagnosis.layers.worker"
MOST_REPLY = 4 << 20
"""Bytes that a layer may answer."""
GONE_S = 5.0
"""Longest wait in seconds for a killed process to disappear."""
Ending = Literal["over", "late", "gone"]
REPLIES = (LayerDescribed, LayerStep, LayerFound, LayerRaised, LayerOver)
Reply = LayerDescribed | LayerStep | LayerFound | LayerRaised


@dataclass
class LayerAttempt:
    """Result of one attempt at a layer."""

    outcome: Outcome
    why: str = ""
    found: dict[str, Any] | None = None
    """As the layer wrote it, not validated yet."""
    described: LayerDescribed | None = None
    seconds: dict[str, float] = field(default_factory=dict)


class LayerWorker:
    """A process that runs layers one after the other. One that hangs or dies is replaced for the next layer.

    Use as a context manager; leaving it ends every process that it started.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._replies = -1
        self._reader = LineReader(-1, MOST_REPLY)

    def run(self, reference: str, subject: Subject, place: Path, limit_s: float) -> LayerAttempt:
        """One attempt of a layer. Never raises for errors of the layer."""
        return self._run(reference, subject.model_dump(mode="json"), place, limit_s)

    def describe(self, reference: str, place: Path, limit_s: float = 60.0) -> LayerAttempt:
        """Import a plug-in and return its description."""
        return self._run(reference, None, place, limit_s)

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

    def _run(self, reference: str, subject: dict[str, Any] | None, place: Path, limit_s: float) -> LayerAttempt:
        place.mkdir(parents=True, exist_ok=True)
        process = self._process or self._start()
        request = LayerRequest(reference, str(place.resolve()), tuple(entry for entry in sys.path if entry), subject)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(encode(request))
            process.stdin.flush()
        replies, end = _read(self._reader, time.monotonic() + limit_s)
        if end != "over":
            self.close()
        return _judge_attempt(replies, end, process.returncode, limit_s)

    def _start(self) -> subprocess.Popen[bytes]:
        read_end, write_end = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, *program(PROGRAM, str(write_end))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=isolate_environment({}),
                pass_fds=(write_end,),
                start_new_session=True,
            )
        except OSError:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self._process, self._replies, self._reader = process, read_end, LineReader(read_end, MOST_REPLY)
        return process


def _judge_attempt(replies: list[Reply], end: Ending, status: int | None, limit_s: float) -> LayerAttempt:
    """The outcome, from the replies and the exit of the process."""
    attempt, last = LayerAttempt("failed"), "import"
    for reply in replies:
        match reply:
            case LayerRaised(step, error):
                attempt.why = f"{step}: {error}"
            case LayerDescribed():
                attempt.outcome, attempt.described = "measured", reply
            case LayerFound(seconds, figures):
                attempt.seconds["collect"] = round(seconds, 3)
                attempt.outcome, attempt.found = "measured", figures
            case LayerStep(step, seconds, text):
                last, attempt.seconds[step] = step, round(seconds, 3)
                if step != "absent" or not text:
                    continue
                attempt.outcome, attempt.why = "absent", text
        return attempt
    if end == "late":
        attempt.outcome, attempt.why = "timed_out", f"timed out after {limit_s:g} s, last step: {last}"
    else:
        how = f"ended by {signal.Signals(-status).name}" if status is not None and status < 0 else f"status {status}"
        attempt.why = f"no answer, {how}, last step: {last}"
    return attempt


def _read(reader: LineReader, deadline: float) -> tuple[list[Reply], Ending]:
    """Replies to one request, and how they ended. Lines that are no reply are dropped."""
    replies: list[Reply] = []
    reader.refill()
    while True:
        try:
            reply = decode(reader.line(deadline), *REPLIES)
        except ProtocolError:
            continue
        except WorkerLateError:
            return replies, "late"
        except WorkerGoneError:
            return replies, "gone"
        if not isinstance(reply, Reply):
            return replies, "over"
        replies.append(reply)


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
