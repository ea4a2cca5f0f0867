"""Checks a recorder's chain, and files and ledger against it: what does not hold, and where.

Whoever edits a file afterwards changes its digest; whoever edits a line breaks its signature, or the next line, which
names its digest; whoever signs with another key is shown by the first line, which ``key-1.json`` and the nonce repeat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from bankable.tools.evidence.layout import CHAIN_FILE, COMPARISON_FILES, LEG_FILES, RECORDER_FOLDER, key_file
from bankable.tools.evidence.ledger import GENESIS, LedgerEntry
from bankable.tools.recorder.chain import (
    Closed,
    FileSigned,
    Line,
    NonceDrawn,
    RecorderOpened,
    bound_run_id,
    fingerprint,
    read_chain,
    signed_bytes,
)

LEDGER = "ledger.jsonl"
SEALED_NAMES = frozenset({*COMPARISON_FILES, *LEG_FILES})
ENTERED_ONCE = ("bundle/", f"{RECORDER_FOLDER}/")
"""Beginnings of paths that a resumed run does not enter again, like what it set aside as torn."""
WRITTEN_ONCE = ("comparisons/", "ops/", "profile", "audits/")
"""Beginnings of paths under which no file is ever finished twice."""


@dataclass(frozen=True)
class ChainProblem:
    """One place where signed records and present ones disagree."""

    code: str
    """Stable identifier for programs."""
    file: str
    """Where: the chain, the ledger, or a file of the run."""
    line: int | None
    """1-based; ``None`` for the file as a whole."""
    expected: str
    """What signed records say."""
    observed: str
    """What is there."""


@dataclass(frozen=True)
class RecorderPart:
    """The lines of one recorder, from its opening to the next one's."""

    opened: RecorderOpened
    """Its first line."""
    lines: tuple[Line, ...]
    """All its lines that could be read, in the order of the file."""

    @property
    def closed(self) -> bool:
        """Whether it ended in order."""
        return isinstance(self.lines[-1], Closed)

    @cached_property
    def files(self) -> tuple[FileSigned, ...]:
        """The files that it signed."""
        return tuple(line for line in self.lines if isinstance(line, FileSigned))


