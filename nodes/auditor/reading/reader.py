"""Reads untrusted files within bounds on size, depth and number of records.

Bad content never raises: what cannot be used is reported as a ``Problem`` with file and line. Bytes are hashed as they
are read, so the digest in a verdict is that of the bytes that were judged. Problem texts are written here and never
taken from a library, so that they do not depend on its version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bankable.nodes.auditor.reading.chunked import Sinks, load_chunked
from bankable.nodes.auditor.reading.shape import (
    LARGE,
    count_keys,
    find_repeated_keys,
    has_too_many_containers,
    is_plain,
    may_repeat_a_key,
)
from bankable.nodes.auditor.reading.unusable import describe_non_json, find_out_of_range, leave_out
from bankable.tools.evidence.canonical import digest, file_digest
from bankable.tools.evidence.hashing import Hashing
from bankable.tools.evidence.regular import IrregularFileError, open_regular, printable_name, stamp

MAX_LINE_BYTES = 64 << 20
MAX_FILE_BYTES = 512 << 20
MAX_LINES = 5_000_000
MAX_RECORDS = 200_000
"""Typed records of one file: two days of host samples at 1 Hz."""
MAX_DEPTH = 64
MAX_PROBLEMS = 50
"""Largest number listed per file; one more states that there are others."""

ProblemKind = Literal[
    "torn",
    "malformed",
    "duplicate_key",
    "too_large",
    "too_deep",
    "invalid",
    "impossible",
    "irregular",
    "changed",
    "unknown_field",
]
Model = TypeVar("Model", bound=BaseModel)
Json = dict[str, Any]
NOTHING: frozenset[str] = frozenset()
NO_SINKS: Sinks = {}
BLOCK = 1 << 19
"""Bytes per read."""
_UNKNOWN = "extra_forbidden"
"""Pydantic's type of the error for a field that a record does not have."""
_FAULTS = {"missing": "missing", _UNKNOWN: "unknown field"}
MAX_UNKNOWN = 1000
"""Unknown fields of one record that are left out; with more of them the record is unusable."""


@dataclass(frozen=True)
class Problem:
    """A part of an evidence file that could not be used."""

    file: str
    """Path relative to the reader's folder."""
    line: int | None
    """Line number, 1-based; ``None`` for the file as a whole."""
    kind: ProblemKind
    """Class of the problem."""
    text: str
    """What is wrong, in one phrase."""


