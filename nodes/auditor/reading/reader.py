"""Bounded, suspicious reading of files that somebody else wrote.

Nothing in here raises on bad content: what cannot be used is reported as a ``Problem`` with file and line. Bytes are
hashed as they are read, so the digest in a verdict is that of the bytes that were judged. Texts of problems are our
own words, never a library's, so that they are the same under any version of it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bankable.nodes.auditor.reading.chunked import Taker, load_apart
from bankable.nodes.auditor.reading.shape import LARGE, keys_kept, lost_a_key, plain, repeated_keys, too_many_containers
from bankable.tools.evidence.hashing import Hashing
from bankable.tools.evidence.regular import IrregularFileError, open_regular, shown, stamp

MAX_LINE_BYTES = 64 << 20
MAX_FILE_BYTES = 512 << 20
MAX_LINES = 5_000_000
MAX_RECORDS = 200_000
"""Typed records of one file: host samples of two days."""
MAX_DEPTH = 64
MAX_PROBLEMS = 50
"""Per file; one more says that there are others."""
LARGEST_NUMBER = 1e18
"""Nothing that is measured comes near: times are seconds, sizes bytes."""
LARGEST_COUNT = 1 << 63

ProblemKind = Literal[
    "torn", "malformed", "duplicate_key", "too_large", "too_deep", "invalid", "impossible", "irregular", "changed"
]
Model = TypeVar("Model", bound=BaseModel)
Json = dict[str, Any]
Apart = tuple[str, Callable[[], Taker]] | None
"""Key of a long list, and what takes its entries."""
NOTHING: frozenset[str] = frozenset()
BLOCK = 1 << 19
_CONTAINERS = (dict, list, tuple)
_FAULTS = {"missing": "missing", "extra_forbidden": "not a known field"}


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
        self.digests: dict[str, str] = {}
        """sha256 of each file that was read to its end, by path."""
        self._counts: Counter[str] = Counter()

    def exists(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def folders(self, name: str) -> list[str]:
        """Names of the folders directly under ``name``, sorted. Links and names without a text form are reported."""
        place, found = self.folder / name, []
        for entry in sorted(place.iterdir()) if place.is_dir() else ():
            if entry.is_dir() and (entry.is_symlink() or shown(entry.name) != entry.name):
                self.report(f"{name}/{shown(entry.name)}", None, "irregular", "a link, or a name that is not UTF-8")
            elif entry.is_dir():
                found.append(entry.name)
        return found

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
        kept: list[Model] = []
        for line, found in self.objects(name):
            record = self.typed(found, kind, name, line)
            if record is not None and len(kept) == MAX_RECORDS:
                self.report(name, line, "too_large", f"more than {MAX_RECORDS} records; the rest is left out")
                break
            if record is not None:
                kept.append(record)
        return tuple(kept)

    def objects(
        self, name: str, elsewhere: frozenset[str] = NOTHING, apart: Apart = None
    ) -> Iterator[tuple[int, Json]]:
        """(line number, object) for each usable line of a JSON-lines file.

        ``elsewhere`` names long lists that the caller checks itself: they may hold plain numbers or text only. Of one
        of them, ``apart`` says what may stand in its place in an object whose text is large.
        """
        for line, raw, ended in self._lines(name):
            if not raw or raw.isspace():
                continue
            found = self.parse(raw, name, line, torn=not ended, elsewhere=elsewhere, apart=apart)
            del raw  # a line may be large: it does not outlive its parsing, nor what was parsed the next line's
            if found is not None:
                yield line, found
                del found

    def text(self, name: str, longest: int = 4000) -> Iterator[tuple[int, str]]:
        """(line number, text) for each line, cut at ``longest`` characters."""
        for line, raw, _ in self._lines(name):
            yield line, raw[: longest * 4].decode("utf-8", "replace")[:longest].rstrip("\r\n")

    def blocks(self, name: str) -> Iterator[tuple[int, list[bytes]]]:
        """(number of the first line, lines) for each block of a file, for whoever cannot afford work on every line.

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
        elsewhere: frozenset[str] = NOTHING,
        apart: Apart = None,
    ) -> Json | None:
        """One JSON object, checked for depth, size and repeated keys."""
        found = load_apart(data, apart[0], apart[1]()) if apart is not None and len(data) >= LARGE else None
        if found is None:
            found = self._whole(data, name, line, torn=torn)
        if found is None or plain(data, found, MAX_DEPTH):
            return found
        kept = keys_kept(found, MAX_DEPTH, elsewhere)
        try:
            repeated = repeated_keys(data) if kept is not None and lost_a_key(data, kept) else []
        except RecursionError:
            kept = None
        except ValueError:  # the two parsers disagree on what JSON is
            self.report(name, line, "malformed", "not JSON to every parser")
            return None
        if kept is None:
            self.report(name, line, "too_deep", f"nested deeper than {MAX_DEPTH}")
            return None
        for key in repeated:
            self.report(name, line, "duplicate_key", f"key {key[:80]!r} appears twice, the last one counts")
        return found

    def _whole(self, data: bytes, name: str, line: int | None, *, torn: bool) -> Json | None:
        if too_many_containers(data):
            self.report(name, line, "too_large", "more lists and objects than a record has")
            return None
        try:
            found = orjson.loads(data)
        except ValueError:
            self.report(name, line, "torn" if torn else "malformed", _what_instead(data))
            return None
        if not isinstance(found, dict):
            self.report(name, line, "malformed", f"expected an object, found {type(found).__name__}")
            return None
        return found

    def typed(self, found: Json, kind: type[Model], name: str, line: int | None) -> Model | None:
        """A parsed object as a typed record, its numbers finite and within bounds; ``None`` when it is none."""
        try:
            record = kind.model_validate(found)
        except ValidationError as cause:
            first = cause.errors(include_url=False, include_input=False, include_context=False)[0]
            fault = _FAULTS.get(first["type"], f"wrong ({first['type'].replace('_', ' ')})")
            self._invalid(name, line, kind, first["loc"], fault)
            return None
        absurd = _absurd(record)
        if absurd is not None:
            self._invalid(name, line, kind, tuple(reversed(absurd)), "a number that nothing measures")
            return None
        return record

    def report(self, name: str, line: int | None, kind: ProblemKind, text: str) -> None:
        """Keep a problem; of many in one file the first ones, and a word that there are more."""
        self._counts[name] += 1
        if self._counts[name] <= MAX_PROBLEMS:
            self.problems.append(Problem(name, line, kind, text))
        elif self._counts[name] == MAX_PROBLEMS + 1:
            self.problems.append(Problem(name, line, kind, f"{text}; and more like this"))

    def take_over(self, problems: list[Problem], digests: dict[str, str]) -> None:
        """What another reader of the same folder found."""
        self.problems += problems
        self.digests.update(digests)
        self._counts.update(problem.file for problem in problems)

    def _invalid(
        self, name: str, line: int | None, kind: type[BaseModel], place: tuple[int | str, ...], fault: str
    ) -> None:
        path = ".".join(str(step)[:60] for step in place[:8])
        self.report(name, line, "invalid", f"{kind.__name__}.{path}: {fault}"[:300])

    def _open(self, name: str, most: int) -> BinaryIO | None:
        """A regular file below the folder, at most ``most`` bytes large; ``None`` when absent, reported otherwise."""
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
                self.report(name, None, "changed", "somebody writes to it while it is read")
                return None
        self.digests[name] = hashlib.sha256(data).hexdigest()
        return data

    def _lines(self, name: str) -> Iterator[tuple[int, bytes, bool]]:
        """(number, content, ended by a newline) of each line. Whoever takes a line holds the only copy."""
        for number, lines, ended in self._blocks(name):
            lines.reverse()
            for index in range(len(lines)):
                yield number + index, lines.pop(), ended

    def _blocks(self, name: str) -> Iterator[tuple[int, list[bytes], bool]]:
        """(number of the first line, lines, ended by a newline) of each piece of a file that ends where a line does."""
        stream = self._open(name, MAX_FILE_BYTES)
        if stream is None:
            return
        state, total, number = Hashing(), 0, 1
        with stream, state:
            before = stamp(stream)
            for chunk in _whole_lines(stream):
                state.update(chunk)
                total += len(chunk)
                ended = chunk.endswith(b"\n")
                lines = chunk.split(b"\n") if chunk.find(b"\n") < len(chunk) - 1 else [chunk, b""]
                if ended:
                    lines.pop()  # nothing comes after the last newline
                del chunk
                count, usable = len(lines), _usable(lines, MAX_LINES + 1 - number)
                del lines[usable:]
                yield number, lines, ended
                number += usable
                if usable < count:
                    self.report(name, number, "too_large", "a line or a number of lines beyond all; reading stops")
                    return
            if stamp(stream) != before or total != before[0]:
                self.report(name, None, "changed", "somebody writes to it while it is read")
                return
        self.digests[name] = state.hexdigest()


