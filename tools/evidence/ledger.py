"""The ledger: a hash chain over every file of a run, in the order in which they were finished."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import orjson

from bankable.tools.evidence.records import Digest, Record
from bankable.tools.evidence.store import AppendLog, sha256_file

GENESIS = "0" * 64
MAX_LINE = 65_536
"""Bytes of one line."""


class LedgerEntry(Record):
    """One line of ``ledger.jsonl``."""

    seq: int
    """Place in the chain, 0-based."""
    path: str
    """Relative to the run folder, with forward slashes."""
    sha256: Digest
    """Over the file as it was entered."""
    size: int
    """Bytes of the file."""
    prev: Digest
    """``link`` of the entry before; zeros for the first."""
    link: Digest
    """sha256 over the other fields of this entry."""


def _link(seq: int, path: str, sha256: str, size: int, prev: str) -> str:
    return hashlib.sha256(orjson.dumps([seq, path, sha256, size, prev])).hexdigest()


class EvidenceRecorder(Protocol):
    """Signs files as they are entered; see ``bankable.tools.recorder``."""

    def open(self, root: Path, ledger_seq: int, ledger_link: str) -> Path | None:
        """Begin after this entry of the ledger; a file to enter first, or ``None`` when it has begun before."""
        ...

    def sign(self, entries: Sequence[LedgerEntry]) -> None:
        """Sign entries that are about to be appended."""
        ...

    def draw_nonce(self, root: Path, plan: str, fresh: bool) -> str | None:
        """What the seeds of a comparison follow from; ``None`` where the plan's own count."""
        ...

    def close(self) -> None:
        """End; nothing is signed after it."""
        ...


class Ledger:
    """Append-only. A file that is entered must not change any more; entering it twice unchanged is a no-op.

    With a recorder every entry is signed before it is appended.
    """

    def __init__(self, root: Path, recorder: EvidenceRecorder | None = None) -> None:
        self.root, self._recorder = root, recorder
        self._log = AppendLog(root / "ledger.jsonl")
        self._entries = read_ledger(root)
        self._known = {entry.path: entry.sha256 for entry in self._entries}

    def enter(self, path: Path) -> LedgerEntry | None:
        """Add a finished file; ``None`` when it is already there with the same digest."""
        return next(iter(self._enter([path])), None)

    def enter_tree(self, folder: Path) -> None:
        """Enter every regular file below a finished folder, in name order."""
        self._enter(
            [
                path
                for path in sorted(folder.rglob("*"))
                if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
            ]
        )

    def _enter(self, paths: Sequence[Path]) -> list[LedgerEntry]:
        digests = {path: sha256_file(path) for path in paths}
        fresh = [path for path, digest in digests.items() if self._known.get(self._name(path)) != digest]
        if not fresh:
            return []
        self.open_recorder()
        return self._append({path: digests[path] for path in fresh})

    def open_recorder(self) -> None:
        """Have the recorder begin, if there is one and it has not: its public key is entered first."""
        if self._recorder is not None and (key := self._recorder.open(self.root, *self._head)) is not None:
            self._append({key: sha256_file(key)})

    def _append(self, digests: Mapping[Path, str]) -> list[LedgerEntry]:
        entries: list[LedgerEntry] = []
        head, prev = self._head
        for seq, (path, digest) in enumerate(digests.items(), head + 1):
            name, size = self._name(path), path.stat().st_size
            link = _link(seq, name, digest, size, prev)
            entries.append(LedgerEntry(seq=seq, path=name, sha256=digest, size=size, prev=prev, link=link))
            prev = link
        if self._recorder is not None:
            self._recorder.sign(entries)
        for entry in entries:
            self._log.append(entry.model_dump())
            self._entries.append(entry)
            self._known[entry.path] = entry.sha256
        return entries

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    @property
    def _head(self) -> tuple[int, str]:
        """Number and link of the last entry."""
        return len(self._entries) - 1, self._entries[-1].link if self._entries else GENESIS


def read_ledger(root: Path) -> list[LedgerEntry]:
    """All whole entries, oldest first; an unreadable line ends the list (``check_ledger`` names it)."""
    path = root / "ledger.jsonl"
    entries: list[LedgerEntry] = []
    if not path.exists():
        return entries
    with path.open("rb") as lines:
        while line := lines.readline(MAX_LINE):
            try:
                entries.append(LedgerEntry.model_validate(orjson.loads(line)))
            except ValueError:
                break
    return entries


def check_chain(root: Path) -> list[str]:
    """Where the chain itself does not hold, one sentence each; the files that it names are not looked at."""
    problems, prev = [], GENESIS
    entries = read_ledger(root)
    for number, entry in enumerate(entries):
        if entry.seq != number or entry.prev != prev or entry.link != link_of(entry):
            problems.append(f"ledger.jsonl:{number + 1}: the chain is broken here")
            break
        prev = entry.link
    content = (root / "ledger.jsonl").read_bytes() if (root / "ledger.jsonl").exists() else b""
    if content.count(b"\n") != len(entries) or (content and not content.endswith(b"\n")):
        problems.append(f"ledger.jsonl:{len(entries) + 1}: this line cannot be read, or is incomplete")
    return problems


def check_ledger(root: Path, digest_of: Callable[[Path], str] = sha256_file) -> list[str]:
    """What is wrong, one sentence each; empty when the chain holds and every file is as it was entered.

    ``digest_of`` gives the sha256 of a file.
    """
    problems = check_chain(root)
    current = {entry.path: entry.sha256 for entry in read_ledger(root)}
    present = {digest for name, digest in current.items() if (root / name).is_file()}
    for name, digest in current.items():
        path = root / name
        if not path.is_file():
            # A leg that a crash left half done is moved aside and entered again under its new name.
            if digest not in present:
                problems.append(f"{name}: gone")
        elif digest_of(path) != digest:
            problems.append(f"{name}: changed after it was entered")
    return problems


def link_of(entry: LedgerEntry) -> str:
    """The link that an entry should have."""
    return _link(*_fields(entry))


def _fields(entry: LedgerEntry) -> tuple[int, str, str, int, str]:
    return entry.seq, entry.path, entry.sha256, entry.size, entry.prev
