"""What the run and its recorder say to each other: one JSON object a line, each order answered by one reply."""

from __future__ import annotations

from typing import Literal

from bankable.tools.evidence.records import Digest, Record
from bankable.tools.recorder.chain import Mode


class FileToSign(Record):
    """A finished file, as the ledger is about to enter it."""

    path: str
    """Relative to the run folder."""
    sha256: Digest
    """As the run read it."""
    size: int
    """Bytes of the file."""
    link: Digest
    """Link of the ledger's entry."""


class RecorderOrder(Record):
    """From the run to its recorder."""

    do: Literal["open", "sign", "nonce", "close"]
    """What is wanted."""
    root: str = ""
    """``open``: the run folder."""
    mode: Mode = "live"
    """``open``: where the run's launches come from."""
    ledger_seq: int = -1
    """``open``: last entry of the ledger; −1 for none."""
    ledger_link: str = ""
    """``open``: link of that entry."""
    files: tuple[FileToSign, ...] = ()
    """``sign``: finished files."""
    plan: str = ""
    """``nonce``: path of a signed plan, relative to the run folder."""


class RecorderReply(Record):
    """From the recorder to its run."""

    refused: str = ""
    """Why it was not done; empty when it was."""
    ended: bool = False
    """The recorder ends: it could not write what it had signed."""
    public_key: str = ""
    """The first reply, to no order: the public key, in hexadecimal."""
    number: int = 0
    """``open``: which recorder of the run this is, 1-based."""
    key_file: str = ""
    """``open``: the file with the public key."""
    nonce: str = ""
    """``nonce``: what the seeds follow from."""