class RecorderChain:
    """A chain as it is stored, with what does not hold in it."""

    def __init__(self, data: bytes) -> None:
        self.stored = read_chain(data)

    @cached_property
    def parts(self) -> tuple[RecorderPart, ...]:
        """Recorders of the run, in order."""
        parts: list[list[Line]] = []
        for entry in self.stored:
            if isinstance(entry.line, RecorderOpened):
                parts.append([])
            if parts and entry.line is not None:
                parts[-1].append(entry.line)
        return tuple(RecorderPart(lines[0], tuple(lines)) for lines in parts if isinstance(lines[0], RecorderOpened))

    @cached_property
    def files(self) -> dict[str, list[FileSigned]]:
        """Signed files by path, oldest signature first."""
        by_path: dict[str, list[FileSigned]] = {}
        for part in self.parts:
            for line in part.files:
                by_path.setdefault(line.path, []).append(line)
        return by_path

    @cached_property
    def nonces(self) -> dict[str, NonceDrawn]:
        """Nonces by the path of the plan; the first one counts."""
        nonces: dict[str, NonceDrawn] = {}
        for part in self.parts:
            for line in part.lines:
                if isinstance(line, NonceDrawn):
                    nonces.setdefault(line.path, line)
        return nonces

    @property
    def unsigned_before(self) -> int:
        """Ledger entries from before the first recorder: a run that an earlier version began."""
        return self.parts[0].opened.ledger_seq + 1 if self.parts else 0

    def check_lines(self, run_id: str) -> Iterator[ChainProblem]:
        """Order, links, keys and signatures of the lines, for the run with this nonce. Needs cryptography."""
        key, recorder, seq, prev, mono = "", 0, 0, GENESIS, 0
        if not self.stored:
            yield ChainProblem("chain_gone", CHAIN_FILE, None, "the recorder's signed lines", "none")
        for number, entry in enumerate(self.stored, 1):
            line = entry.line
            if line is None:
                yield ChainProblem(
                    "chain_line",
                    CHAIN_FILE,
                    number,
                    "a line as a recorder writes it",
                    "edited, or not a line of a chain",
                )
                seq, prev = seq + 1, entry.digest
                continue
            yield from _check_place(line, number, seq, prev)
            if isinstance(line, RecorderOpened):
                yield from _check_opening(line, number, recorder, run_id)
                key, recorder, mono = line.public_key, line.recorder, line.mono_ns
            if line.recorder != recorder:
                yield ChainProblem(
                    "chain_order", CHAIN_FILE, number, f"a line of recorder {recorder}", f"of recorder {line.recorder}"
                )
            if not key or not _is_signed(key, line):
                signer = f"key sha256:{fingerprint(key)[:16]}…" if key else "a recorder's key"
                yield ChainProblem(
                    "chain_signature",
                    CHAIN_FILE,
                    number,
                    f"signed by {signer}",
                    f"another key or another text: {_describe(line)}",
                )
            elif line.mono_ns < mono:
                yield ChainProblem(
                    "chain_order", CHAIN_FILE, number, "signed after the line before", "an earlier monotonic time"
                )
            seq, prev, mono = line.seq + 1, entry.digest, max(mono, line.mono_ns)

    def check_keys(self, key_files: Mapping[int, bytes]) -> Iterator[ChainProblem]:
        """Whether the public keys beside the chain are those that opened it; ``key_files`` by recorder."""
        for part in self.parts:
            number = part.opened.recorder
            name = key_file(number)
            if number not in key_files:
                if part.files:
                    yield ChainProblem("key_gone", name, None, "the recorder's public key", "no file")
                continue
            signed = self.files.get(name, ())
            if signed and _sha256(key_files[number]) != signed[-1].sha256:
                yield ChainProblem(
                    "key_differs",
                    name,
                    None,
                    f"the public key that opened the chain, sha256:{fingerprint(part.opened.public_key)[:16]}…",
                    "another file",
                )

    def check_files(
        self, present: Mapping[str, str], entered_before: Iterable[str] = (), owed: Iterable[str] = ()
    ) -> Iterator[ChainProblem]:
        """Files (digests by path) that are not what was signed under their name.

        ``entered_before``: paths that the ledger had before the first recorder; nobody signed those. ``owed``: folders
        of which every signed file must be present.
        """
        old, folders = set(entered_before), tuple(f"{folder}/" for folder in owed)
        for path, lines in sorted(self.files.items()):
            if path not in present and path.startswith(folders) and path.rsplit("/", 1)[-1] in SEALED_NAMES:
                what = f"the file that was signed in line {lines[-1].seq + 1}"
                yield ChainProblem("file_gone", path, None, what, "no file")
        owners: dict[str, str] = {}
        for path, lines in self.files.items():
            owners.setdefault(lines[-1].sha256, path)
        for path, digest in sorted(present.items()):
            signed = self.files.get(path)
            if signed is None:
                if path not in old:
                    yield ChainProblem(
                        "file_unsigned", path, None, "a file that the recorder signed", "no line names it"
                    )
                continue
            if digest != signed[-1].sha256:
                other = owners.get(digest)
                what = f"the file that was signed as {other}" if other else digest[:12]
                when = f"as signed in line {signed[-1].seq + 1}: {signed[-1].sha256[:12]}"
                yield ChainProblem("file_edited", path, None, when, what)
            first = signed[0]
            if path.startswith(WRITTEN_ONCE) and any(line.sha256 != first.sha256 for line in signed):
                yield ChainProblem(
                    "file_rewritten",
                    path,
                    None,
                    f"signed once, in line {first.seq + 1}: {first.sha256[:12]}",
                    f"signed again in line {signed[-1].seq + 1}: {signed[-1].sha256[:12]}",
                )

    def check_ledger(self, entries: Sequence[LedgerEntry]) -> Iterator[ChainProblem]:
        """Entries that nobody signed, and signed ones that the ledger does not have."""
        links = {line.link for lines in self.files.values() for line in lines}
        for entry in entries[self.unsigned_before :]:
            if entry.link not in links:
                yield ChainProblem(
                    "entry_unsigned",
                    LEDGER,
                    entry.seq + 1,
                    "an entry that the recorder signed",
                    f"{entry.path}: no line",
                )
        entry_links = {entry.link for entry in entries}
        for part in self.parts:
            interrupted = self._interrupted(part, entry_links)
            for line in part.files:
                if line.link not in entry_links and line not in interrupted:
                    yield ChainProblem(
                        "entry_dropped",
                        LEDGER,
                        None,
                        f"the entry of {line.path}, signed in line {line.seq + 1}",
                        "none",
                    )

    def _interrupted(self, part: RecorderPart, known: Set[str]) -> list[FileSigned]:
        """Last files of a recorder whose run ended between signing and entering them: killed, or by a full disk.

        The resumed run enters them again, as they are; only those of ``ENTERED_ONCE`` it does not.
        """
        if part is self.parts[-1]:
            return []
        tail = takewhile(lambda line: line.link not in known, reversed(part.files))
        return [line for line in tail if _is_entered_once(line.path) or self._signed_again(line)]

    def _signed_again(self, line: FileSigned) -> bool:
        return any(
            later.sha256 == line.sha256 and later.recorder > line.recorder for later in self.files.get(line.path, ())
        )

    def describe(self) -> str:
        """Who signed how much, in one line."""
        parts = []
        for part in self.parts:
            end = "" if part is self.parts[-1] or part.closed else ", ended without closing"
            key = f"sha256:{fingerprint(part.opened.public_key)[:16]}…"
            mode = "replay: copies of recorded records" if part.opened.mode == "replay" else part.opened.mode
            parts.append(f"recorder {part.opened.recorder} ({mode}, key {key}{end}): {len(part.files)} files")
        return "; ".join(parts)


