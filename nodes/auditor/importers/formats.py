"""Detects the launches and the formats below a given path, and imports them as typed legs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bankable.nodes.auditor.importers.documents import PeekedFile, peek, unmarked
from bankable.nodes.auditor.importers.format import Format
from bankable.nodes.auditor.importers.intake import MAX_LAUNCHES, SIDECARS, Intake, entries, files, safe
from bankable.nodes.auditor.importers.launches import count_once, join_runs
from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.importers.load import CopiedLaunch, LaunchContent, load_launches
from bankable.nodes.auditor.importers.readers import FORMATS, KNOWN
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.tools.errors import UserError
from bankable.tools.evidence.layout import MAX_FILE_BYTES
from bankable.tools.evidence.records import Side

MAIN = "bench_runs.jsonl"
LEG_NAMES = (MAIN, "profile_export.jsonl")
"""Names of the rounds of a leg folder, which is one launch."""
WORTH_READING_BYTES = 4 << 20
"""Bytes of a file from which its parsed objects are not kept until the launch is read."""
MAX_FOLDERS = 8
"""Levels of folders that are searched below a leg."""
RUNS = "profile_runs"
"""Folder of AIPerf whose runs are measured one after another on one server."""
OVER_STAGES = "summary_lifecycle_metrics.json"
"""Summary of inference-perf over all stages, which mixes their loads."""
AGGREGATES = frozenset({"aggregate", "aggregates"})
"""Folders with figures over several runs, which are no run."""
UNKNOWN = "no benchmark result of a known format"
DETAILED, SUMMARY = "AIPerf records", "AIPerf or GenAI-Perf summary"


def take(intake: Intake, source: Path, side: str) -> list[CopiedLaunch]:
    """Copy a leg's files into ``side``. Raises ``UserError`` when nothing in it is a known result."""
    if not source.is_dir():
        launch = _file(intake, source, side)
        if launch is None:
            raise _refuse_unknown(source, intake.ignored.get(str(source), ""))
        return [launch]
    replicas = _replicas(source)[:MAX_LAUNCHES]
    if replicas:
        taken = [_launch(intake, path, f"{side}/{path.parent.name}") for path in replicas]
        return [each for each in taken if each is not None]
    whole = _launch(intake, source, side)
    if whole is not None:
        return [whole]
    several = _prefer_records(intake, list(_search(intake, source, side, source, MAX_FOLDERS)))
    if not several and (source / "server.log").is_file():
        return [_with_sidecars(intake, source, CopiedLaunch(side, None, None))]
    if not several:
        raise _refuse_unknown(source, next(iter(intake.ignored.values()), ""))
    if len(several) > MAX_LAUNCHES:
        raise UserError(f"Cannot import: more than {MAX_LAUNCHES} results", str(source), "give the folder of one leg")
    kinds = {each.format.name for each in several if each.format}
    if len(kinds) > 1:
        raise UserError(
            f"Cannot import: results of several tools, {', '.join(sorted(kinds))}", str(source), "give one tool's files"
        )
    return several


def _search(intake: Intake, folder: Path, target: str, root: Path, depth: int) -> Iterator[CopiedLaunch]:
    """Launches in a folder and below it: leg folders, else each result file. What is no result is remembered."""
    below = [path for path in entries(folder) if path.is_dir()]
    launches = []
    for path in files(folder):
        place = _free(intake, f"{target}/{safe(path.stem)}", path.suffix)
        if path.name in SIDECARS or (twin := _twin_of(path)) is None:
            launch = None if path.name in SIDECARS else _file(intake, path, place)
        else:
            intake.ignored[str(path)] = f"the same run as {twin.name}"
            continue
        if launch is not None:
            launches.append(launch)
    alone = len(launches) == 1 and not below
    group = str(folder.parent) if folder.parent.name == RUNS else ""
    for launch in launches:
        sealed = _with_sidecars(intake, folder, launch, everything=alone)
        yield replace(_with_shared(intake, folder, root, sealed), group=group)
    for path in below:
        if path.name.lower() in AGGREGATES:
            intake.ignored[str(path)] = "figures over several runs"
            continue
        whole = _launch(intake, path, f"{target}/{safe(path.name)}")
        if whole is not None:
            group = str(path.parent) if path.parent.name == RUNS else ""
            yield replace(_with_shared(intake, path, root, whole), group=group)
        elif depth:
            yield from _search(intake, path, f"{target}/{safe(path.name)}", root, depth - 1)


def _free(intake: Intake, folder: str, suffix: str) -> str:
    """A folder for a launch that no other launch has."""
    place = intake.root / folder
    return f"{folder}{safe(suffix)}" if place.exists() and any(path.is_file() for path in place.iterdir()) else folder


def _twin_of(path: Path) -> Path | None:
    """The JSON that a table of the same name repeats, or the stage of inference-perf that its summary is over."""
    if path.name == OVER_STAGES:
        return next(iter(sorted(path.parent.glob("stage_*_lifecycle_metrics.json"))), None)
    twin = path.with_suffix(".json")
    return twin if path.suffix.lower() == ".csv" and twin.is_file() else None


def _prefer_records(intake: Intake, launches: list[CopiedLaunch]) -> list[CopiedLaunch]:
    """Without AIPerf's summaries where its records are there: they are figures of the same runs."""
    if not any(each.format and each.format.name == DETAILED for each in launches):
        return launches
    for each in launches:
        if each.main is not None and each.format and each.format.name == SUMMARY:
            intake.ignored[intake.origins.get(each.main, each.main)] = "a summary; the records are there"
    return [each for each in launches if not (each.format and each.format.name == SUMMARY)]


