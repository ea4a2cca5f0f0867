"""Renders the evidence for the judge: fenced by markers, with line numbers, within a token budget."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bankable.nodes.auditor.judge.lines import SealedLines
from bankable.nodes.auditor.judge.order import group_files, list_non_source_files
from bankable.nodes.auditor.judge.orders import TOKENS
from bankable.nodes.auditor.reading.digests import hash_files
from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.llm.tokens import estimate

MARK_TOKENS = 80
"""Tokens for the two marker lines of a file."""
WIDEST = 400
"""Characters of one line that are shown."""
HEAD_SHARE = 0.7
"""Share of a truncated file that is taken from its beginning; the rest is from its end."""
MOST_TAIL = 20_000
"""Lines that are held back as the possible end of a file."""
LOG_HEAD, LOG_TAIL = 5, 10
"""Lines from the beginning and end of a log."""
GAP = "…"

Line = tuple[int, str]


@dataclass(frozen=True)
class Brief:
    """What the judge is shown."""

    text: str
    """The user message."""
    evidence: str
    """sha256 over paths and digests of all sealed files, equal to the seal's."""
    lines: dict[str, dict[int, str]] = field(repr=False)
    """Every line that is shown, by file and line number; only these can be quoted."""
    left_out: tuple[str, ...]
    """Files left out: over the budget, not a source file, or not in the form of their record."""


def build_brief(folder: Path, tokens: int = TOKENS) -> Brief:
    """Render a sealed folder within ``tokens`` (estimated). The same evidence and budget give the same text."""
    sealed = SealedLines(folder)
    evidence = digest(canonical({entry.file: entry.sha256 for entry in hash_files(folder)}))
    # No file can hold the digest of the folder that it is in, so evidence cannot forge a marker.
    mark = evidence[:24]
    parts: list[str] = []
    shown: dict[str, dict[int, str]] = {}
    left_out = list(list_non_source_files(sealed.files))
    left = tokens
    for group in group_files(sealed.files):
        room = min(left, int(group.share * tokens))
        for index, name in enumerate(group.files):
            lines = _excerpt(sealed, name) if group.log else sealed.lines(name)
            chosen = _choose_lines(lines, room // (len(group.files) - index) - MARK_TOKENS)
            if not chosen:
                left_out.append(name)
                continue
            part = "\n".join([f"<<<{mark} file {_escape_name(name)}>>>", *_number_lines(chosen), f"<<<{mark} end>>>"])
            spent = estimate(part)
            room, left = room - spent, left - spent
            parts.append(part)
            shown[name] = dict(chosen)
    return Brief("\n\n".join(parts), evidence, shown, tuple(left_out))


def _excerpt(sealed: SealedLines, name: str) -> Iterator[Line]:
    """The faults, beginning and end of a log."""
    summary = sealed.scan_log(name)
    faults = {number for number, _ in summary.faults}
    for number, text in sealed.lines(name):
        if number in faults or number <= LOG_HEAD or number > summary.lines - LOG_TAIL:
            yield number, text


def _choose_lines(lines: Iterable[Line], room: int) -> list[Line]:
    """The lines that fit in ``room`` tokens: all, or some from the beginning and some from the end."""
    head: list[Line] = []
    rest: deque[Line] = deque(maxlen=MOST_TAIL)
    left = int(room * HEAD_SHARE)
    for line in lines:
        left -= _estimate_line(line)
        if left >= 0:
            head.append(line)
        else:
            left = -1
            rest.append(line)
    left = room - sum(map(_estimate_line, head)) - 2
    tail: list[Line] = []
    while rest and (left := left - _estimate_line(rest[-1])) >= 0:
        tail.append(rest.pop())
    return [*head, *reversed(tail)]


def _number_lines(lines: Iterable[Line]) -> Iterator[str]:
    before: int | None = None
    for number, text in lines:
        if before is not None and number != before + 1:
            yield GAP
        yield _format_line((number, text))
        before = number


def _format_line(line: Line) -> str:
    return f"{line[0]:>5}| {line[1][:WIDEST]}{GAP if len(line[1]) > WIDEST else ''}"


def _estimate_line(line: Line) -> int:
    return estimate(_format_line(line)) + 1


def _escape_name(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:300]