class Reader:
    """Reads files under one folder by relative path, and collects the problems in them."""

    def __init__(self, folder: Path, hashed: Mapping[str, str] | None = None) -> None:
        """``hashed``: sha256 by relative path of files that were hashed before and cannot have changed since."""
        self.folder = folder
        self.problems: list[Problem] = []
        self.digests: dict[str, str] = dict(hashed or {})
        """sha256 of each file that was read to its end, by relative path."""
        self._hashed = frozenset(self.digests)
        self._counts: Counter[str] = Counter()
        self._unknown: set[tuple[str, str]] = set()

    def digest(self, name: str) -> str:
        """sha256 of a file, of the bytes that were read where it was read. Raises ``OSError`` where it cannot be."""
        if name not in self.digests:
            self.digests[name] = file_digest(self.folder / name)
        return self.digests[name]

    def exists(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def folders(self, name: str) -> list[str]:
        """Sorted names of the folders directly under ``name``. Links and names that are not UTF-8 are reported."""
        place, names = self.folder / name, []
        for entry in sorted(place.iterdir()) if place.is_dir() else ():
            if entry.is_dir() and (entry.is_symlink() or printable_name(entry.name) != entry.name):
                self.report(
                    f"{name}/{printable_name(entry.name)}", None, "irregular", "a link, or the name is not UTF-8"
                )
            elif entry.is_dir():
                names.append(entry.name)
        return names

    def document(self, name: str) -> Json | None:
        """Parse a whole file as a JSON object; ``None`` when absent or unusable."""
        data = self._bytes(name)
        return None if data is None else self.parse(data, name, None)

    def model(self, name: str, kind: type[Model]) -> Model | None:
        """Parse a whole file as a typed record; ``None`` when absent or unusable."""
        entry = self.document(name)
        return None if entry is None else self.validate(entry, kind, name, None)

    def records(self, name: str, kind: type[Model]) -> tuple[Model, ...]:
        """Parse a JSON-lines file as typed records; unusable lines are left out and reported."""
        records: list[Model] = []
        for line, entry in self.objects(name):
            record = self.validate(entry, kind, name, line)
            if record is not None and len(records) == MAX_RECORDS:
                self.report(name, line, "too_large", f"more than {MAX_RECORDS} records; the rest is left out")
                break
            if record is not None:
                records.append(record)
        return tuple(records)

    def objects(
        self, name: str, unchecked_keys: frozenset[str] = NOTHING, sinks: Sinks = NO_SINKS
    ) -> Iterator[tuple[int, Json]]:
        """(line number, object) for each usable line of a JSON-lines file.

        ``unchecked_keys`` names long lists that the caller checks itself: they may hold plain numbers or text only.
        ``sinks`` names those that are parsed in pieces when the object's text is large.
        """
        for line, raw, ended in self._lines(name):
            if not raw or raw.isspace():
                continue
            entry = self.parse(raw, name, line, torn=not ended, unchecked_keys=unchecked_keys, sinks=sinks)
            del raw  # a line may be large: free it, and the parsed object before the next line is parsed
            if entry is not None:
                yield line, entry
                del entry

    def text(self, name: str, longest: int = 4000) -> Iterator[tuple[int, str]]:
        """(line number, text) for each line, cut at ``longest`` characters."""
        for line, raw, _ in self._lines(name):
            yield line, raw[: longest * 4].decode("utf-8", "replace")[:longest].rstrip("\r\n")

    def blocks(self, name: str) -> Iterator[tuple[int, list[bytes]]]:
        """(number of the first line, lines) for each block of a file, for callers that handle many lines at once.

        The last line of a block may still end in its newline.
        """
        return ((number, lines) for number, lines, _ in self._blocks(name))

    def parse(
        self,
        data: bytes,
        name: str,
        line: int | None,
        *,
        torn: bool = False,
        unchecked_keys: frozenset[str] = NOTHING,
        sinks: Sinks = NO_SINKS,
    ) -> Json | None:
        """Parse one JSON object and check it for depth, size and repeated keys; ``None`` when it cannot be used."""
        chunked = load_chunked(data, sinks) if sinks and len(data) >= LARGE else None
        if chunked is not None:
            return self.check(chunked.entry, chunked.rest, name, line, unchecked_keys)
        entry = self._parse_whole(data, name, line, torn=torn)
        return None if entry is None else self.check(entry, data, name, line, unchecked_keys)

    def check(
        self, entry: Json, text: bytes, name: str, line: int | None, unchecked_keys: frozenset[str] = NOTHING
    ) -> Json | None:
        """A parsed object, checked for depth and repeated keys in its text; ``None`` when it cannot be used."""
        if is_plain(text, entry, MAX_DEPTH):
            return entry
        keys = count_keys(entry, MAX_DEPTH, unchecked_keys)
        try:
            repeated = find_repeated_keys(text) if keys is not None and may_repeat_a_key(text, keys) else []
        except RecursionError:
            keys = None
        except ValueError:  # the two parsers disagree on what JSON is
            self.report(name, line, "malformed", "JSON to one parser and not to another")
            return None
        if keys is None:
            self.report(name, line, "too_deep", f"nested deeper than {MAX_DEPTH}")
            return None
        for key in repeated:
            self.report(name, line, "duplicate_key", f"key {key[:80]!r} appears twice, the last one counts")
        return entry

    def _parse_whole(self, data: bytes, name: str, line: int | None, *, torn: bool) -> Json | None:
        if has_too_many_containers(data):
            self.report(name, line, "too_large", "too many lists and objects for one record")
            return None
        try:
            entry = orjson.loads(data)
        except ValueError:
            self.report(name, line, "torn" if torn else "malformed", describe_non_json(data))
            return None
        if not isinstance(entry, dict):
            self.report(name, line, "malformed", f"expected an object, got {type(entry).__name__}")
            return None
        return entry

    def validate(self, entry: Json, kind: type[Model], name: str, line: int | None) -> Model | None:
        """Validate a parsed object as a typed record with finite numbers within bounds; ``None`` when it is not one.

        Fields that the record does not have, as a newer version may write, are left out and reported once per file.
        """
        try:
            record = kind.model_validate(entry)
        except ValidationError as cause:
            errors = cause.errors(include_url=False, include_input=False, include_context=False)
            if len(errors) <= MAX_UNKNOWN and all(error["type"] == _UNKNOWN for error in errors):
                paths = [error["loc"] for error in errors]
                trimmed = leave_out(entry, paths)
                if trimmed is not None:
                    self._note_unknown(name, kind, paths)
                    return self.validate(trimmed, kind, name, line)
            first = errors[0]
            fault = _FAULTS.get(first["type"], f"wrong ({first['type'].replace('_', ' ')})")
            self._invalid(name, line, kind, first["loc"], fault)
            return None
        path = find_out_of_range(record)
        if path is not None:
            self._invalid(name, line, kind, tuple(reversed(path)), "value out of range")
            return None
        return record

    def _note_unknown(self, name: str, kind: type[BaseModel], paths: list[tuple[int | str, ...]]) -> None:
        for path in paths:
            field = ".".join("*" if isinstance(step, int) else step[:60] for step in path[:8])
            if (name, field) not in self._unknown and len(self._unknown) < MAX_UNKNOWN:
                self._unknown.add((name, field))
                self.report(name, None, "unknown_field", f"{kind.__name__}.{field}: unknown field, left out"[:300])

    def report(self, name: str, line: int | None, kind: ProblemKind, text: str) -> None:
        """Record a problem. Of each file the first ``MAX_PROBLEMS`` are recorded, and one that says there are more."""
        self._counts[name] += 1
        if self._counts[name] <= MAX_PROBLEMS:
            self.problems.append(Problem(name, line, kind, text))
        elif self._counts[name] == MAX_PROBLEMS + 1:
            self.problems.append(Problem(name, line, kind, f"{text}; more problems not listed"))

    def merge(self, problems: list[Problem], digests: dict[str, str]) -> None:
        """Add what another reader of the same folder recorded."""
        self.problems += problems
        self.digests.update(digests)
        self._counts.update(problem.file for problem in problems)

    def _invalid(
        self, name: str, line: int | None, kind: type[BaseModel], place: tuple[int | str, ...], fault: str
    ) -> None:
        path = ".".join(str(step)[:60] for step in place[:8])
        self.report(name, line, "invalid", f"{kind.__name__}.{path}: {fault}"[:300])

    def _open(self, name: str, most: int) -> BinaryIO | None:
        """Open a regular file of at most ``most`` bytes; ``None`` when it is absent, or unusable and reported."""
        path = self.folder / name
        try:
            if not path.exists() and not path.is_symlink():
                return None
            if not path.parent.resolve().is_relative_to(self.folder.resolve()):
                raise IrregularFileError("a link out of the folder")
            stream = open_regular(path)
        except IrregularFileError as cause:
            self.report(name, None, "irregular", str(cause))
            return None
        except (OSError, ValueError, RuntimeError):
            self.report(name, None, "irregular", "cannot be opened")
            return None
        if stamp(stream)[0] > most:
            stream.close()
            self.report(name, None, "too_large", f"more than {most} bytes")
            return None
        return stream

    def _bytes(self, name: str) -> bytes | None:
        stream = self._open(name, MAX_LINE_BYTES)
        if stream is None:
            return None
        with stream:
            before = stamp(stream)
            data = stream.read(MAX_LINE_BYTES + 1)
            if stamp(stream) != before or len(data) != before[0]:
                self.report(name, None, "changed", "the file changed while it was read")
                return None
        if name not in self._hashed:
            self.digests[name] = digest(data)
        return data

    def _lines(self, name: str) -> Iterator[tuple[int, bytes, bool]]:
        """(number, content, ended by a newline) of each line. The caller holds the only reference to the content."""
        for number, lines, ended in self._blocks(name):
            lines.reverse()
            for index in range(len(lines)):
                yield number + index, lines.pop(), ended

    def _blocks(self, name: str) -> Iterator[tuple[int, list[bytes], bool]]:
        """(number of the first line, lines, ended by a newline) of each piece of a file, cut at line ends."""
        stream = self._open(name, MAX_FILE_BYTES)
        if stream is None:
            return
        hashed = name in self._hashed
        state, total, number = Hashing(), 0, 1
        with stream, state:
            before = stamp(stream)
            for chunk in _read_whole_lines(stream):
                if not hashed:
                    state.update(chunk)
                total += len(chunk)
                ended = chunk.endswith(b"\n")
                lines = chunk.split(b"\n") if chunk.find(b"\n") < len(chunk) - 1 else [chunk, b""]
                if ended:
                    lines.pop()  # the empty rest after the last newline
                del chunk
                count, usable = len(lines), _count_usable(lines, MAX_LINES + 1 - number)
                del lines[usable:]
                yield number, lines, ended
                number += usable
                if usable < count:
                    self.report(name, number, "too_large", "line too long or too many lines; reading stops")
                    return
            if stamp(stream) != before or total != before[0]:
                self.report(name, None, "changed", "the file changed while it was read")
                return
        if not hashed:
            self.digests[name] = state.hexdigest()


def _count_usable(lines: list[bytes], most: int) -> int:
    """Number of lines from the first on that are within the bounds on length and number."""
    if max(map(len, lines)) <= MAX_LINE_BYTES:
        return min(len(lines), most)
    return min(next(index for index, line in enumerate(lines) if len(line) > MAX_LINE_BYTES), most)


def _read_whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a file in pieces cut at line ends; of a line that is too long, only enough to show that it is."""
    begun: list[bytes] = []
    size = 0
    while block := stream.read(BLOCK):
        cut = block.rfind(b"\n") + 1
        if cut:
            ready = [b"".join([*begun, block[:cut]])]
            begun, size = [], 0
            yield ready.pop()  # the caller holds the only reference
        if cut < len(block):
            begun.append(block[cut:])
            size += len(block) - cut
        if size > MAX_LINE_BYTES:
            break
    if begun:
        yield b"".join(begun)
