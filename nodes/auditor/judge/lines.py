"""Sealed files line by line, in the one form in which the judge is shown them and its quotes are checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
from pydantic import BaseModel

from bankable.nodes.auditor.harness.view import ReportedBenchmark
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.server_log import LogFacts, facts
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
"""Of a document only the fields that its record has are shown: there is no place in it for a word to the judge."""
_KEY = re.compile(r'^  "((?:[^"\\]|\\.)*)": ')


class SealedLines:
    """The files of one sealed folder as numbered lines."""

    def __init__(self, folder: Path) -> None:
        self._reader = Reader(folder)
        self.files = tuple(name for name, _ in regular_files(folder))

    def lines(self, name: str) -> Iterator[tuple[int, str]]:
        """(number, text) of the lines that may be shown. Control characters are visible, and have no effect."""
        hidden = self._hidden(name) if name in self.files else None
        if hidden is None:
            return
        for number, text in self._reader.text(name, LONGEST):
            if number not in hidden:
                yield number, _visible(text)

    def log_facts(self, name: str) -> LogFacts:
        """What a server's log says of load and faults, by the same line numbers."""
        return facts(self._reader.blocks(name))

    def _hidden(self, name: str) -> set[int] | None:
        """Lines with fields that the record does not have; ``None`` when the file is to be left out as a whole."""
        kind = next((model for pattern, model in DOCUMENTS if pattern.fullmatch(name)), None)
        if kind is None:
            return set()
        document = self._reader.document(name)
        if document is None or self._reader.typed(document, kind, name, None) is None:
            return None
        surplus = document.keys() - kind.model_fields.keys()
        if not surplus:
            return set()
        text = [line for _, line in self._reader.text(name, LONGEST)]
        if "\n".join(text).rstrip() != orjson.dumps(document, option=orjson.OPT_INDENT_2).decode():
            return None  # not in the form in which the run writes: where a field ends cannot be told
        return _lines_of(surplus, text)


def _lines_of(keys: set[str], text: list[str]) -> set[int]:
    """Numbers of the lines that belong to these top-level keys of an indented document."""
    found, inside = set[int](), False
    for number, line in enumerate(text, 1):
        key = _KEY.match(line)
        if key is not None:
            inside = orjson.loads(f'"{key[1]}"') in keys
        elif line == "}":
            inside = False
        if inside:
            found.add(number)
    return found


def _visible(text: str) -> str:
    return "".join(plain(text[start : start + 800]) for start in range(0, len(text), 800)).replace("\\u0009", "    ")
