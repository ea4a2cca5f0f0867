"""A read-only copy of exactly the raw records that one audit may see.

Only files with known names are copied, so nothing that a producer wrote beside its claim can reach the auditor.
The request says what is judged. Files are not hashed on the way: the auditor hashes what it reads.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson

from bankable.tools.errors import UserError
from bankable.tools.evidence.background import BackgroundTask
from bankable.tools.evidence.canonical import canonical, digest, file_digest
from bankable.tools.evidence.harness import (
    BENCH_FILES,
    EARLIER_FILE,
    EARLIER_FOLDER,
    ORACLE_FOLDER,
    ORACLE_SUFFIX,
    TASK_FILES,
)
from bankable.tools.evidence.layout import (
    CHAIN_FILE,
    COMPARISON_FILES,
    LEG_FILES,
    MAX_FILE_BYTES,
    OVERLAY_FOLDER,
    key_file,
)
from bankable.tools.evidence.regular import (
    IrregularFileError,
    open_regular,
    printable_name,
    regular_files,
    stamp,
)
from bankable.tools.evidence.request import Request, Scope
from bankable.tools.evidence.trials import LedgerCut, cut_ledger, first_lines

PARENTS = {"profile": "", "harness": "ops"}
"""Folder of the run that holds the subject, where that is not ``comparisons``."""
MAX_PLAN_BYTES = 1 << 24
MAX_TOTAL_BYTES = 1 << 32
MAX_FILES = 20_000
MOST_EARLIER = 20
"""Earlier attempts at an operator's benchmark whose rows are taken along, the latest ones."""
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._=+-]{0,150}$")
_SOURCE = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,150}$")
LARGE = 1 << 20
"""Bytes of a file from which a thread pays: copying does not hold the interpreter."""
_CHUNK = 1 << 20
"""Read and written while it is in the processor's cache."""


@dataclass(frozen=True)
class Seal:
    """A sealed folder and what is asked about it."""

    folder: Path
    request: Request

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 of every file, by its path relative to the folder; computed when first asked for."""
        return {name: file_digest(path) for name, path in regular_files(self.folder)}

    @property
    def digest(self) -> str:
        """sha256 over all paths and digests."""
        return digest(canonical(self.digests))

    def discard(self) -> None:
        """Delete the copy. The run folder is untouched."""
        for folder, _, _ in os.walk(self.folder):
            os.chmod(folder, 0o700)  # a read-only folder does not let go of its files
        shutil.rmtree(self.folder)


def seal(
    run_dir: Path,
    scope: Scope,
    subject: str,
    attempt: int,
    dest: Path,
    *,
    comparison: str | None = None,
    control: str = "control",
    components: Sequence[str] | None = None,
    run_id: str | None = None,
    ledger: int | None = None,
    profile: str | None = None,
    recorder: int | Literal["all"] | None = "all",
) -> Seal:
    """Copy what scope ``scope`` needs of ``run_dir`` into the new folder ``dest``, read-only.

    ``comparison`` defaults to ``subject`` or ``scope-subject``, with ``-k`` for the k-th attempt where that exists.
    In scope harness it is the operator's folder under ``ops/``, and ``attempt`` its benchmark; a patch or bundle that
    replaces operators takes the records of their operator benchmarks along.
    ``components`` are audit folder names; by default the latest audit of every patch, where it was accepted. ``run_id``
    is read from ``run.json`` when it is not given. ``ledger`` cuts the ledger at a line, ``profile`` names the profile
    folder; by default all lines that are there, and the latest profile that they name. ``recorder`` cuts the recorder's
    chain at a line; ``None`` leaves it out. Missing evidence is left out: to say so is the auditor's task.
    Raises ``UserError`` on links out of the run, special files and oversized evidence.
    """
    root = run_dir.resolve()
    if not root.is_dir():
        raise UserError(
            "Cannot seal the evidence: no such run folder", str(run_dir), "give the folder that holds run.json"
        )
    parent = PARENTS.get(scope, "comparisons")
    names = (subject, f"{scope}-{subject}", *((control,) if scope == "baseline" else ()))
    chosen = _first_folder(root / parent, names, attempt) if comparison is None else comparison
    accepted = tuple(components) if components is not None else tuple(_accepted_patches(root))
    gain = scope in ("patch", "bundle", "frontier")
    cut = cut_ledger(root, ledger) if gain else None
    chain = _chain_lines(root, recorder)
    request = Request(
        scope=scope,
        subject=subject,
        attempt=attempt,
        run_id=run_id or _run_id(root),
        comparison=chosen,
        control=control if gain else None,
        components=accepted if scope == "bundle" else (),
        ledger=len(cut.lines) if cut is not None else None,
        profile=(profile or _latest_profile(root, cut)) if gain else None,
        recorder=len(chain) if chain is not None else None,
    )
    for name in (chosen, control, subject, *request.components, *filter(None, [request.profile])):
        if not _NAME.match(name):
            raise UserError(
                f"Cannot seal the evidence: {name!r} is not a folder name",
                str(run_dir),
                "use letters, digits, dot, dash, underscore",
            )
    dest.mkdir(parents=True, exist_ok=False)
    copier = _Copier(root, dest)
    with copier.beside:
        copier.write("request.json", canonical(request.model_dump(mode="json")))
        if scope == "profile":
            copier.tree(root / chosen, "profile")
        elif scope == "harness":
            copier.operator(root / "ops" / chosen, "operator", attempt)
            copier.oracle(root / "ops" / chosen / ORACLE_FOLDER, f"operator/{ORACLE_FOLDER}")
        else:
            copier.comparison(root / "comparisons" / chosen, "comparison")
            for name, bench in _operators(root / "comparisons" / chosen / "plan.json"):
                copier.operator(root / "ops" / name, f"operators/{name}", bench)
                copier.file(
                    root / "audits" / f"harness-{name}-{bench}" / "verdict.json", f"operators/{name}/verdict.json"
                )
        if request.control is not None:
            copier.comparison(root / "comparisons" / request.control, "control")
        for name in request.components:
            copier.component(root, name)
        if cut is not None:
            copier.trials(root, cut)
        if request.profile is not None:
            copier.file(root / request.profile / "profile.json", "profile/profile.json")
        if chain:
            copier.recorder(root, chain)
    copier.lock()
    return Seal(dest, request)


def _chain_lines(root: Path, most: int | Literal["all"] | None) -> tuple[bytes, ...] | None:
    """First lines of the recorder's chain; none where the ledger names a recorder and its chain is gone.

    ``None`` for a run without a recorder.
    """
    if most is None:
        return None
    path, limit = root / CHAIN_FILE, None if most == "all" else most
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(
            "Cannot seal the evidence: it links out of the run folder", str(path), "replace the link by the file"
        )
    if path.is_file() and not path.is_symlink():
        return first_lines(path, limit)
    cut = cut_ledger(root)
    return () if cut is not None and cut.has(key_file(1)) else None


def _operators(plan: Path) -> list[tuple[str, int]]:
    """Operators that a plan replaces, each with the attempt of its benchmark; none for a plan without any."""
    try:
        parts = _json(plan)["lever"]["overlays"].items()
        operators = [(str(name), int(part["bench"])) for name, part in parts]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return []
    return sorted(entry for entry in operators if _NAME.match(entry[0]))


def _latest_profile(root: Path, cut: LedgerCut | None) -> str | None:
    names = [path.parent.name for path in sorted(root.glob("profile*/profile.json"))]
    entered = [name for name in names if cut is None or cut.has(f"{name}/profile.json")]
    return max(entered, key=lambda name: (len(name), name), default=None)


def _first_folder(parent: Path, names: Sequence[str], attempt: int) -> str:
    """The k-th attempt's own folder, else the plain one; the first name when there is neither."""
    numbered = [f"{name}-{attempt}" for name in names] if attempt > 1 else []
    return next((name for name in (*numbered, *names) if (parent / name).is_dir()), names[0])


