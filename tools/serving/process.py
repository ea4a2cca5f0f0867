"""A server's process group: starts, watches and stops it, and finds one that was left running."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bankable.tools.errors import UserError
from bankable.tools.serving.group import cpu_seconds, living, read_stat
from bankable.tools.serving.shared_files import find_load_files, remove_files

PID_FILE = "server.pid"
PID_FILE_LIMIT = 4096
"""Bytes; a longer one is not ours."""
POLL_S = 0.05
LEADER_S = 1.0
"""How long the other processes of a group get to follow their leader; sglang's take 0.2 s."""


class PidRecord(BaseModel):
    """``server.pid``: which process a later run may stop. The start time keeps a reused pid from being hit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    """Process id of the leader."""
    create_time: int
    """Clock ticks after boot, from ``/proc/PID/stat``."""
    boot_id: str
    """Boot id of the running kernel; after a restart of the machine the pid belongs to another process."""
    pgid: int
    """Process group, which is stopped as a whole."""


def boot_id() -> str:
    """Identifier of this boot of the machine; empty where the kernel does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass
class ServerProcess:
    """A running process group whose leader is the server's main process."""

    popen: subprocess.Popen[bytes]
    pid_file: Path
    lifeline: int
    """Write end of the pipe that the group dies with; -1 once closed."""

    @property
    def pid(self) -> int:
        """Of the leader; also the process group's id."""
        return self.popen.pid

    def exit_status(self) -> int | None:
        """``None`` while the leader runs; negative: killed by that signal."""
        return self.popen.poll()

    def cpu_seconds(self) -> float:
        """CPU time of the whole group so far."""
        return cpu_seconds(self.pid)

    def stop(self, grace_s: float = 10.0, kill_s: float = 10.0) -> None:
        """TERM to the group, KILL after ``grace_s``; returns when no process of the group is left. Safe to call twice.

        Raises ``RuntimeError`` when something survives KILL for ``kill_s`` (a process stuck in the kernel).
        """
        if self.lifeline < 0:
            return
        stop_group(self.pid, grace_s, kill_s, reap=self.popen.poll)
        os.close(self.lifeline)
        self.lifeline = -1
        self.pid_file.unlink(missing_ok=True)


def start(argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> ServerProcess:
    """Start ``argv`` in its own session, output to ``log`` (created exclusively), the lifeline as first argument.

    ``argv`` is an interpreter and a script that takes the descriptor's number first, as ``_spawn.py`` does.
    """
    read_end, write_end = os.pipe()
    try:
        with log.open("xb") as output:
            popen = subprocess.Popen(
                [*argv[:2], str(read_end), *argv[2:]],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(read_end,),
                start_new_session=True,
            )
    except FileExistsError as error:
        os.close(write_end)
        raise UserError(
            "Cannot start the server: its log exists already", str(log), "use a new folder: a log is never overwritten"
        ) from error
    except BaseException:
        os.close(write_end)
        raise
    finally:
        os.close(read_end)
    pid_file = log.with_name(PID_FILE)
    stat = read_stat(popen.pid)
    record = PidRecord(pid=popen.pid, create_time=stat.start_ticks if stat else 0, boot_id=boot_id(), pgid=popen.pid)
    pid_file.write_text(record.model_dump_json() + "\n", encoding="utf-8")
    return ServerProcess(popen=popen, pid_file=pid_file, lifeline=write_end)


def stop_group(group: int, grace_s: float, kill_s: float, reap: Callable[[], object] = lambda: None) -> None:
    """TERM, then KILL, the processes of one group and wait until none is left; ``reap`` collects our own child.

    Before the whole group is killed its leader is: sglang's other processes end with their parent, and Python's
    resource tracker, the one that does not, then removes the semaphores which they shared. Files that they shared
    otherwise are removed here.
    """
    shared = find_load_files(living(group))
    steps = (
        (os.killpg, signal.SIGTERM, grace_s),
        (os.kill, signal.SIGKILL, LEADER_S),
        (os.killpg, signal.SIGKILL, kill_s),
    )
    for send, number, patience in steps:
        with contextlib.suppress(ProcessLookupError):
            send(group, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            reap()
            if not living(group):
                reap()  # the leader may have died between the two lines above
                remove_files(shared)
                return
            time.sleep(POLL_S)
    raise RuntimeError(f"processes {living(group)} of group {group} survived SIGKILL for {kill_s:.0f} s")


def kill_orphan(pid_file: Path, grace_s: float = 2.0) -> bool:
    """Stop the server that a killed run left behind; True when one was running.

    Only when pid, start time and boot in the file match a living group leader: a reused pid is never hit. The file is
    removed when it is ours and nothing runs any more; an unreadable one is left alone.
    """
    try:
        with pid_file.open("rb") as source:
            record = PidRecord.model_validate(json.loads(source.read(PID_FILE_LIMIT)))
    except (OSError, ValueError, ValidationError):
        return False
    leader = read_stat(record.pid)
    ours = (
        record.boot_id == boot_id()
        and record.pid == record.pgid
        and record.pid > 1
        and leader is not None
        and leader.start_ticks == record.create_time
        and leader.group == record.pgid
    )
    if ours:
        stop_group(record.pgid, grace_s, kill_s=10.0)
    pid_file.unlink(missing_ok=True)
    return ours
