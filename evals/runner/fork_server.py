"""An auditor that is loaded once and forked for each audit: every verdict still comes from a process of its own.

Started as the auditor's process is: isolated, with its environment and nothing else. On standard input one folder a
line, as JSON; on standard output for each a line ``STATUS BYTES`` and the verdict.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable

import orjson

from bankable.nodes.auditor.__main__ import main as audit

ONE = "1"
"""Number of processes of one audit: several audits run at the same time."""
TIMED_OUT = 124


def serve(limit_s: float, run: Callable[[list[str]], int] = audit) -> None:
    """Until standard input ends."""
    gc.set_threshold(100_000)
    gc.freeze()
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        status, data = _audit(str(orjson.loads(line)), limit_s, run)
        out.write(b"%d %d\n" % (status, len(data)) + data)
        out.flush()


def _audit(folder: str, limit_s: float, run: Callable[[list[str]], int]) -> tuple[int, bytes]:
    """Exit status and output of a fork; negative for a signal."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _in_child(folder, writing, run)
    os.close(writing)
    data, ended = bytearray(), time.monotonic() + limit_s
    late = False
    with open(reading, "rb", buffering=0) as source:
        while True:
            ready, _, _ = select.select([source], [], [], max(0.0, ended - time.monotonic()))
            if not ready:
                late = True
                os.kill(child, signal.SIGKILL)
                break
            piece = source.read(1 << 20)
            if not piece:
                break
            data += piece
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return (TIMED_OUT, b"") if late else (status, bytes(data))


def _in_child(folder: str, writing: int, run: Callable[[list[str]], int]) -> None:
    """Never returns: the inherited state must not be cleaned up twice."""
    code = 70
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 2)
        os.dup2(writing, 1)
        code = run([folder, ONE])
        sys.stdout.flush()
    finally:
        os._exit(code)
