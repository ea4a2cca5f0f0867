"""A process under the engine's interpreter that starts a fresh process for every job, and how these ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bankable.kernels.sandbox.limits import End, Ended, Limits
from bankable.tools.errors import UserError
from bankable.tools.package import program
from bankable.tools.serving.environment import isolated

PROGRAM = "bankable.kernels.worker.fork_server"
START_S = 900.0
"""Importing torch takes two seconds on a quiet machine."""
SLACK_S = 120.0
"""Past a job's wall limit, for the fork server itself to answer."""
NEARLY = 0.7
"""Share of its memory that a job had used when it died, to say that it died of that."""


@dataclass(frozen=True)
class Answer:
    """What a job said, shape by shape, and how its process ended."""

    replies: tuple[dict[str, Any], ...]
    ended: Ended
    folder: Path
    """Where its files lie."""


class ForkServer:
    """Use as a context manager; its end takes every process along."""

    def __init__(
        self, python: Path, threads: int = 1, scratch: Path | None = None, cores: Collection[int] = ()
    ) -> None:
        """``cores``: those that it and all its jobs stay on; all where none is named."""
        self._scratch = Path(tempfile.mkdtemp(prefix="bankable-kernels-", dir=scratch))
        read_end, write_end = os.pipe()
        threads_env = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        complaint = (self._scratch / "stderr.txt").open("wb")
        try:
            self._process = subprocess.Popen(
                [str(python), *program(PROGRAM, str(write_end))],
                env=isolated({**threads_env, "OPENBLAS_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}),
                cwd=self._scratch,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                pass_fds=(write_end,),
                start_new_session=True,
            )
        except OSError as problem:
            raise UserError("engine interpreter does not start", str(python), str(problem)) from problem
        finally:
            complaint.close()
            os.close(write_end)
        if cores:
            os.sched_setaffinity(self._process.pid, cores)  # it imports for a second: no job was started yet
        self._replies = os.fdopen(read_end, "rb", buffering=0)
        self._pending = b""
        self._jobs = 0
        hello = self._line(START_S)
        if hello is None:
            complained = self._complaint()
            self.close()
            raise UserError("the engine cannot import torch", str(python), complained)
        self.network: str = hello["network"]
        """``off``, or why candidates could have reached a network."""
        self.landlock: str = hello["landlock"]
        """``on``, or why a kernel's process could have read and written other files than its own."""
        self.torch: str = hello["torch"]
        self._base_rss = int(hello["rss_bytes"])

    def run(self, kind: str, job: Mapping[str, Any], limits: Limits | None = None) -> Answer:
        """Run one job to its end. Raises ``UserError`` only when the fork server itself is gone."""
        limits = limits or Limits()
        self._jobs += 1
        folder = self._scratch / f"job-{self._jobs:05d}"
        folder.mkdir()
        message = {
            **job,
            "kind": kind,
            "id": self._jobs,
            "folder": str(folder),
            "wall_s": limits.wall_s,
            "cpu_s": limits.cpu_s,
            "memory_bytes": limits.memory_bytes,
        }
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        said = self._line(limits.wall_s + SLACK_S)
        if said is None or said["id"] != self._jobs:
            raise UserError("the process that starts kernels is gone", PROGRAM, "run the operator benchmark again")
        return Answer(tuple(_replies(folder / "replies.jsonl")), self._ended(said, folder, limits), folder)

    def close(self) -> None:
        """Stop it and remove what its jobs left; safe to call twice."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._replies.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ended(self, said: Mapping[str, Any], folder: Path, limits: Limits) -> Ended:
        end, why = self._reason(said, folder, limits)
        return Ended(end, why, said["pid"], said["wall_s"], said["cpu_s"], said["max_rss_bytes"])

    def _reason(self, said: Mapping[str, Any], folder: Path, limits: Limits) -> tuple[End, str]:
        raised = folder / "raised.txt"
        if said["timed_out"]:
            return "wall_limit", f"no end after {limits.wall_s:g} s"
        if said["signal"] == signal.SIGXCPU or (said["signal"] and said["cpu_s"] >= limits.cpu_s):
            return "cpu_limit", f"more than {limits.cpu_s} s of CPU time"
        used = said["max_rss_bytes"] - self._base_rss
        text = raised.read_text(encoding="utf-8", errors="replace")[:300] if raised.is_file() else ""
        if (
            "MemoryError" in text
            or "allocate memory" in text
            or (said["signal"] and used > NEARLY * limits.memory_bytes)
        ):
            return "memory_limit", f"more than {limits.memory_bytes >> 20} MiB"
        if said["signal"]:
            return "crashed", f"ended by {signal.Signals(said['signal']).name}"
        if text or said["exit"]:
            return "raised", text or f"exit status {said['exit']}"
        return "answered", ""

    def _line(self, patience_s: float) -> dict[str, Any] | None:
        """The next reply of the fork server; ``None`` when there is none in time."""
        deadline = time.monotonic() + patience_s
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._replies], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self._replies.fileno(), 1 << 16) if ready else b""
            if not piece:
                return None
            self._pending += piece
        line, self._pending = self._pending.split(b"\n", 1)
        said: dict[str, Any] = json.loads(line)
        return said

    def _complaint(self) -> str:
        lines = (self._scratch / "stderr.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def _replies(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines that are objects; what a dying process left of a line is dropped."""
    if not path.is_file():
        return
    for line in path.read_bytes().split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry
