"""Parent side of a fork server: a process under the engine's interpreter that forks a fresh process per job."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bankable.kernels.sandbox.limits import End, Ended, JobLimits
from bankable.kernels.worker.messages import ForkServerReady, JobEnded, JobRequest
from bankable.kernels.worker.protocol import (
    LineReader,
    ProtocolError,
    WorkerGoneError,
    WorkerLateError,
    decode,
    encode,
    objects,
)
from bankable.tools.errors import UserError
from bankable.tools.package import program
from bankable.tools.serving.environment import isolate_environment

M = TypeVar("M")
PROGRAM = "bankable.kernels.worker.fork_server"
START_S = 900.0
"""Importing torch takes two seconds on a quiet machine."""
SLACK_S = 120.0
"""Past a job's wall limit, for the fork server itself to answer."""
NEARLY = 0.7
"""Share of its memory that a job had used when it died, to say that it died of that."""
MOST_REPLY = 1 << 20
"""Bytes that the fork server may send in answer to one job."""


@dataclass(frozen=True)
class JobAnswer:
    """A job's replies, shape by shape, and how its process ended."""

    replies: tuple[dict[str, Any], ...]
    ended: Ended
    folder: Path
    """Folder of its files."""


class ForkServer:
    """Use as a context manager; leaving it ends every process of the fork server."""

    def __init__(
        self, python: Path, threads: int = 1, scratch: Path | None = None, cores: Collection[int] = ()
    ) -> None:
        """``cores``: those that it and all its jobs are pinned to; all when empty."""
        self._scratch = Path(tempfile.mkdtemp(prefix="bankable-kernels-", dir=scratch))
        read_end, write_end = os.pipe()
        threads_env = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        complaint = (self._scratch / "stderr.txt").open("wb")
        try:
            self._process = subprocess.Popen(
                [str(python), *program(PROGRAM, str(write_end))],
                env=isolate_environment(
                    {**threads_env, "OPENBLAS_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
                ),
                cwd=self._scratch,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                pass_fds=(write_end,),
                start_new_session=True,
            )
        except OSError as problem:
            raise UserError(
                f"Cannot run kernels: the engine's interpreter does not start: {problem}",
                str(python),
                "check --engine-python",
            ) from problem
        finally:
            complaint.close()
            os.close(write_end)
        if cores:
            os.sched_setaffinity(self._process.pid, cores)  # it imports for some seconds, before any job
        self._replies = read_end
        self._reader = LineReader(read_end, MOST_REPLY)
        self._jobs = 0
        ready = self._reply(ForkServerReady, START_S)
        if ready is None:
            complained = self._complaint()
            self.close()
            raise UserError(
                f"Cannot run kernels: the engine cannot import torch: {complained}",
                str(python),
                "check --engine-python",
            )
        self.network: str = ready.network
        """``off``, or why candidates could have used a network."""
        self.landlock: str = ready.landlock
        """``on``, or why a kernel's process could have accessed other files than its own."""
        self.torch: str = ready.torch
        self._base_rss = ready.rss_bytes

    def run(self, kind: str, arguments: Mapping[str, Any], limits: JobLimits | None = None) -> JobAnswer:
        """Run one job to its end. Raises ``UserError`` only when the fork server itself is gone."""
        limits = limits or JobLimits()
        self._jobs += 1
        folder = self._scratch / f"job-{self._jobs:05d}"
        folder.mkdir()
        request = JobRequest(
            self._jobs, kind, str(folder), limits.wall_s, limits.cpu_s, limits.memory_bytes, dict(arguments)
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(encode(request))
            self._process.stdin.flush()
        ended = self._reply(JobEnded, limits.wall_s + SLACK_S)
        if ended is None or ended.id != self._jobs:
            raise UserError(
                "Cannot run kernels: the fork server has ended", PROGRAM, "run the operator benchmark again"
            )
        return JobAnswer(tuple(objects(folder / "replies.jsonl")), self._ended(ended, folder, limits), folder)

    def close(self) -> None:
        """Stop it and remove what its jobs left; safe to call twice."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._replies >= 0:
            os.close(self._replies)
            self._replies = -1
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ended(self, process: JobEnded, folder: Path, limits: JobLimits) -> Ended:
        end, why = self._reason(process, folder, limits)
        return Ended(end, why, process.pid, process.wall_s, process.cpu_s, process.max_rss_bytes)

    def _reason(self, process: JobEnded, folder: Path, limits: JobLimits) -> tuple[End, str]:
        raised = folder / "raised.txt"
        if process.timed_out:
            return "wall_limit", f"timed out after {limits.wall_s:g} s"
        if process.signal == signal.SIGXCPU or (process.signal and process.cpu_s >= limits.cpu_s):
            return "cpu_limit", f"more than {limits.cpu_s} s of CPU time"
        used = process.max_rss_bytes - self._base_rss
        text = raised.read_text(encoding="utf-8", errors="replace")[:300] if raised.is_file() else ""
        if (
            "MemoryError" in text
            or "allocate memory" in text
            or (process.signal and used > NEARLY * limits.memory_bytes)
        ):
            return "memory_limit", f"more than {limits.memory_bytes >> 20} MiB"
        if process.signal:
            return "crashed", f"ended by {signal.Signals(process.signal).name}"
        if text or process.exit:
            return "raised", text or f"exit status {process.exit}"
        return "answered", ""

    def _reply(self, kind: type[M], patience_s: float) -> M | None:
        """The fork server's next message; ``None`` when there is none of that kind in time."""
        self._reader.refill()
        try:
            return decode(self._reader.line(time.monotonic() + patience_s), kind)
        except (WorkerLateError, WorkerGoneError, ProtocolError):
            return None

    def _complaint(self) -> str:
        lines = (self._scratch / "stderr.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "no error output"
