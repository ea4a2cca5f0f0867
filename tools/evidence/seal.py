"""A read-only copy of exactly the raw records that one audit may see.

Only files with known names are copied, so nothing that a producer wrote beside its claim can reach the auditor.
The request says what is judged; the digests say from which bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from tools.errors import UserError
from tools.evidence.canonical import canonical, digest
from tools.evidence.records import SCHEMA_VERSION, Record

Scope = Literal["baseline", "profile", "patch", "bundle"]

COMPARISON_FILES = ("plan.json", "claim.json")
LEG_FILES = (
    "leg.json", "bench_runs.jsonl", "server.log", "server_info.json", "outputs.jsonl",
    "accuracy.jsonl", "engagement.jsonl", "host.jsonl",
)  # fmt: skip
MAX_FILE_BYTES = 1 << 29
"""512 MiB: a larger evidence file is refused, not truncated."""
MAX_TOTAL_BYTES = 1 << 32
MAX_FILES = 20_000
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._=+-]{0,150}$")
_CHUNK = 1 << 20


class Request(Record):
    """``request.json``: what the auditor is asked to judge, and from which folders of the run."""

    schema_version: int = SCHEMA_VERSION
    scope: Scope | Literal["pair"]
    """``pair``: two bare legs that no plan of ours stands behind; never sealed from a run."""
    subject: str
    """What is judged: ``control``, ``patch-stream_interval``, ``bundle``, ``profile``."""
    attempt: int
    """1-based."""
    run_id: str
    comparison: str | None = None
    """Folder under ``comparisons/`` (scope profile: the profile folder) that was sealed as the subject."""
    control: str | None = None
    """Folder of the A/A control that counts: its legs are the true baseline."""
    components: tuple[str, ...] = ()
    """Audit folders of the accepted patches (scope bundle)."""


@dataclass(frozen=True)
class Seal:
    """A sealed folder and the sha256 of every file in it (path relative to the folder)."""

    folder: Path
    request: Request
    digests: dict[str, str]

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
) -> Seal:
    """Copy what scope ``scope`` needs of ``run_dir`` into the new folder ``dest``, read-only.

    ``comparison`` defaults to ``subject`` or ``scope-subject``, with ``-k`` for the k-th attempt where that exists.
    ``components`` are audit folder names; by default the latest audit of every patch, where it was accepted. ``run_id``
    is read from ``run.json`` when it is not given. Missing evidence is left out: to say so is the auditor's task.
    Raises ``UserError`` on links out of the run, special files and oversized evidence.
    """
    root = run_dir.resolve()
    if not root.is_dir():
        raise UserError("no such run folder", str(run_dir), "give the folder that holds run.json")
    parent = "" if scope == "profile" else "comparisons"
    names = (subject, f"{scope}-{subject}", *((control,) if scope == "baseline" else ()))
    chosen = comparison or _first_folder(root / parent, names, attempt)
    accepted = tuple(components) if components is not None else tuple(_accepted_patches(root))
    request = Request(
        scope=scope,
        subject=subject,
        attempt=attempt,
        run_id=run_id or _run_id(root),
        comparison=chosen,
        control=control if scope in ("patch", "bundle") else None,
        components=accepted if scope == "bundle" else (),
    )
    for name in (chosen, control, subject, *request.components):
        if not _NAME.match(name):
            raise UserError(
                f"{name!r} is not a folder name", str(run_dir), "use letters, digits, dot, dash, underscore"
            )
    dest.mkdir(parents=True, exist_ok=False)
    copier = _Copier(root, dest)
    copier.write("request.json", canonical(request.model_dump(mode="json")))
    if scope == "profile":
        copier.tree(root / chosen, "profile")
    else:
        copier.comparison(root / "comparisons" / chosen, "comparison")
    if request.control is not None:
        copier.comparison(root / "comparisons" / request.control, "control")
    for name in request.components:
        copier.component(root, name)
    copier.lock()
    return Seal(dest, request, dict(sorted(copier.digests.items())))


def _first_folder(parent: Path, names: Sequence[str], attempt: int) -> str:
    """The k-th attempt's own folder, else the plain one; the first name when there is neither."""
    numbered = [f"{name}-{attempt}" for name in names] if attempt > 1 else []
    return next((name for name in (*numbered, *names) if (parent / name).is_dir()), names[0])


