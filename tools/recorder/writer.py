"""Writes a chain: takes a file's digest itself, signs the line, and has it on disk before it answers."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, TypeVar

import orjson

from bankable.tools.evidence.layout import CHAIN_FILE, key_file
from bankable.tools.evidence.ledger import GENESIS
from bankable.tools.evidence.regular import open_regular
from bankable.tools.evidence.store import append_bytes, json_bytes, set_torn_line_aside, write_once
from bankable.tools.recorder.chain import (
    ChainLine,
    Closed,
    FileSigned,
    Mode,
    NonceDrawn,
    RecorderOpened,
    line_bytes,
    read_chain,
    signed_bytes,
)
from bankable.tools.recorder.key import RecorderKey
from bankable.tools.recorder.messages import FileToSign

UNSIGNED = "0" * 128
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CHUNK = 1 << 20
Signed = TypeVar("Signed", bound=ChainLine)


class SigningRefused(Exception):
    """The recorder does not sign this. The message is one phrase for a person."""


@dataclass(frozen=True)
class Sources:
    """Where times and nonces of the lines come from."""

    mono_ns: Callable[[], int] = time.monotonic_ns
    """Monotonic clock, nanoseconds."""
    wall_ns: Callable[[], int] = time.time_ns
    """Unix time, nanoseconds."""
    nonce: Callable[[], str] = lambda: secrets.token_hex(32)
    """32 random bytes in hexadecimal."""


class _Place(TypedDict):
    """The fields that a line has before it is signed, whatever it is about."""

    seq: int
    recorder: int
    prev: str
    mono_ns: int
    wall_ns: int
    sig: str


class ChainWriter:
    """One recorder's part of the chain of the run in ``root``."""

    def __init__(self, root: Path, key: RecorderKey, sources: Sources | None = None) -> None:
        self.root, self.key, self.sources = root.resolve(), key, sources or Sources()
        self.path = root / CHAIN_FILE
        self.path.parent.mkdir(exist_ok=True)
        set_torn_line_aside(self.path)
        stored = read_chain(self.path.read_bytes()) if self.path.exists() else []
        lines = [entry.line for entry in stored]
        self._seq, self._prev = len(stored), stored[-1].digest if stored else GENESIS
        self._signed = {(line.path, line.link) for line in lines if isinstance(line, FileSigned)}
        self._digests = {line.path: line.sha256 for line in lines if isinstance(line, FileSigned)}
        self._nonces = {line.path: line.nonce for line in lines if isinstance(line, NonceDrawn)}
        self.number = 1 + sum(isinstance(line, RecorderOpened) for line in lines)

    def open(self, run_id: str, mode: Mode, ledger_seq: int, ledger_link: str) -> Path:
        """Begin this recorder's part; returns the file with its public key, for the ledger."""
        opened = self._sign(
            RecorderOpened(
                run_id=run_id,
                mode=mode,
                public_key=self.key.public,
                boot_id=_BOOT_ID.read_text().strip() if _BOOT_ID.is_file() else "",
                pid=os.getpid(),
                ledger_seq=ledger_seq,
                ledger_link=ledger_link,
                **self._place(),
            )
        )
        self._append([opened])
        path = self.root / key_file(self.number)
        write_once(path, json_bytes(opened.model_dump()))
        return path

    def sign(self, files: Sequence[FileToSign]) -> None:
        """Sign finished files. Raises ``SigningRefused`` when one is not what the run says, and then signs none."""
        fresh = [file for file in files if (file.path, file.link) not in self._signed]
        for file in fresh:
            if self._digest(file.path) != file.sha256:
                raise SigningRefused(f"{file.path} changed while it was entered")
        lines: list[ChainLine] = []
        for file in fresh:
            lines.append(
                self._sign(
                    FileSigned(path=file.path, sha256=file.sha256, size=file.size, link=file.link, **self._place())
                )
            )
            self._signed.add((file.path, file.link))
            self._digests[file.path] = file.sha256
        self._append(lines)

    def draw_nonce(self, plan: str) -> str:
        """The nonce of a signed plan, drawn once. Raises ``SigningRefused`` for a plan that is not signed."""
        if plan not in self._nonces:
            if plan not in self._digests:
                raise SigningRefused(f"{plan} is not signed yet")
            nonce = self.sources.nonce()
            drawn = NonceDrawn(path=plan, sha256=self._digests[plan], nonce=nonce, **self._place())
            self._append([self._sign(drawn)])
            self._nonces[plan] = nonce
        return self._nonces[plan]

    def close(self) -> None:
        """End this recorder's part."""
        self._append([self._sign(Closed(**self._place()))])

    def _digest(self, name: str) -> str:
        try:
            path = (self.root / name).resolve(strict=True)
            if not path.is_relative_to(self.root):
                raise SigningRefused(f"{name} links out of the run folder")
            state = hashlib.sha256()
            with open_regular(path) as stream:
                while piece := stream.read(_CHUNK):
                    state.update(piece)
        except (OSError, RuntimeError) as problem:
            raise SigningRefused(f"{name} cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
        return state.hexdigest()

    def _place(self) -> _Place:
        return {
            "seq": self._seq,
            "recorder": self.number,
            "prev": self._prev,
            "mono_ns": self.sources.mono_ns(),
            "wall_ns": self.sources.wall_ns(),
            "sig": UNSIGNED,
        }

    def _sign(self, line: Signed) -> Signed:
        """The line with its signature; the next one follows it."""
        signed = line.model_copy(update={"sig": self.key.sign(signed_bytes(line))})
        self._seq += 1
        self._prev = hashlib.sha256(line_bytes(signed)).hexdigest()
        return signed

    def _append(self, lines: Sequence[ChainLine]) -> None:
        if lines:
            append_bytes(self.path, b"".join(line_bytes(line) + b"\n" for line in lines))


def read_run_id(root: Path) -> str:
    """Nonce of the run in ``root``. Raises ``SigningRefused`` where there is none."""
    try:
        return str(orjson.loads((root / "run.json").read_bytes())["run_id"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SigningRefused("run.json cannot be read") from None
