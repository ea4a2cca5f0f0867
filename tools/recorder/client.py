"""The run's side of its recorder: starts the process, and has files signed before the ledger enters them.

The run holds a socket and never the key. When the recorder is gone, nothing can be signed any more and the run stops;
a resumed run starts another one, whose first line follows the last one of its predecessor.
"""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from io import BufferedReader
from pathlib import Path
from socket import SocketIO

from pydantic import ValidationError

from bankable.tools import package
from bankable.tools.errors import UserError
from bankable.tools.evidence.layout import CHAIN_FILE
from bankable.tools.evidence.ledger import LedgerEntry
from bankable.tools.recorder.chain import Mode, bound_run_id, fingerprint, read_chain
from bankable.tools.recorder.check import RecorderChain
from bankable.tools.recorder.messages import FileToSign, RecorderOrder, RecorderReply

CLOSE_S = 10.0
"""Seconds that a recorder has to end."""
START = f"{package.BOOT}from bankable.tools.recorder.process import main; sys.exit(main())"
STAMP_COMMAND = "BANKABLE_TIME_STAMP_COMMAND"
"""Environment variable with a command that has a digest stamped by an outside service; off when it is not set."""
STAMP_LIMIT_S = 30.0
ANSWER_S = 600.0
"""Seconds after which a recorder that does not answer is given up; hashing the largest file takes a tenth of them."""


def has_library() -> bool:
    """Whether files can be signed in this environment."""
    return find_spec("cryptography") is not None


class Recorder:
    """A recorder of one run. It is started when it is first needed, or before that by ``start``."""

    def __init__(self, mode: Mode, tell: Callable[[str], None] = lambda _: None, stamp_command: str = "") -> None:
        self.mode, self._tell, self._stamp_command = mode, tell, stamp_command
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: SocketIO | None = None
        self._replies: BufferedReader | None = None
        self._public_key = ""
        self._root: Path | None = None

    @property
    def pid(self) -> int | None:
        """Process id, once it is started."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the process and return at once."""
        if self._process is not None:
            return
        mine, theirs = socket.socketpair()  # unlike a pipe it cannot be opened again through /proc
        mine.settimeout(ANSWER_S)
        with mine, theirs:
            self._orders, self._replies = mine.makefile("wb", buffering=0), mine.makefile("rb")
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", START, str(package.START)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                start_new_session=True,  # a signal to the run's group leaves it able to close the chain
            )

    @property
    def public_key(self) -> str:
        """The public key, in hexadecimal; waits until the process has made it."""
        if not self._public_key:
            self.start()
            self._public_key = self._receive().public_key
        return self._public_key

    @property
    def run_id(self) -> str:
        """The nonce of a new live run: it names this recorder's key."""
        return bound_run_id(self.public_key)

    def open(self, root: Path, ledger_seq: int, ledger_link: str) -> Path | None:
        """Begin to sign for the run in ``root``; the file with the public key, or ``None`` when it has begun before."""
        if self._root is not None:
            return None
        key = self.public_key
        order = RecorderOrder(
            do="open", root=str(root.resolve()), mode=self.mode, ledger_seq=ledger_seq, ledger_link=ledger_link
        )
        reply = self._ask(order)
        self._root = root
        if reply.number > 1:
            self._tell(f"recorder {reply.number} of this run goes on signing, with key sha256:{fingerprint(key)[:16]}…")
        elif self.mode != "replay":
            self._tell(f"records are signed as they are written, with key sha256:{fingerprint(key)}")
        self._stamp(f"open-{reply.number}")
        return root / Path(reply.key_file).relative_to(root.resolve())

    def sign(self, entries: Sequence[LedgerEntry]) -> None:
        """Have finished files signed. Raises ``UserError`` when the recorder is gone or refuses."""
        files = tuple(
            FileToSign(path=entry.path, sha256=entry.sha256, size=entry.size, link=entry.link) for entry in entries
        )
        self._ask(RecorderOrder(do="sign", files=files))

    def draw_nonce(self, root: Path, plan: str, fresh: bool) -> str | None:
        """The nonce for a plan's seeds; ``None`` where its own seeds count.

        They do under replay, and for a comparison that was declared without a recorder. ``fresh``: nothing of it was
        measured yet; then ``open`` comes first.
        """
        if self.mode == "replay":
            return None
        path = root / CHAIN_FILE
        chain = RecorderChain(path.read_bytes() if path.is_file() else b"")
        drawn = chain.nonces.get(plan)
        if drawn is None and fresh and plan in chain.files:
            return self._ask(RecorderOrder(do="nonce", plan=plan)).nonce
        return drawn.nonce if drawn is not None else None

    def close(self) -> None:
        """Close the chain and end the process; one that is gone already is only reaped."""
        process = self._process
        if process is None or self._orders is None or self._replies is None:
            return
        if self._root is not None:
            with contextlib.suppress(OSError, UserError):
                self._ask(RecorderOrder(do="close"))
                self._stamp("close")
        self._orders.close()
        self._replies.close()
        self._process = self._orders = self._replies = None
        try:
            process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ask(self, order: RecorderOrder) -> RecorderReply:
        if self._orders is None:
            raise UserError("Cannot sign the evidence: the recorder was closed", CHAIN_FILE, "continue with `resume`")
        line = memoryview(order.model_dump_json(exclude_defaults=True).encode() + b"\n")
        try:
            while line:
                line = line[self._orders.write(line) or 0 :]
        except OSError:
            raise self._gone() from None
        reply = self._receive()
        if reply.refused:
            raise UserError(
                f"Cannot sign the evidence: {reply.refused}",
                str(self._root or ""),
                "free some space, then continue with `resume`"
                if reply.ended
                else "keep other programs out of the run folder",
            )
        return reply

    def _receive(self) -> RecorderReply:
        assert self._replies is not None
        try:
            return RecorderReply.model_validate_json(self._replies.readline())
        except (ValidationError, OSError):
            raise self._gone() from None

    def _gone(self) -> UserError:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.returncode
        why = "no answer" if code is None else f"signal {-code}" if code < 0 else f"exit status {code}"
        return UserError(
            f"Cannot sign the evidence: the recorder's process has ended ({why})",
            CHAIN_FILE,
            "continue with `resume`: it starts another recorder, and the chain shows it",
        )

    def _stamp(self, name: str) -> None:
        """Have the digest of the chain so far stamped, where a command for it is set. A failure is told, no more."""
        if not self._stamp_command or self._root is None:
            return
        lines, program = read_chain((self._root / CHAIN_FILE).read_bytes()), self._stamp_command
        try:
            command = [*shlex.split(self._stamp_command), lines[-1].digest]
            program = command[0]
            done = subprocess.run(command, capture_output=True, timeout=STAMP_LIMIT_S, check=True)
            place = self._root / CHAIN_FILE
            place.with_name(f"stamp-{len(lines) - 1}-{name}").write_bytes(done.stdout)
        except (OSError, ValueError, subprocess.SubprocessError) as problem:
            self._tell(f"no time stamp: {program}: {type(problem).__name__}")
