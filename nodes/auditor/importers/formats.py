"""Detects the launches and the formats below a given path, and imports them as typed legs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bankable.nodes.auditor.importers import geak_claims
from bankable.nodes.auditor.importers.documents import Document, documents, number, peek, unmarked
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.intake import MAX_LAUNCHES, SIDECARS, Intake, entries, files, safe
from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.importers.parity_dump import generations
from bankable.nodes.auditor.importers.readers import FORMATS, KNOWN
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Side

MAIN = "bench_runs.jsonl"


@dataclass(frozen=True)
class Given:
    """One launch's files after they were copied."""

    folder: str
    main: str | None
    """``None``: the launch left other records but no result."""
    format: Format | None
    plain: bool = False
    """Whether the measurement layer's own reader accepts it unchanged, under its own name."""


def take(intake: Intake, source: Path, side: str) -> list[Given]:
    """Copy a leg's files into ``side``. Raises ``UserError`` when nothing in it is a known result."""
    if not source.is_dir():
        launch = _file(intake, source, side)
        if launch is None:
            raise _unknown(source)
        return [launch]
    replicas = _replicas(source)[:MAX_LAUNCHES]
    if replicas:
        taken = [_launch(intake, path, f"{side}/{path.parent.name}") for path in replicas]
        return [each for each in taken if each is not None]
    whole = _launch(intake, source, side)
    if whole is not None:
        return [whole]
    several = [launch for path in files(source) if (launch := _file(intake, path, f"{side}/{safe(path.name)}"))]
    if len(several) == 1:
        several = [_with_sidecars(intake, source, several[0])]
    if not several and (source / "server.log").is_file():
        return [_with_sidecars(intake, source, Given(side, None, None))]
    if not several:
        below = [path for path in entries(source) if path.is_dir()][:MAX_LAUNCHES]
        several = [launch for path in below if (launch := _launch(intake, path, f"{side}/{safe(path.name)}"))]
    if not several:
        raise _unknown(source)
    if len(several) > MAX_LAUNCHES:
        raise UserError(f"Cannot import: more than {MAX_LAUNCHES} results", str(source), "give the folder of one leg")
    kinds = {each.format.name for each in several if each.format}
    if len(kinds) > 1:
        raise UserError(
            f"Cannot import: results of several tools, {', '.join(sorted(kinds))}", str(source), "give one tool's files"
        )
    return several


def read(reader: Reader, side: Side, launches: Iterable[Given]) -> tuple[ImportedLeg, ...]:
    """The launches of one side as typed legs. A launch without a usable round stays, with no rounds."""
    return tuple(_read(reader, side, each) for each in launches)


def recognise(folder: Path, name: str) -> tuple[Format | None, Json | None]:
    """The format of a file, by its content, and its first object."""
    first = peek(folder, name)
    recognised = next((each for each in FORMATS if first is not None and each.recognise(first)), None)
    if recognised is None:
        for file_format in FORMATS:
            if (table := file_format.table(Reader(folder), name)) is not None:
                return file_format, table
    return recognised, first


def _replicas(source: Path) -> list[Path]:
    """Fresh launches of a GEAK leg that was measured with isolated servers: the attempt that counts of each replica.

    Format: AMD-AGI/GEAK, commit 0505c49711d47372bf3638c4abf954f91dc4228c, ``e2e_workflow/scripts/bench_e2e.sh``.
    """
    attempts = []
    for path in entries(source):
        chosen = path / "selected_attempt"
        if path.name.startswith("replica_") and chosen.is_file() and chosen.stat().st_size < 16:
            attempt = path / f"attempt_{chosen.read_bytes().decode('ascii', 'replace').strip()}"
            if attempt.is_dir() and attempt.parent == path and (attempt / MAIN).is_file():
                attempts.append(attempt)
    return attempts


