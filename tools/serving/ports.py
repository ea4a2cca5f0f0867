"""Free loopback ports, held until the moment they are needed."""

from __future__ import annotations

import socket
from types import TracebackType

from tools.errors import UserError

LOOPBACK = "127.0.0.1"


class PortHold:
    """A bound but not listening loopback port: nobody else can take it until ``release``."""

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
    """A free port: any, or the first free one of ``allowed``. Raises ``UserError`` when all of them are taken."""
    for port in [0] if allowed is None else allowed:
        candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            candidate.close()
            continue
        return PortHold(candidate)
    where = "any" if allowed is None else f"{allowed.start}-{allowed.stop - 1}"
    raise UserError("no free port", f"ports {where} on {LOOPBACK}", "stop what listens there or give a wider range")
