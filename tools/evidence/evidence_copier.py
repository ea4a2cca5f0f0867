"""Copies evidence into a new folder: known names, regular files, bounded sizes, nothing that links out of the run."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bankable.tools.errors import UserError
from bankable.tools.evidence.background import BackgroundTask
from bankable.tools.evidence.harness import BENCH_FILES, EARLIER_FILE, EARLIER_FOLDER, ORACLE_SUFFIX, TASK_FILES
from bankable.tools.evidence.layout import (
    CHAIN_FILE,
    COMPARISON_FILES,
    LEG_FILES,
    MAX_FILE_BYTES,
    OVERLAY_FOLDER,
    key_file,
)
from bankable.tools.evidence.regular import IrregularFileError, open_regular, printable_name, stamp
from bankable.tools.evidence.trials import LedgerCut

MAX_PLAN_BYTES = 1 << 24
MAX_TOTAL_BYTES = 1 << 32
MAX_FILES = 20_000
MOST_EARLIER = 20
"""Earlier attempts at an operator's benchmark whose rows are taken along, the latest ones."""
FOLDER_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._=+-]{0,150}$")
"""Name of a folder of the run, and of a file of an oracle."""
_SOURCE = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,150}$")
LARGE = 1 << 20
"""Bytes of a file from which a thread pays: copying does not hold the interpreter."""
_CHUNK = 1 << 20
"""Read and written while it is in the processor's cache."""


def read_small_json(path: Path) -> Any:
    """Read a small untrusted JSON file. Raises ``OSError`` or ``ValueError``, and never blocks."""
    with open_regular(path) as stream:
        if stamp(stream)[0] > MAX_PLAN_BYTES:
            raise ValueError("too large")
        return orjson.loads(stream.read(MAX_PLAN_BYTES))


class EvidenceCopier:
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
            if not FOLDER_NAME.match(leg.name):
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
            chosen = str(read_small_json(verdict)["request"]["comparison"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if FOLDER_NAME.match(chosen):
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
            if FOLDER_NAME.match(path.name):
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