def _usable(lines: list[bytes], most: int) -> int:
    """So many lines from the first on are not too long and not too many."""
    if max(map(len, lines)) <= MAX_LINE_BYTES:
        return min(len(lines), most)
    return min(next(index for index, line in enumerate(lines) if len(line) > MAX_LINE_BYTES), most)


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """A file in pieces that end where a line does; of a line that is too long, only so much that it shows."""
    begun: list[bytes] = []
    size = 0
    while block := stream.read(BLOCK):
        cut = block.rfind(b"\n") + 1
        if cut:
            ready = [b"".join([*begun, block[:cut]])]
            begun, size = [], 0
            yield ready.pop()  # whoever takes it holds the only copy
        if cut < len(block):
            begun.append(block[cut:])
            size += len(block) - cut
        if size > MAX_LINE_BYTES:
            break
    if begun:
        yield b"".join(begun)


def _what_instead(data: bytes) -> str:
    """What a text that is not JSON looks like."""
    if data.startswith(b"\xef\xbb\xbf"):
        return "not JSON: a byte order mark; write UTF-8 without one"
    if b"\0" in data[:256]:
        return "not JSON: NUL bytes, as in UTF-16 or binary files; write UTF-8"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "not JSON: not UTF-8"
    return "not JSON"


def _absurd(value: Any) -> list[int | str] | None:
    """Where a typed record holds a number that is not finite or beyond all measure, innermost step first."""
    entries: Any
    if isinstance(value, BaseModel):
        entries = value.__dict__.items()
    elif isinstance(value, dict):
        entries = value.items()
    else:
        entries = enumerate(value)
    for step, entry in entries:
        if not entry:  # most of a sample of the host
            continue
        kind = type(entry)
        if kind is float:
            if not -LARGEST_NUMBER <= entry <= LARGEST_NUMBER:  # not a number is not either
                return [step]
        elif kind is int:
            if not -LARGEST_COUNT < entry < LARGEST_COUNT:
                return [step]
        elif (kind in _CONTAINERS or isinstance(entry, BaseModel)) and (found := _absurd(entry)) is not None:
            found.append(step)
            return found
    return None