def _run_id(root: Path) -> str:
    try:
        content = _json(root / "run.json")
        config = content.get("config", {})
        return str(content["run_id"] if "run_id" in content else config["run_id"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as cause:
        raise UserError(
            "Cannot seal the evidence: run.json is missing or has no run_id", str(root), "give the folder of a run"
        ) from cause


def _json(path: Path) -> Any:
    """Read a small untrusted JSON file. Raises ``OSError`` or ``ValueError``, and never blocks."""
    with open_regular(path) as stream:
        if stamp(stream)[0] > MAX_PLAN_BYTES:
            raise ValueError("too large")
        return orjson.loads(stream.read(MAX_PLAN_BYTES))


def _accepted_patches(root: Path) -> Iterator[str]:
    latest: dict[str, tuple[int, str]] = {}
    for path in sorted((root / "audits").glob("patch-*-*/verdict.json")):
        try:
            verdict = _json(path)
            subject, attempt, word = str(verdict["subject"]), int(verdict["attempt"]), str(verdict["verdict"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if attempt >= latest.get(subject, (0, ""))[0]:
            latest[subject] = (attempt, path.parent.name if word in ("PASS", "FLAG") else "")
    yield from sorted(name for _, name in latest.values() if name)


class _Copier:
    """Copies into one new folder, keeping count; done when nothing is left to do beside."""

    def __init__(self, root: Path, dest: Path) -> None:
        self.root, self.dest = root, dest
        self.total = self.files = 0
        self.beside = BackgroundTask()
        """Copies a large file while this thread copies the next ones."""

    def comparison(self, source: Path, target: str) -> None:
        for name in COMPARISON_FILES:
            self.file(source / name, f"{target}/{name}")
        self.overlay(source / OVERLAY_FOLDER, f"{target}/{OVERLAY_FOLDER}")
        legs = source / "legs"
        for leg in sorted(legs.iterdir()) if legs.is_dir() else ():
            if not _NAME.match(leg.name):
                raise UserError(
                    f"Cannot seal the evidence: {leg.name!r} is not a leg name",
                    str(leg),
                    "remove what the run did not write",
                )
            for name in LEG_FILES:
                self.file(leg / name, f"{target}/legs/{leg.name}/{name}")

    def component(self, root: Path, name: str) -> None:
        verdict = root / "audits" / name / "verdict.json"
        self.file(verdict, f"components/{name}/verdict.json")
        try:
            chosen = str(_json(verdict)["request"]["comparison"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if _NAME.match(chosen):
            for file in COMPARISON_FILES:
                self.file(root / "comparisons" / chosen / file, f"components/{name}/{file}")

    def recorder(self, root: Path, lines: Sequence[bytes]) -> None:
        """The recorder's chain up to here, and the public keys of the recorders in it."""
        self.write(CHAIN_FILE, b"".join(lines))
        for number in range(1, 1 + sum(b'"kind":"opened"' in line for line in lines)):
            name = key_file(number)
            self.file(root / name, name)

    def trials(self, root: Path, cut: LedgerCut) -> None:
        """The ledger up to here, and plan and claim of every comparison that it names."""
        self.write("ledger.jsonl", b"".join(cut.lines))
        for name, file in cut.files():
            self.file(root / "comparisons" / name / file, f"trials/{name}/{file}")

    def overlay(self, source: Path, target: str) -> None:
        """Sources of the overlays that the server ran with, one folder per operator."""
        for path in sorted(source.rglob("*")) if source.is_dir() else ():
            relative = path.relative_to(source)
            if not path.is_file() or "__pycache__" in relative.parts:
                continue
            if not all(_SOURCE.match(part) for part in relative.parts):
                raise UserError(
                    f"Cannot seal the overlay: {relative} is not a name for source",
                    str(path),
                    "use letters, digits, dot, underscore",
                )
            self.file(path, f"{target}/{relative.as_posix()}")

    def operator(self, task: Path, target: str, attempt: int) -> None:
        """The task's records, those of one attempt at its operator benchmark, and the rows of the attempts before."""
        for name in TASK_FILES:
            self.file(task / name, f"{target}/{name}")
        for name in BENCH_FILES:
            self.file(task / f"bench-{attempt}" / name, f"{target}/{name}")
        for earlier in range(max(1, attempt - MOST_EARLIER), attempt):
            self.file(task / f"bench-{earlier}" / EARLIER_FILE, f"{target}/{EARLIER_FOLDER}/{earlier}/{EARLIER_FILE}")

    def oracle(self, source: Path, target: str) -> None:
        """Tensor files by their suffix. Nothing else below the folder is copied, so nothing else can be opened."""
        for path in sorted(source.glob(f"*{ORACLE_SUFFIX}")) if source.is_dir() else ():
            if _NAME.match(path.name):
                self.file(path, f"{target}/{path.name}")

    def tree(self, source: Path, target: str) -> None:
        for path in sorted(source.rglob("*")) if source.is_dir() else ():
            relative = path.relative_to(source).as_posix()
            if not relative.isprintable():
                raise UserError(
                    "Cannot seal the evidence: file name contains non-printable characters",
                    printable_name(str(path)),
                    "give the file another name",
                )
            if path.is_file():
                self.file(path, f"{target}/{relative}")

    def file(self, source: Path, target: str) -> None:
        """Copy one file, if it is there."""
        try:
            real = source.resolve(strict=True)
        except (OSError, RuntimeError):
            return
        if not real.is_relative_to(self.root):
            raise UserError(
                "Cannot seal the evidence: it links out of the run folder",
                str(source),
                "replace the link by the file",
            )
        try:
            reader = open_regular(real)
        except IrregularFileError:
            raise UserError("Cannot seal the evidence: not a regular file", str(source), "remove it") from None
        try:
            before = stamp(reader)
            self._count(before[0], source)
            place = self._place(target)
        except BaseException:
            reader.close()
            raise
        work = partial(_copy, reader, before, source, place)
        if before[0] >= LARGE and self.beside.free:
            self.beside.start(work)
        else:
            work()

    def write(self, target: str, data: bytes) -> None:
        self.files += 1
        self._place(target).write_bytes(data)

    def lock(self) -> None:
        """Take away every write permission, folders last."""
        for folder, _, files in os.walk(self.dest, topdown=False):
            for name in files:
                os.chmod(Path(folder) / name, 0o444)
            os.chmod(folder, 0o555)

    def _place(self, target: str) -> Path:
        path = self.dest / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _count(self, size: int, source: Path) -> None:
        self.total += size
        self.files += 1
        if size > MAX_FILE_BYTES or self.total > MAX_TOTAL_BYTES or self.files > MAX_FILES:
            raise UserError(
                "Cannot seal the evidence: it is larger than an audit reads",
                str(source),
                "move what is not evidence away",
            )


def _copy(reader: BinaryIO, before: tuple[int, int], source: Path, place: Path) -> None:
    """Copy an open file. ``before``: its size and modification time; raises ``UserError`` when it has others after."""
    left = before[0]
    with reader, place.open("xb") as writer:
        while left > 0 and (piece := reader.read(min(_CHUNK, left))):
            writer.write(piece)
            left -= len(piece)
        if stamp(reader) != before or left > 0:
            raise UserError(
                "Cannot seal the evidence: it changes while it is read",
                str(source),
                "wait until the launch has ended",
            )
