"""The recorder's chain: one signed line for each file of a run, written when the file was finished.

recorder/chain.jsonl     the lines, oldest first
recorder/key-<n>.json    the opening line of the n-th recorder, with its public key; each resume of a run adds one

Each line holds the sha256 of the line before, so none can be dropped, added or moved without a trace; its signature
(Ed25519, RFC 8032) covers everything else in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Literal

import orjson
from pydantic import Field, ValidationError

from bankable.tools.evidence.records import Digest, Record

DOMAIN = b"bankable recorder chain 1\n"
"""Stands before the signed bytes, so that no signature of another purpose can be shown as one of these."""
MAX_LINE = 8192
"""Bytes of one line."""
RUN_ID_DIGITS = 32
"""Hexadecimal digits of the key's fingerprint that are the nonce of a live run."""

Mode = Literal["live", "attached", "replay"]
Signature = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
"""Ed25519 signature, lower-case hexadecimal."""


class ChainLine(Record):
    """What all lines of the chain have in common."""

    seq: int = Field(ge=0)
    """Place in the chain, 0-based."""
    recorder: int = Field(ge=1)
    """Which recorder of the run signed the line, 1-based."""
    prev: Digest
    """sha256 over the line before, without its newline; zeros for the first."""
    mono_ns: int = Field(ge=0)
    """Monotonic clock of the machine when the line was signed, nanoseconds; comparable within one start of it."""
    wall_ns: int = Field(ge=0)
    """Unix time when the line was signed, nanoseconds."""
    sig: Signature
    """By the recorder's key, over all other fields."""


class RecorderOpened(ChainLine):
    """A recorder has started. From here on its key signs."""

    kind: Literal["opened"] = "opened"
    """Names the form of the line."""
    run_id: str
    """Nonce of the run; of a live run the first digits of the first key's fingerprint."""
    mode: Mode
    """``replay``: the records are copies of recorded ones."""
    public_key: Digest
    """Ed25519 public key, 32 bytes in hexadecimal."""
    boot_id: str
    """Of the running kernel; empty where it reports none."""
    pid: int
    """Process id of the recorder."""
    ledger_seq: int = Field(ge=-1)
    """Last entry of the ledger that was there before; −1 for none."""
    ledger_link: Digest
    """Link of that entry; zeros for none."""


class FileSigned(ChainLine):
    """A file is finished and entered in the ledger."""

    kind: Literal["file"] = "file"
    """Names the form of the line."""
    path: str
    """Relative to the run folder, with forward slashes."""
    sha256: Digest
    """Of the file, as the recorder read it."""
    size: int = Field(ge=0)
    """Bytes of the file."""
    link: Digest
    """Link of the ledger's entry: the signature covers that entry, too."""


class NonceDrawn(ChainLine):
    """The data seeds of a comparison are fixed, after its plan was signed."""

    kind: Literal["nonce"] = "nonce"
    """Names the form of the line."""
    path: str
    """The plan, relative to the run folder."""
    sha256: Digest
    """Of the plan."""
    nonce: Digest
    """32 random bytes in hexadecimal; seeds follow from them, see ``seeds``."""


class Closed(ChainLine):
    """The recorder ended in order. After it only another recorder can add lines."""

    kind: Literal["closed"] = "closed"
    """Names the form of the line."""


Line = RecorderOpened | FileSigned | NonceDrawn | Closed


@dataclass(frozen=True)
class StoredLine:
    """A line of a chain as it stands in the file."""

    raw: bytes
    """Without its newline."""
    line: Line | None
    """``None`` when it is no line of a chain, or not in the form that a recorder writes."""

    @property
    def digest(self) -> str:
        """What the next line names as ``prev``."""
        return hashlib.sha256(self.raw).hexdigest()


def signed_bytes(line: ChainLine) -> bytes:
    """What the signature covers."""
    return DOMAIN + orjson.dumps(line.model_dump(exclude={"sig"}), option=orjson.OPT_SORT_KEYS)


def line_bytes(line: ChainLine) -> bytes:
    """The one form of a line, without its newline."""
    return orjson.dumps(line.model_dump(), option=orjson.OPT_SORT_KEYS)


def fingerprint(public_key: str) -> str:
    """sha256 over the 32 bytes of a public key, in hexadecimal: what people compare."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()


def bound_run_id(public_key: str) -> str:
    """The nonce of a live run: every plan, claim and leg names it, so that they name the key of its first recorder."""
    return fingerprint(public_key)[:RUN_ID_DIGITS]


def read_chain(data: bytes) -> list[StoredLine]:
    """All lines that end in a newline; a torn last line, as a kill leaves behind, is left out."""
    return [StoredLine(raw, _parse(raw)) for raw in data.split(b"\n")[:-1]]


def _parse(raw: bytes) -> Line | None:
    if len(raw) > MAX_LINE:
        return None
    try:
        fields = orjson.loads(raw)
        line = _KINDS[fields["kind"]].model_validate(fields)
        return line if line_bytes(line) == raw else None
    except (ValidationError, ValueError, KeyError, TypeError):
        return None


_KINDS: dict[str, type[Line]] = {"opened": RecorderOpened, "file": FileSigned, "nonce": NonceDrawn, "closed": Closed}
