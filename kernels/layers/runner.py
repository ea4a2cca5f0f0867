"""Runs a layer in a process of its own, within its time, as often as it may be tried."""

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
from typing import Any

from kernels.layers.layer import Outcome
from kernels.layers.subject import Subject
from tools.serving.environment import isolated

REPOSITORY = Path(__file__).resolve().parents[2]
MOST_REPLY = 4 << 20
"""Bytes that a layer may answer."""


@dataclass
class Attempt:
    """What came of one process."""

    outcome: Outcome
    why: str = ""
    found: dict[str, Any] | None = None
    """As the layer wrote it, not checked yet."""
    described: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def run_layer(reference: str, subject: Subject, place: Path, limit_s: float) -> Attempt:
    """One attempt. Never raises for what the layer does."""
    place.mkdir(parents=True, exist_ok=True)
    job = {"describe": False, "subject": subject.model_dump(mode="json"), "place": str(place.resolve())}
    return _run(reference, job, place, limit_s)


def describe(reference: str, place: Path, limit_s: float = 60.0) -> Attempt:
    """Import a plug-in and ask what it is."""
    place.mkdir(parents=True, exist_ok=True)
    return _run(reference, {"describe": True}, place, limit_s)


def _run(reference: str, job: dict[str, Any], place: Path, limit_s: float) -> Attempt:
    message = json.dumps({**job, "reference": reference, "path": [entry for entry in sys.path if entry]})
    read_end, write_end = os.pipe()
    try:
        with (place / "said.txt").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "kernels.layers.worker", str(write_end)], cwd=place, stdin=subprocess.PIPE,
                stdout=said, stderr=said, env=isolated({"PYTHONPATH": str(REPOSITORY)}), pass_fds=(write_end,),
                start_new_session=True,
            )  # fmt: skip
        os.close(write_end)
        write_end = -1
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin as target:
                target.write(message.encode())
            replies, in_time = _read(read_end, time.monotonic() + limit_s)
        finally:
            _end(process)
    finally:
        os.close(read_end)
        if write_end >= 0:
            os.close(write_end)
    return _judged(replies, in_time, process.returncode, limit_s)


def _judged(replies: list[dict[str, Any]], in_time: bool, status: int, limit_s: float) -> Attempt:
    """The outcome, from what was said and how it ended."""
    attempt = Attempt("failed")
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
    if not in_time:
        attempt.outcome, attempt.why = "timed_out", f"no end after {limit_s:g} s, last heard of: {last}"
    else:
        how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        attempt.why = f"no answer, {how}, last heard of: {last}"
    return attempt


def _read(source: int, deadline: float) -> tuple[list[dict[str, Any]], bool]:
    """Replies until the other end is closed; false where the time was over first."""
    content = b""
    while len(content) < MOST_REPLY:
        ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return list(_lines(content)), False
        piece = os.read(source, 1 << 16)
        if not piece:
            break
        content += piece
    return list(_lines(content)), True


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the process and everything that it started, in whatever group that is by now."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.2)
    family = _descendants(process.pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _descendants(pid: int) -> list[int]:
    """Processes below one, as the kernel lists them; none where it does not."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for path in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError, ValueError):
                below = [int(part) for part in path.read_text(encoding="ascii").split()]
                found += below
                waiting += below
    return found
