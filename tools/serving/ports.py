"""Reserves free loopback ports until the moment they are needed."""

from __future__ import annotations

import random
import socket
from types import TracebackType

from bankable.tools.errors import UserError

LOOPBACK = "127.0.0.1"
BELOW_EPHEMERAL = range(20_000, 32_000)
"""Range of ports. A server binds its port up to half a minute after it was chosen.

In the ephemeral range (32768 and up on Linux) an outgoing connection may take it meanwhile; below it that does not
happen by chance.
"""


class PortHold:
    """A bound but not listening loopback port: no other process can take it until ``release``."""

    def __init__(self, held: socket.socket) -> None:
        self._socket = held
        self.port: int = held.getsockname()[1]

    def release(self) -> int:
        """Let go of the port, to be called right before the server that wants it starts; the port number."""
        self._socket.close()
        return self.port

    def __enter__(self) -> PortHold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def hold_port(allowed: range | None = None) -> PortHold:
    """A free port: a random one below the ephemeral range, or the first free one of ``allowed``.

    Random, so that two servers that start together do not choose the same one. Raises ``UserError`` when all are taken.
    """
    chosen = random.sample(BELOW_EPHEMERAL, len(BELOW_EPHEMERAL)) if allowed is None else allowed
    for port in chosen:
        candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            candidate.close()
            continue
        return PortHold(candidate)
    tried = BELOW_EPHEMERAL if allowed is None else allowed
    where = f"{tried.start}-{tried.stop - 1}"
    raise UserError(
        "Cannot start the server: no free port",
        f"ports {where} on {LOOPBACK}",
        "stop what listens there or give a wider range",
    )
