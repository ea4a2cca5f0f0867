"""The interface of a reader for one format of benchmark files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bankable.nodes.auditor.importers.documents import Document
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord


@dataclass(frozen=True)
class Reading:
    """The content of one file."""

    rows: tuple[BenchRound, ...]
    absent: tuple[AbsentRecord, ...] = ()
    remarks: tuple[str, ...] = ()
    """What was left out, or is defined in another way than here."""


@dataclass(frozen=True)
class Format:
    """One tool's result files, recognised by the content of the first object, never by a file's name."""

    name: str
    recognise: Callable[[Json], bool]
    read: Callable[[Reader, str, Iterable[Document]], Reading]
    catches_all: bool = False
    """Whether it recognises any record with figures, so that every other format is tried first."""
    is_plain: Callable[[Json], bool] = lambda _: False
    """Whether the measurement layer's own reader accepts such a record unchanged."""
    table: Callable[[Reader, str], Json | None] = lambda _reader, _name: None
    """Parses a file that is not JSON into one object; ``None`` when it has another format."""
    summary: Callable[[Json], Mapping[str, float]] = lambda _: {}
    """Figures that such a record reports, by field of ``LatencySummary``, when it lies beside another result."""
    arguments: Callable[[Json], tuple[tuple[str, str], ...]] = lambda _: ()
    """What was asked for, as such a record states it, when it lies beside another result of the same run."""
