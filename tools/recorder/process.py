"""The recorder's process: makes a key, answers orders on standard input, and ends with its input.

The private key is made here and never leaves: it is in no message, file or environment, and the process forbids other
processes of the same user to read its memory (Linux).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

from pydantic import ValidationError

from bankable.tools.errors import UserError
from bankable.tools.recorder.key import RecorderKey
from bankable.tools.recorder.messages import RecorderOrder, RecorderReply
from bankable.tools.recorder.writer import ChainWriter, SigningRefused, read_run_id

_PR_SET_DUMPABLE = 4


def main() -> int:
    """Serve one run. Exit code 0 also when the run ends without an order to close: it was killed then."""
    _hide_memory()
    key, writer = RecorderKey(), None
    _reply(RecorderReply(public_key=key.public))
    for line in sys.stdin.buffer:
        try:
            order = RecorderOrder.model_validate_json(line)
            if order.do == "open" and writer is not None:
                raise SigningRefused("a run is open already")
            if order.do == "open":
                root = Path(order.root)
                run_id = read_run_id(root)
                writer = ChainWriter(root, key)
                path = writer.open(run_id, order.mode, order.ledger_seq, order.ledger_link)
                _reply(RecorderReply(number=writer.number, key_file=str(path)))
            elif writer is None:
                raise SigningRefused("no run is open")
            else:
                _reply(_carry_out(order, writer))
                if order.do == "close":
                    os._exit(0)  # the run waits for this process, and nothing is left to tidy up
        except SigningRefused as why:
            _reply(RecorderReply(refused=str(why)))
        except ValidationError:
            _reply(RecorderReply(refused="malformed order"))
        except (OSError, UserError) as problem:
            # What was signed last is not on disk: the next recorder goes on from what is.
            reason = (problem.strerror or problem) if isinstance(problem, OSError) else problem.what
            _reply(RecorderReply(refused=f"the chain cannot be written: {reason}", ended=True))
            return 1
    return 0


def _carry_out(order: RecorderOrder, writer: ChainWriter) -> RecorderReply:
    if order.do == "nonce":
        return RecorderReply(nonce=writer.draw_nonce(order.plan))
    if order.do == "sign":
        writer.sign(order.files)
    elif order.do == "close":
        writer.close()
    return RecorderReply()


def _reply(reply: RecorderReply) -> None:
    sys.stdout.buffer.write(reply.model_dump_json(exclude_defaults=True).encode() + b"\n")
    sys.stdout.buffer.flush()


def _hide_memory() -> None:
    """Other processes of this user can neither trace this one nor read its memory; no core file is written."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
