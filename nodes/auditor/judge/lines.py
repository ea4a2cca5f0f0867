"""Reads sealed files as numbered lines, in the form in which they are shown to the judge and quotes are checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
from pydantic import BaseModel

from bankable.nodes.auditor.harness.view import ReportedBenchmark
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.server_log import LogFacts, scan_log
from bankable.nodes.auditor.record import plain
from bankable.tools.evidence.harness import Measurement, Task
from bankable.tools.evidence.records import LegRecord, Plan
from bankable.tools.evidence.regular import regular_files
from bankable.tools.evidence.request import Request
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.route import Route

LONGEST = 4000
"""Characters of one line that are read."""
DOCUMENTS: tuple[tuple[re.Pattern[str], type[BaseModel]], ...] = (
    (re.compile(r"request\.json"), Request),
    (re.compile(r"operators?/([^/]+/)?claim\.json"), ReportedBenchmark),
    (re.compile(r"operators?/([^/]+/)?task\.json"), Task),
    (re.compile(r"operators?/([^/]+/)?measurement\.json"), Measurement),
    (re.compile(r"profile/profile\.json"), Profile),
    (re.compile(r"profile/route\.json"), Route),
    (re.compile(r"(.+/)?claim\.json"), ReportedClaim),
    (re.compile(r"(.+/)?plan\.json"), Plan),
    (re.compile(r"(.+/)?leg\.json"), LegRecord),
)
"""Record type by path: only the record's fields are shown, so that no other field can address the judge."""
_KEY = re.compile(r'^  "((?:[^"\\]|\\.)*)": ')


class SealedLines:
    """The files of one sealed folder as numbered lines."""

    def __init__(self, folder: Path) -> None:
        self._reader = Reader(folder)
        self.files = tuple(name for name, _ in regular_files(folder))

    def lines(self, name: str) -> Iterator[tuple[int, str]]:
        """(number, text) of the lines that may be shown, with control characters escaped."""
        hidden = self._find_hidden(name) if name in self.files else None
        if hidden is None:
            return
        for number, text in self._reader.text(name, LONGEST):
            if number not in hidden:
                yield number, _escape(text)

    def scan_log(self, name: str) -> LogFacts:
        """Summary of a server's log, with the same line numbers."""
        return scan_log(self._reader.blocks(name))

    def _find_hidden(self, name: str) -> set[int] | None:
        """Lines of fields that the record does not have; ``None`` when the whole file is left out."""
        kind = next((model for pattern, model in DOCUMENTS if pattern.fullmatch(name)), None)
        if kind is None:
            return set()
        document = self._reader.document(name)
        if document is None or self._reader.validate(document, kind, name, None) is None:
            return None
        extra = document.keys() - kind.model_fields.keys()
        if not extra:
            return set()
        text = [line for _, line in self._reader.text(name, LONGEST)]
        if "\n".join(text).rstrip() != orjson.dumps(document, option=orjson.OPT_INDENT_2).decode():
            return None  # another formatting than the run's: the end of a field cannot be located
        return _find_lines(extra, text)


def _find_lines(keys: set[str], text: list[str]) -> set[int]:
    """Numbers of the lines that belong to these top-level keys of an indented document."""
    numbers, inside = set[int](), False
    for number, line in enumerate(text, 1):
        key = _KEY.match(line)
        if key is not None:
            inside = orjson.loads(f'"{key[1]}"') in keys
        elif line == "}":
            inside = False
        if inside:
            numbers.add(number)
    return numbers


def _escape(text: str) -> str:
    return "".join(plain(text[start : start + 800]) for start in range(0, len(text), 800)).replace("\\u0009", "    ")
