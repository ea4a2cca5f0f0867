"""Bounded, suspicious reading of files that somebody else wrote.

Nothing in here raises on bad content: what cannot be used is reported as a ``Problem`` with file and line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

MAX_LINE_BYTES = 64 << 20
MAX_FILE_BYTES = 512 << 20
MAX_LINES = 5_000_000
MAX_DEPTH = 64
MAX_PROBLEMS = 50
"""Per file; one more says that there are others."""

ProblemKind = Literal["torn", "malformed", "duplicate_key", "too_large", "too_deep", "invalid", "impossible"]
Model = TypeVar("Model", bound=BaseModel)
Json = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Something in an evidence file that could not be used as it stands."""

    file: str
    line: int | None
    kind: ProblemKind
    text: str


class Reader:
    """Reads files under one folder by relative path, and collects what is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self._repeated: list[str] = []
        self._decoder = json.JSONDecoder(object_pairs_hook=self._notice_repeats)

    def exists(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def folders(self, name: str) -> list[str]:
        """Names of the folders directly under ``name``, sorted."""
        place = self.folder / name
        return sorted(entry.name for entry in place.iterdir() if entry.is_dir()) if place.is_dir() else []

    def document(self, name: str) -> Json | None:
        """A JSON object that is a whole file; ``None`` when absent or unusable."""
        data = self._bytes(name)
        return None if data is None else self.parse(data, name, None)

    def model(self, name: str, kind: type[Model]) -> Model | None:
        """A whole file as a typed record; ``None`` when absent or unusable."""
        found = self.document(name)
        return None if found is None else self.typed(found, kind, name, None)

    def records(self, name: str, kind: type[Model]) -> tuple[Model, ...]:
        """A JSON-lines file as typed records; unusable lines are left out and reported."""
        typed = (self.typed(found, kind, name, line) for line, found in self.objects(name))
        return tuple(record for record in typed if record is not None)

    def objects(self, name: str) -> Iterator[tuple[int, Json]]:
        """(line number, object) for each usable line of a JSON-lines file."""
        for line, raw, ended in self._lines(name):
            if not raw.strip():
                continue
            found = self.parse(raw, name, line, torn=not ended)
            if found is not None:
                yield line, found

    def text(self, name: str, longest: int = 4000) -> Iterator[tuple[int, str]]:
        """(line number, text) for each line, cut at ``longest`` characters."""
        for line, raw, _ in self._lines(name):
            yield line, raw[: longest * 4].decode("utf-8", "replace")[:longest].rstrip("\r\n")

    def parse(self, data: bytes, name: str, line: int | None, *, torn: bool = False) -> Json | None:
        """One JSON object, checked for depth and repeated keys."""
        try:
            found = orjson.loads(data)
        except ValueError as cause:
            self.report(name, line, "torn" if torn else "malformed", str(cause))
            return None
        if not isinstance(found, dict):
            self.report(name, line, "malformed", f"expected an object, found {type(found).__name__}")
            return None
        if _depth_over(found, MAX_DEPTH):
            self.report(name, line, "too_deep", f"nested deeper than {MAX_DEPTH}")
            return None
        self._repeated.clear()
        self._decoder.decode(data.decode())
        for key in self._repeated:
            self.report(name, line, "duplicate_key", f"key {key[:80]!r} appears twice, the last one counts")
        return found

    def _notice_repeats(self, pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            names = [key for key, _ in pairs]
            self._repeated.extend(sorted({key for key in names if names.count(key) > 1}))

    def typed(self, found: Json, kind: type[Model], name: str, line: int | None) -> Model | None:
        try:
            return kind.model_validate(found)
        except ValidationError as cause:
            first = cause.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(step) for step in first["loc"])
            self.report(name, line, "invalid", f"{kind.__name__}.{place}: {first['msg']}"[:300])
            return None

    def report(self, name: str, line: int | None, kind: ProblemKind, text: str) -> None:
        already = sum(problem.file == name for problem in self.problems)
        if already < MAX_PROBLEMS:
            self.problems.append(Problem(name, line, kind, text))

    def _bytes(self, name: str) -> bytes | None:
        path = self.folder / name
        if not path.is_file():
            return None
        if path.stat().st_size > MAX_LINE_BYTES:
            self.report(name, None, "too_large", f"more than {MAX_LINE_BYTES} bytes")
            return None
        return path.read_bytes()

    def _lines(self, name: str) -> Iterator[tuple[int, bytes, bool]]:
        """(number, content, ends with a newline)."""
        path = self.folder / name
        if not path.is_file():
            return
        if path.stat().st_size > MAX_FILE_BYTES:
            self.report(name, None, "too_large", f"more than {MAX_FILE_BYTES} bytes")
            return
        with path.open("rb") as stream:
            for number in range(1, MAX_LINES + 1):
                raw = stream.readline(MAX_LINE_BYTES + 1)
                if not raw:
                    return
                if len(raw) > MAX_LINE_BYTES:
                    self.report(name, number, "too_large", f"line of more than {MAX_LINE_BYTES} bytes; reading stops")
                    return
                yield number, raw, raw.endswith(b"\n")


def _depth_over(value: Any, limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            entry
            for container in level
            for entry in (container.values() if isinstance(container, dict) else container)
            if isinstance(entry, dict | list)
        ]
        if not level:
            return False
    return True
