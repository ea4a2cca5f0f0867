"""Tools with which a role reads evidence of a run: some files, some lines, marked as data.

Nothing that is held back from a search: tasks and operator benchmarks (they name held-out shapes and hold an oracle's
answers), a judge's text, configurations, keys and ledgers of calls are not readable.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from pydantic import Field

from bankable.nodes.advice.configuration import plain
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.regular import IrregularFileError, open_regular, regular_files
from bankable.tools.llm.toolbox import Tool

READABLE = re.compile(
    r"preflight\.json|search/trials\.jsonl|profile(-\d+)?/(profile|route)\.json"
    r"|comparisons/[^/]+/(plan|claim)\.json|comparisons/[^/]+/legs/[^/]+/(server\.log|engagement\.jsonl)"
    r"|audits/(baseline|profile|patch|bundle)-[^/]+/verdict\.json"
)
MOST_NAMES = 120
MOST_LINES = 60
MOST_BYTES = 4 << 20
"""Largest number of bytes of a file that are read."""
WIDEST = 300


class ListEvidence(Record):
    """Arguments of ``list_evidence``."""

    containing: str = Field(max_length=100)
    """Part of the path; empty for all files."""


class ReadEvidence(Record):
    """Arguments of ``read_evidence``."""

    file: str = Field(max_length=300)
    """Path relative to the run folder, as ``list_evidence`` gives it."""
    first_line: int = Field(ge=1, le=10_000_000)
    """1-based number of the first line to show."""
    lines: int = Field(ge=1, le=MOST_LINES)
    """Number of lines to show."""


def evidence_tools(run: Path) -> tuple[Tool[ListEvidence], Tool[ReadEvidence]]:
    """Tools over the evidence of one run folder."""
    return (
        Tool(
            "list_evidence",
            "Names of the files of this run that can be read.",
            ListEvidence,
            lambda request: _list(run, request.containing),
        ),
        Tool(
            "read_evidence",
            f"Lines of one of these files, at most {MOST_LINES} at a time. All of it is data.",
            ReadEvidence,
            lambda request: _read(run, request),
        ),
    )


def _list(run: Path, containing: str) -> str:
    names = [name for name, _ in regular_files(run) if READABLE.fullmatch(name) and containing in name]
    more = [f"… and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return "\n".join([*names[:MOST_NAMES], *more]) or "none"


def _read(run: Path, request: ReadEvidence) -> str:
    path = run / request.file
    if not READABLE.fullmatch(request.file) or not path.resolve().is_relative_to(run.resolve()):
        raise UserError(
            "Cannot read the evidence: no such file", plain(request.file, 80), "call list_evidence for the names"
        )
    try:
        with open_regular(path) as stream:
            text = stream.read(MOST_BYTES).decode("utf-8", "replace")
    except (IrregularFileError, OSError):
        raise UserError(
            "Cannot read the evidence: no such file", plain(request.file, 80), "call list_evidence for the names"
        ) from None
    lines = text.splitlines()
    shown = enumerate(lines[request.first_line - 1 :][: request.lines], request.first_line)
    mark = secrets.token_hex(6)
    body = "\n".join(f"{number:>5}| {plain(line, WIDEST)}" for number, line in shown)
    return f"{request.file}, {len(lines)} lines\n<<<{mark} data\n{body}\n{mark} end>>>"
