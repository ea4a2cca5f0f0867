"""The judge's side of a process that holds a module: it is stopped whenever no clock runs.

A process that is stopped cannot prepare the next answer, finish the last one, or look at what the judge does. Its
whole process group is stopped with it. Its clock is not asked.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pickle
import select
import signal
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankable.kernels.worker.kernelbench.arena import Arena
from bankable.kernels.worker.kernelbench.child import LENGTH_BYTES, HeldSource, serve

MOST_REPLY = 1 << 20
PIPE_BYTES = 32_000
"""A command up to this size fits the pipe while its reader is stopped."""
SET_CHILD_SUBREAPER = 36
SLICE_S = 0.2


class ContainedError(Exception):
    """The process ended, answered nothing in time, or answered nonsense."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


@dataclass(frozen=True)
class TimedReply:
    """A reply, and what it took."""

    body: dict[str, Any]
    wall_ns: int
    """On the judge's clock, from the moment that the process was continued to its reply."""
    cpu_ns: int
    """Of all threads of the process."""


class ContainedModule:
    """One process. Close it to end it."""

    def __init__(self, arena: Arena, subject: HeldSource) -> None:
        read_commands, self._commands = os.pipe()
        self._replies, write_replies = os.pipe()
        self._ended = ""
        self.wall_ns = self.cpu_ns = 0
        """Of all calls so far."""
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            _close_all_but(0, 1, 2, read_commands, write_replies)  # the judge's own reply is a file that is open here
            serve(read_commands, write_replies, arena, subject)
        os.close(read_commands)
        os.close(write_replies)
        with contextlib.suppress(OSError):
            os.setpgid(self.pid, self.pid)
        self._stop()

    def ask(self, command: dict[str, Any], limit_s: float) -> TimedReply:
        """Let it run until it has answered. Raises ``ContainedError`` when it does not, or not in time."""
        if self._ended:
            raise ContainedError("crashes", self._ended)
        body = pickle.dumps(command)
        message = len(body).to_bytes(LENGTH_BYTES, "big") + body
        self._drop_early_replies()
        if len(message) > PIPE_BYTES:
            os.killpg(self.pid, signal.SIGCONT)
        while message:
            message = message[os.write(self._commands, message) :]
        cpu_before = self._cpu_ns()
        start = time.perf_counter_ns()
        os.killpg(self.pid, signal.SIGCONT)
        try:
            line = self._line(start + int(limit_s * 1e9))
            wall_ns = time.perf_counter_ns() - start
        finally:
            self._stop()
        cpu_ns = self._cpu_ns() - cpu_before
        try:
            reply = json.loads(line)
        except ValueError:
            raise ContainedError("forges_replies", "its reply is no JSON") from None
        if not isinstance(reply, dict):
            raise ContainedError("forges_replies", "its reply is no object")
        return TimedReply(reply, wall_ns, cpu_ns)

    def close(self) -> None:
        """End it and its group; safe to call twice."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self._ended:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self._ended = "closed"
            os.close(self._commands)
            os.close(self._replies)

    def _line(self, deadline_ns: int) -> bytes:
        """Its next line."""
        data = b""
        while b"\n" not in data:
            left = (deadline_ns - time.perf_counter_ns()) / 1e9
            if left <= 0:
                raise ContainedError("times_out", "no answer in time")
            ready, _, _ = select.select([self._replies], [], [], min(left, SLICE_S))
            if ready:
                piece = os.read(self._replies, MOST_REPLY)
                data += piece
                if len(data) > MOST_REPLY:
                    raise ContainedError("forges_replies", "its reply is too long")
                if piece:
                    continue
            self._look()
            if self._ended:
                raise ContainedError("crashes", self._ended)
        return data.partition(b"\n")[0]

    def _drop_early_replies(self) -> None:
        """What it wrote before the command is no answer to it."""
        while select.select([self._replies], [], [], 0)[0] and os.read(self._replies, MOST_REPLY):
            pass

    def _look(self) -> None:
        """Note it when the process has ended."""
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._note(status)

    def _stop(self) -> None:
        """Stop the group, and wait until it has stopped."""
        if self._ended:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGSTOP)
        with contextlib.suppress(ChildProcessError):
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                self._note(status)

    def _note(self, status: int) -> None:
        if os.WIFSIGNALED(status):
            self._ended = f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
        else:
            self._ended = f"ended with exit status {os.WEXITSTATUS(status)}"

    def _cpu_ns(self) -> int:
        """Processor time of all its threads; 0 where it has ended."""
        with contextlib.suppress(OSError):
            return time.clock_gettime_ns((~self.pid << 3) | 2)
        return 0


def _close_all_but(*kept: int) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


def left_processes(parents: Collection[int], known: Collection[int]) -> list[int]:
    """Processes that some of ``parents`` started and that are there still, but for those that are known."""
    left = []
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if place.name.isdecimal() and int(place.name) not in known:
                fields = (place / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
                if int(fields[1]) in parents:
                    left.append(int(place.name))
    return left


def adopt_orphans() -> None:
    """Make processes whose parents have ended children of this one, so that none escapes being counted."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
