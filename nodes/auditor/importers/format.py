"""What a reader of one format offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bankable.nodes.auditor.importers.documents import Document
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord


@dataclass(frozen=True)
class Reading:
    """What was read from one file."""

    rows: tuple[BenchRound, ...]
    absent: tuple[AbsentRecord, ...] = ()


@dataclass(frozen=True)
class Format:
    """One tool's result files. Recognised by what the first object holds, never by a file's name."""

    name: str
    recognise: Callable[[Json], bool]
    read: Callable[[Reader, str, Iterable[Document]], Reading]
    states_arguments: bool = False
    """The tool writes the server's resolved arguments into its results."""
    catches_all: bool = False
    """Recognises any record with figures, so that every other format is tried first."""
    is_plain: Callable[[Json], bool] = lambda _: False
    """The measurement layer's own reader takes such a record as it stands."""
    table: Callable[[Reader, str], Json | None] = lambda _reader, _name: None
    """A file that is not JSON as one object; ``None`` when it is none of this format."""
    summary: Callable[[Json], Mapping[str, float]] = lambda _: {}
    """Figures that such a record reports, by field of ``LatencySummary``, when it lies beside another result."""