def read(
    reader: Reader, sides: Mapping[Side, Sequence[CopiedLaunch]], *, one_server: bool = False
) -> dict[Side, tuple[ImportedLeg, ...]]:
    """The launches of each side as typed legs. A launch without a usable round stays, with no rounds.

    ``one_server``: the caller says that all results of a side are runs of one server.
    """
    contents = iter(load_launches(reader, [launch for launches in sides.values() for launch in launches]))
    return {side: _join(reader, side, launches, contents, one_server) for side, launches in sides.items()}


def _join(
    reader: Reader, side: Side, launches: Sequence[CopiedLaunch], contents: Iterator[LaunchContent], one_server: bool
) -> tuple[ImportedLeg, ...]:
    legs = count_once([_build_leg(reader, side, launch, next(contents)) for launch in launches])
    groups = {launch.folder: "given" if one_server else launch.group for launch in launches}
    return join_runs(legs, groups)


def _build_leg(reader: Reader, side: Side, launch: CopiedLaunch, content: LaunchContent) -> ImportedLeg:
    if launch.main is None or launch.format is None:
        return ImportedLeg(reader, launch.folder, side, None, ())
    return ImportedLeg(
        reader,
        launch.folder,
        side,
        launch.main,
        content.rows,
        format=launch.format.name,
        absent=content.absent,
        remarks=content.remarks,
        answers_file=content.answers_file,
        outputs=content.outputs,
        summaries=content.summaries,
    )


def recognise(folder: Path, name: str, reader: Reader | None = None) -> tuple[Format | None, PeekedFile]:
    """The format of a file, by its content, and what was read of it. Problems are reported to ``reader``."""
    opened = peek(reader or Reader(folder), name)
    recognised = next((each for each in FORMATS if opened.first is not None and each.recognise(opened.first)), None)
    if recognised is None:
        for file_format in FORMATS:
            if (table := file_format.table(Reader(folder), name)) is not None:
                return file_format, PeekedFile(table)
    return recognised, opened


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


def _file(intake: Intake, source: Path, folder: str) -> CopiedLaunch | None:
    """A single result as one launch."""
    target = intake.file(source, f"{folder}/{safe(source.name)}")
    trial = Reader(intake.root)
    kind, opened = recognise(intake.root, target, trial)
    if kind is None:
        intake.drop(target, _explain_unread(trial, opened.first))
        return None
    plain = opened.first is not None and kind.is_plain(opened.first) and unmarked(intake.root / target)
    if plain and target != f"{folder}/{MAIN}":
        intake.rename(target, f"{folder}/{MAIN}")
        target = f"{folder}/{MAIN}"
    if opened.parsed is None or plain:
        return CopiedLaunch(folder, target, kind, plain)
    if (intake.root / target).stat().st_size < WORTH_READING_BYTES:
        return CopiedLaunch(folder, target, kind, parsed=opened.parsed, problems=tuple(trial.problems))
    # What was parsed is many times as large as the file: it is read now and not kept.
    reading = kind.read(trial, target, opened.parsed)
    return CopiedLaunch(folder, target, kind, reading=reading, problems=tuple(trial.problems))


def _explain_unread(trial: Reader, first: Json | None) -> str:
    """Why a file is no result: what is wrong with it, or that its content is something else."""
    if first is None and trial.problems:
        problem = trial.problems[0]
        return f"{problem.text}" if problem.line is None else f"line {problem.line}: {problem.text}"
    return UNKNOWN


def _launch(intake: Intake, source: Path, folder: str) -> CopiedLaunch | None:
    """A leg folder with results under a usual name; when rounds were lost, its other records remain."""
    names = {path.name for path in entries(source) if path.is_file()}
    main = next((name for name in LEG_NAMES if name in names), None)
    if main is None:
        return None
    launch = _file(intake, source / main, folder)
    if launch is None and "server.log" not in names:
        raise _refuse_unknown(source / main, intake.ignored.get(str(source / main), ""))
    return _with_sidecars(intake, source, launch or CopiedLaunch(folder, None, None))


def _with_sidecars(intake: Intake, source: Path, launch: CopiedLaunch, *, everything: bool = True) -> CopiedLaunch:
    """Copy what lies beside a result: of several results in one folder only the records with a usual name."""
    main = Path(intake.origins[launch.main]).name if launch.main else None
    for path in entries(source):
        wanted = path.name in SIDECARS or (everything and path.suffix.lower() == ".json")
        target = f"{launch.folder}/{safe(path.name)}"
        if wanted and path.is_file() and path.name != main and not (intake.root / target).exists():
            if path.suffix == ".db" and path.stat().st_size > MAX_FILE_BYTES:
                intake.ignored[str(path)] = "larger than an audit reads"
                continue
            intake.file(path, target)
            intake.ignored.pop(str(path), None)
    return launch


def _with_shared(intake: Intake, folder: Path, root: Path, launch: CopiedLaunch) -> CopiedLaunch:
    """Copy the records that lie in a folder above, for all launches below it."""
    while folder != root:
        folder = folder.parent
        for path in entries(folder):
            target = f"{launch.folder}/{path.name}"
            if path.name in SIDECARS and path.is_file() and not (intake.root / target).exists():
                intake.file(path, target)
    return launch


def _refuse_unknown(source: Path, why: str) -> UserError:
    reason = f": {why}" if why and why != UNKNOWN else ""
    return UserError(f"Cannot import: {UNKNOWN}{reason}", str(source), f"use one of {KNOWN}")