def _run_id(root: Path) -> str:
    try:
        content = orjson.loads((root / "run.json").read_bytes())
        config = content.get("config", {})
        return str(content["run_id"] if "run_id" in content else config["run_id"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as cause:
        raise UserError("run.json is missing or has no run_id", str(root), "give the folder of a run") from cause


def _accepted_patches(root: Path) -> Iterator[str]:
    latest: dict[str, tuple[int, str]] = {}
    for path in sorted((root / "audits").glob("patch-*-*/verdict.json")):
        try:
            verdict = orjson.loads(path.read_bytes())
            subject, attempt, word = str(verdict["subject"]), int(verdict["attempt"]), str(verdict["verdict"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if attempt >= latest.get(subject, (0, ""))[0]:
            latest[subject] = (attempt, path.parent.name if word in ("PASS", "FLAG") else "")
    yield from sorted(name for _, name in latest.values() if name)


class _Copier:
    """Copies into one new folder, hashing on the way and keeping count."""

    def __init__(self, root: Path, dest: Path) -> None:
        self.root, self.dest = root, dest
        self.digests: dict[str, str] = {}
        self.total = 0

    def comparison(self, source: Path, target: str) -> None:
        for name in COMPARISON_FILES:
            self.file(source / name, f"{target}/{name}")
        legs = source / "legs"
        for leg in sorted(legs.iterdir()) if legs.is_dir() else ():
            if not _NAME.match(leg.name):
                raise UserError(f"{leg.name!r} is not a leg name", str(leg), "evidence folders are written by the run")
            for name in LEG_FILES:
                self.file(leg / name, f"{target}/legs/{leg.name}/{name}")

    def component(self, root: Path, name: str) -> None:
        verdict = root / "audits" / name / "verdict.json"
        self.file(verdict, f"components/{name}/verdict.json")
        try:
            chosen = str(orjson.loads(verdict.read_bytes())["request"]["comparison"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if _NAME.match(chosen):
            self.file(root / "comparisons" / chosen / "claim.json", f"components/{name}/claim.json")

    def tree(self, source: Path, target: str) -> None:
        for path in sorted(source.rglob("*")) if source.is_dir() else ():
            if path.is_file():
                self.file(path, f"{target}/{path.relative_to(source).as_posix()}")

    def file(self, source: Path, target: str) -> None:
        """Copy one file, if it is there."""
        try:
            real = source.resolve(strict=True)
        except (OSError, RuntimeError):
            return
        if not real.is_relative_to(self.root):
            raise UserError("evidence links out of the run folder", str(source), "replace the link by the file")
        facts = real.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise UserError("evidence is not a regular file", str(source), "remove it")
        self._count(facts.st_size, source)
        state = hashlib.sha256()
        copy = self._place(target)
        with real.open("rb") as reader, copy.open("xb") as writer:
            left = MAX_FILE_BYTES
            while left > 0 and (piece := reader.read(min(_CHUNK, left))):
                state.update(piece)
                writer.write(piece)
                left -= len(piece)
        self.digests[target] = state.hexdigest()

    def write(self, target: str, data: bytes) -> None:
        self._place(target).write_bytes(data)
        self.digests[target] = digest(data)

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
        if size > MAX_FILE_BYTES or self.total > MAX_TOTAL_BYTES or len(self.digests) >= MAX_FILES:
            raise UserError("evidence is larger than an audit reads", str(source), "move what is not evidence away")
