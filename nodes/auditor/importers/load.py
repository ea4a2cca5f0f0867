"""Reads the copied files of launches, each once: a launch a process where that pays.

Parsing is nearly all of an audit's work, and launches are independent. What is read of one is all that its rules need,
so that no process hands over more than a few numbers per request.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bankable.nodes.auditor.importers import geak_claims
from bankable.nodes.auditor.importers.documents import Document, documents, number
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.parity_dump import generations
from bankable.nodes.auditor.importers.readers import FORMATS
from bankable.nodes.auditor.reading import flat
from bankable.nodes.auditor.reading.fork_map import cores, fork_map
from bankable.nodes.auditor.reading.reader import Json, Problem, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord, LegView
from bankable.tools.evidence.records import Generation
from bankable.tools.statistics import order

WORTH_BYTES = 16 << 20
"""Bytes of results below which starting processes takes longer than reading."""


@dataclass(frozen=True)
class CopiedLaunch:
    """One launch's files after they were copied."""

    folder: str
    main: str | None
    """``None``: the launch left other records but no result."""
    format: Format | None
    plain: bool = False
    """Whether the measurement layer's own reader accepts it unchanged, under its own name."""
    group: str = ""
    """Results with the same group are runs of one server, by the layout of their folders."""
    parsed: tuple[Document, ...] | None = None
    """The objects of a small result that was parsed to detect its format."""
    reading: Reading | None = None
    """The content of a large result that was parsed to detect its format."""
    problems: tuple[Problem, ...] = ()
    """Problems of what was parsed."""


@dataclass(frozen=True)
class LaunchContent:
    """What the files of one launch hold."""

    rows: tuple[BenchRound, ...] = ()
    absent: tuple[AbsentRecord, ...] = ()
    remarks: tuple[str, ...] = ()
    answers_file: str | None = None
    """The file of greedy answers of another form than ours."""
    outputs: tuple[Generation, ...] | None = None
    """Greedy answers."""
    summaries: tuple[tuple[str, Mapping[str, float]], ...] = ()
    """(file, figures by field of ``LatencySummary``) of files beside the rounds that report figures of this launch."""
    problems: tuple[Problem, ...] = ()
    digests: Mapping[str, str] | None = None
    """sha256 of the files that were read."""


def load_launches(reader: Reader, launches: Sequence[CopiedLaunch]) -> list[LaunchContent]:
    """The content of each launch. Problems and digests are added to ``reader``, in the order of the launches."""
    hashed = dict(reader.digests)

    def load(index: int) -> LaunchContent:
        return _load(Reader(reader.folder, hashed), launches[index])

    jobs = _count_jobs(reader.folder, launches)
    if jobs < 2:
        contents = [load(index) for index in range(len(launches))]
    else:
        order.prepare()
        flat.prepare()
        contents = fork_map(load, len(launches), jobs)
    for content in contents:
        reader.merge(list(content.problems), dict(content.digests or {}))
    return contents


def _count_jobs(root: Path, launches: Sequence[CopiedLaunch]) -> int:
    """Processes that are worth starting; 1 where copies of this process cannot be made safely."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    sizes = [(root / launch.main).stat().st_size for launch in launches if launch.main and launch.reading is None]
    return min(cores(), len(sizes)) if sum(sizes) >= WORTH_BYTES else 1


def _load(reader: Reader, launch: CopiedLaunch) -> LaunchContent:
    if launch.main is None or launch.format is None:
        return LaunchContent()
    own = LegView(reader, launch.folder)
    reading = _read_plainly(own, launch)
    if reading is None:
        reader.merge(list(launch.problems), {})
        reading = launch.reading or launch.format.read(reader, launch.main, _list_objects(reader, launch))
    rows = _with_arguments(reader, launch, reading.rows)
    answers, answers_file = (None, "") if own.outputs else generations(reader, launch.folder)
    return LaunchContent(
        tuple(row for row in rows if _is_finite(reader, launch.main, row)),
        reading.absent,
        reading.remarks,
        answers_file or None,
        answers if answers_file else own.outputs,
        tuple(_find_summaries(reader, launch)),
        tuple(reader.problems),
        reader.digests,
    )


def _read_plainly(view: LegView, launch: CopiedLaunch) -> Reading | None:
    """Read with the measurement layer's reader, where possible."""
    if not launch.plain:
        return None
    try:
        return Reading(view.rows)
    except (ValueError, OverflowError):
        return None  # sums out of bounds: the general reader reports which round


def _list_objects(reader: Reader, launch: CopiedLaunch) -> Iterable[Document]:
    if launch.parsed is not None:
        return launch.parsed
    name = launch.main or ""
    if _first_byte(reader.folder / name) in b"{[" or launch.format is None:
        return documents(reader, name)
    table = launch.format.table(reader, name)
    return [Document(None, table)] if table else []


def _is_finite(reader: Reader, file: str, row: BenchRound) -> bool:
    """Whether the magnitude of every figure is within bounds."""
    values = [*row.reported.values(), *row.raw.values(), *(check.true for check in row.checks)]
    if all(number(value) is not None for value in values):
        return True
    reader.report(file, row.line, "impossible", "a figure beyond all bounds")
    return False


def _with_arguments(reader: Reader, launch: CopiedLaunch, rows: tuple[BenchRound, ...]) -> tuple[BenchRound, ...]:
    """Rounds with what was asked for, where a summary beside records without it states that."""
    if any(row.arguments for row in rows) or launch.plain:
        return rows
    for _, record in _records_beside(reader, launch):
        asked = next((arguments for each in FORMATS if (arguments := each.arguments(record))), ())
        if asked:
            return tuple(replace(row, arguments=asked) for row in rows)
    return rows


def _find_summaries(reader: Reader, launch: CopiedLaunch) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Files beside the result that report figures of this launch: GEAK's ``bench_summary.json``, an aggregate."""
    readers = (geak_claims.summary_figures, *(file_format.summary for file_format in FORMATS))
    for name, record in _records_beside(reader, launch):
        if figures := next((result for read in readers if (result := read(record))), None):
            yield name, figures


def _records_beside(reader: Reader, launch: CopiedLaunch) -> Iterator[tuple[str, Json]]:
    """The JSON objects beside a result, by name; a file of another form is no record."""
    for path in sorted((reader.folder / launch.folder).iterdir()):
        name = f"{launch.folder}/{path.name}"
        if path.suffix != ".json" or name == launch.main or not path.is_file() or _first_byte(path) != b"{":
            continue
        record = reader.document(name)
        if record is not None:
            yield name, record


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(64).strip().removeprefix(b"\xef\xbb\xbf").strip()[:1]
