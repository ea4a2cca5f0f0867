"""Classifies a server's failure, from exit status and log. The log is untrusted: read within limits, line by line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bankable.tools.evidence.records import Failure

HEAD_BYTES = 512 * 1024
TAIL_BYTES = 2 * 1024 * 1024
"""Of a longer log only this much of either end is read."""
LINE_LIMIT = 500
"""Characters of a line that are matched and reported."""

StartFailure = Literal["out_of_memory", "bad_flag", "port_taken", "died_early"]
SIGKILL_STATUS = -9

PATTERNS: tuple[tuple[StartFailure, re.Pattern[str]], ...] = (
    (
        "out_of_memory",
        re.compile(
            r"out of memory|OutOfMemoryError|Not enough memory|can't allocate memory|Cannot allocate memory"
            r"|\bMemoryError\b"
            r"|leave no (?:\w+ )?memory|no KV cache (?:memory|blocks)|hipErrorOutOfMemory|CUDA_ERROR_OUT_OF_MEMORY"
            r"|std::bad_alloc",
            re.IGNORECASE,
        ),
    ),
    (
        "bad_flag",
        re.compile(
            r"error: (?:unrecognized arguments|argument --?[\w-]+|the following arguments are required"
            r"|ambiguous option)"
            r"|\bexpected (?:one|at least one) argument\b"
        ),
    ),
    (
        "port_taken",
        re.compile(
            r"address already in use|EADDRINUSE|port \d+ is (?:already )?(?:in use|not available)", re.IGNORECASE
        ),
    ),
)
"""In order of precedence: an engine that runs out of memory may complain about other things as it goes down."""
EXCEPTION = re.compile(r"^(?:\[[^\]]*\]\s*)?(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b")
"""The last line of a Python traceback, with or without sglang's time stamp in front."""


@dataclass(frozen=True)
class LogLine:
    """A line and its 1-based number; the number is ``None`` after a gap that was not read."""

    text: str
    number: int | None


def read_log(log: Path) -> list[LogLine]:
    """The log's lines, the middle of a long one left out. An unreadable log has no lines."""
    try:
        with log.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            head = source.read(HEAD_BYTES + TAIL_BYTES if size <= HEAD_BYTES + TAIL_BYTES else HEAD_BYTES)
            tail = b""
            if size > HEAD_BYTES + TAIL_BYTES:
                source.seek(size - TAIL_BYTES)
                tail = source.read(TAIL_BYTES)
    except OSError:
        return []
    lines = [LogLine(text, number) for number, text in enumerate(_lines(head), start=1)]
    return lines + [LogLine(text, None) for text in _lines(tail)]


def _lines(raw: bytes) -> list[str]:
    return [_clean(line.decode("utf-8", "replace")[:LINE_LIMIT]) for line in raw.split(b"\n")]


def _clean(line: str) -> str:
    """Without control characters, which could rewrite a terminal that shows the line."""
    if not line.isprintable():
        line = "".join(char if char.isprintable() else " " for char in line)
    return line.rstrip()


def classify_start(exit_status: int, log: Path) -> Failure:
    """Why a server that ended before it was ready did so."""
    lines = read_log(log)
    for kind, pattern in PATTERNS:
        for line in lines:
            if pattern.search(line.text):
                return Failure(kind=kind, line=line.text, line_number=line.number)
    if exit_status == SIGKILL_STATUS and not any(EXCEPTION.search(line.text) for line in lines):
        # sglang kills itself after an exception, which the log then shows. Without one it was the kernel, which kills
        # when memory runs out; no process of ours sends KILL to a server that is still starting.
        return Failure(
            kind="out_of_memory", line="killed by signal 9 before it was ready, as the kernel does when memory runs out"
        )
    shown = telling_line(lines)
    if shown is None:
        return Failure(kind="died_early", line=f"ended with status {exit_status} and an empty log")
    return Failure(kind="died_early", line=shown.text, line_number=shown.number)


def classify_round(exit_status: int, log: Path) -> Failure:
    """A server that ended during a round: ``died_in_round``, with the log line that tells most."""
    lines = read_log(log)
    for _, pattern in PATTERNS:
        for line in lines:
            if pattern.search(line.text):
                return Failure(kind="died_in_round", line=line.text, line_number=line.number)
    shown = telling_line(lines)
    if shown is None or EXCEPTION.search(shown.text) is None:
        return Failure(kind="died_in_round", line=f"server ended with status {exit_status} during a round")
    return Failure(kind="died_in_round", line=shown.text, line_number=shown.number)


def stall_failure(log: Path, why: str) -> Failure:
    """A server that does not get ready: the awaited event, and the last line of its log."""
    lines = [line for line in read_log(log) if line.text.strip()]
    last = lines[-1] if lines else LogLine("", None)
    text = f"{why}; last line: {last.text}" if last.text else f"{why}; the log is empty"
    return Failure(kind="stalled", line=text[:LINE_LIMIT], line_number=last.number)


def telling_line(lines: list[LogLine]) -> LogLine | None:
    """The last line that names an exception, else the last line that is not blank."""
    for line in reversed(lines):
        if EXCEPTION.search(line.text):
            return line
    for line in reversed(lines):
        if line.text.strip():
            return line
    return None