def _check_place(line: Line, number: int, seq: int, prev: str) -> Iterator[ChainProblem]:
    if line.seq != seq:
        yield ChainProblem(
            "chain_order",
            CHAIN_FILE,
            number,
            f"entry {seq}",
            f"entry {line.seq} ({_describe(line)}): lines were dropped, added or moved before it",
        )
    elif line.prev != prev:
        yield ChainProblem(
            "chain_order",
            CHAIN_FILE,
            number,
            "the digest of the line before",
            f"{_describe(line)} follows another line",
        )


def _check_opening(line: RecorderOpened, number: int, before: int, run_id: str) -> Iterator[ChainProblem]:
    if line.recorder != before + 1:
        yield ChainProblem("chain_order", CHAIN_FILE, number, f"recorder {before + 1}", f"recorder {line.recorder}")
    if line.run_id != run_id:
        yield ChainProblem("chain_of_another_run", CHAIN_FILE, number, f"run {run_id}", f"run {line.run_id}")
    # A run that an earlier version began has its nonce already, and entries in its ledger.
    if (
        line.recorder == 1
        and line.mode != "replay"
        and line.ledger_seq < 0
        and line.run_id != bound_run_id(line.public_key)
    ):
        yield ChainProblem(
            "key_not_bound",
            CHAIN_FILE,
            number,
            f"a run whose nonce names the key: {bound_run_id(line.public_key)}",
            f"run {line.run_id}",
        )


def _is_entered_once(path: str) -> bool:
    return path.startswith(ENTERED_ONCE) or "/torn/" in path


def _describe(line: Line) -> str:
    match line:
        case FileSigned():
            return line.path
        case NonceDrawn():
            return f"seeds of {line.path}"
        case RecorderOpened():
            return f"opening of recorder {line.recorder}"
        case Closed():
            return f"end of recorder {line.recorder}"


def _is_signed(key: str, line: Line) -> bool:
    from bankable.tools.recorder.key import is_signed  # noqa: PLC0415  # unsigned evidence is read without cryptography

    return is_signed(key, signed_bytes(line), line.sig)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