def _file(intake: Intake, source: Path, folder: str) -> Given | None:
    """A single result as one launch."""
    target = intake.file(source, f"{folder}/{safe(source.name)}")
    kind, first = recognise(intake.root, target)
    if kind is None:
        (intake.root / target).unlink()
        return None
    plain = first is not None and kind.is_plain(first) and unmarked(intake.root / target)
    if plain and target != f"{folder}/{MAIN}":
        (intake.root / target).rename(intake.root / folder / MAIN)
        target = f"{folder}/{MAIN}"
    return Given(folder, target, kind, plain)


def _launch(intake: Intake, source: Path, folder: str) -> Given | None:
    """A leg folder with results under a usual name; when rounds were lost, its other records remain."""
    names = {path.name for path in entries(source) if path.is_file()}
    main = next((name for name in (MAIN, "profile_export.jsonl") if name in names), None)
    if main is None:
        return None
    launch = _file(intake, source / main, folder)
    if launch is None and "server.log" not in names:
        raise _unknown(source / main)
    return _with_sidecars(intake, source, launch or Given(folder, None, None))


def _with_sidecars(intake: Intake, source: Path, launch: Given) -> Given:
    main = Path(launch.main).name if launch.main else None
    for path in entries(source):
        wanted = path.name in SIDECARS or path.suffix.lower() == ".json"
        target = f"{launch.folder}/{safe(path.name)}"
        if wanted and path.is_file() and path.name != main and not (intake.root / target).exists():
            intake.file(path, target)
    return launch


def _read(reader: Reader, side: Side, launch: Given) -> ImportedLeg:
    if launch.main is None or launch.format is None:
        return ImportedLeg(reader, launch.folder, side, None, ())
    own = LegView(reader, launch.folder)
    reading = _plainly(own, launch)
    if reading is None:
        reading = launch.format.read(reader, launch.main, _objects(reader, launch))
    answers, answers_file = (None, None) if own.outputs else generations(reader, launch.folder)
    return ImportedLeg(
        reader,
        launch.folder,
        side,
        launch.main,
        tuple(row for row in reading.rows if _finite(reader, launch.main, row)),
        format=launch.format.name,
        states_arguments=launch.format.states_arguments,
        absent=reading.absent,
        answers_file=answers_file or None,
        outputs=answers if answers_file else own.outputs,
        summaries=tuple(_summaries(reader, launch)),
    )


def _plainly(view: LegView, launch: Given) -> Reading | None:
    """Read with the measurement layer's reader, where possible."""
    if not launch.plain:
        return None
    try:
        return Reading(view.rows)
    except (ValueError, OverflowError):
        return None  # sums out of bounds: the general reader reports which round


def _finite(reader: Reader, file: str, row: BenchRound) -> bool:
    """Whether the magnitude of every figure is within bounds."""
    values = [*row.reported.values(), *row.raw.values(), *(check.true for check in row.checks)]
    if all(number(value) is not None for value in values):
        return True
    reader.report(file, row.line, "impossible", "a figure beyond all bounds")
    return False


def _summaries(reader: Reader, launch: Given) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Files beside the result that report figures of this launch: GEAK's ``bench_summary.json``, an aggregate."""
    for path in sorted((reader.folder / launch.folder).iterdir()):
        name = f"{launch.folder}/{path.name}"
        if path.suffix != ".json" or name == launch.main:
            continue
        record = _quiet(reader, name)
        readers = (geak_claims.summary_figures, *(file_format.summary for file_format in FORMATS))
        if record is not None and (figures := next((result for read in readers if (result := read(record))), None)):
            yield name, figures


def _quiet(reader: Reader, name: str) -> Json | None:
    """A side file as an object; one of another form is no claim."""
    return reader.document(name) if _first_byte(reader.folder / name) == b"{" else None


def _objects(reader: Reader, launch: Given) -> Iterable[Document]:
    name = launch.main or ""
    if _first_byte(reader.folder / name) in b"{[" or launch.format is None:
        return documents(reader, name)
    table = launch.format.table(reader, name)
    return [Document(None, table)] if table else []


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(64).strip().removeprefix(b"\xef\xbb\xbf").strip()[:1]


def _unknown(source: Path) -> UserError:
    return UserError("Cannot import: no benchmark result of a known format", str(source), f"use one of {KNOWN}")
