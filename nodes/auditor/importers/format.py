"""What a reader of one format offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bankable.nodes.auditor.importers.documents import Document
from bankable.nodes.auditor.importers.leg import Gap, Round
from bankable.nodes.auditor.reading.reader import Json, Reader


@dataclass(frozen=True)
class Reading:
    """What was read from one file."""

    rounds: tuple[Round, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Format:
    """One tool's result files. Recognised by what the first object holds, never by a file's name."""

    name: str
    recognise: Callable[[Json], bool]
    read: Callable[[Reader, str, Iterable[Document]], Reading]
    embeds_arguments: bool = False
    """The tool writes the server's resolved arguments into its results."""
