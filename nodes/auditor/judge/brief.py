"""The evidence as the judge is shown it: fenced, numbered, within a budget of tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bankable.nodes.auditor.judge.lines import SealedLines
from bankable.nodes.auditor.judge.order import groups, kept_out
from bankable.nodes.auditor.judge.orders import TOKENS
from bankable.nodes.auditor.reading.digests import digests
from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.llm.tokens import estimate

MARK_TOKENS = 80
"""For the two marker lines of a file."""
WIDEST = 400
"""Characters of one line that are shown."""
HEAD_SHARE = 0.7
"""Of a file that does not fit: so much from its beginning, the rest from its end."""
MOST_TAIL = 20_000
"""Lines kept in case they are the end."""
LOG_HEAD, LOG_TAIL = 5, 10
GAP = "…"

Line = tuple[int, str]


@dataclass(frozen=True)
class Brief:
    """What the judge is shown."""

    text: str
    evidence: str
    """sha256 over paths and digests of all sealed files, as of the seal."""
    lines: dict[str, dict[int, str]] = field(repr=False)
    """Every line that is shown, by file and number: what can be quoted."""
    left_out: tuple[str, ...]
    """Files for which there was no room, that are no source, or that are not in the form of their record."""


def brief(folder: Path, tokens: int = TOKENS) -> Brief:
    """Render a sealed folder. The same evidence and budget give the same text."""
    sealed = SealedLines(folder)
    evidence = digest(canonical({it.file: it.sha256 for it in digests(folder)}))
    # No file can hold the digest of a folder that it lies in: evidence cannot write a marker of its own.
    mark = evidence[:24]
    parts: list[str] = []
    shown: dict[str, dict[int, str]] = {}
    left_out = list(kept_out(sealed.files))
    left = tokens
    for group in groups(sealed.files):
        room = min(left, int(group.share * tokens))
        for index, name in enumerate(group.files):
            lines = _excerpt(sealed, name) if group.log else sealed.lines(name)
            chosen = _chosen(lines, room // (len(group.files) - index) - MARK_TOKENS)
            if not chosen:
                left_out.append(name)
                continue
            part = "\n".join([f"<<<{mark} file {_printable(name)}>>>", *_numbered(chosen), f"<<<{mark} end>>>"])
            spent = estimate(part)
            room, left = room - spent, left - spent
            parts.append(part)
            shown[name] = dict(chosen)
    return Brief("\n\n".join(parts), evidence, shown, tuple(left_out))


def _excerpt(sealed: SealedLines, name: str) -> Iterator[Line]:
    """Of a log: its faults, beginning and end."""
    found = sealed.log_facts(name)
    faults = {number for number, _ in found.faults}
    for number, text in sealed.lines(name):
        if number in faults or number <= LOG_HEAD or number > found.lines - LOG_TAIL:
            yield number, text


def _chosen(lines: Iterable[Line], room: int) -> list[Line]:
    """The lines that fit: all of them, or some of the beginning and some of the end."""
    head: list[Line] = []
    rest: deque[Line] = deque(maxlen=MOST_TAIL)
    left = int(room * HEAD_SHARE)
    for line in lines:
        left -= _cost(line)
        if left >= 0:
            head.append(line)
        else:
            left = -1
            rest.append(line)
    left = room - sum(map(_cost, head)) - 2
    tail: list[Line] = []
    while rest and (left := left - _cost(rest[-1])) >= 0:
        tail.append(rest.pop())
    return [*head, *reversed(tail)]


def _numbered(lines: Iterable[Line]) -> Iterator[str]:
    before: int | None = None
    for number, text in lines:
        if before is not None and number != before + 1:
            yield GAP
        yield _shown((number, text))
        before = number


def _shown(line: Line) -> str:
    return f"{line[0]:>5}| {line[1][:WIDEST]}{GAP if len(line[1]) > WIDEST else ''}"


def _cost(line: Line) -> int:
    return estimate(_shown(line)) + 1


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:300]
