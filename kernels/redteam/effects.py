"""Checks the side effects that some attacks would have outside of their process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def process_exists(name: str) -> bool:
    """Whether a process of that name runs; the kernel keeps 15 characters of a name."""
    names = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.append(path.read_text(encoding="utf-8").strip())
        except OSError:
            continue
    return name[:15] in names


@contextmanager
def listen_on_loopback() -> Iterator[tuple[int, threading.Event]]:
    """A loopback port, and an event that is set on the first connection to it."""
    connected = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connected.set()
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], connected
        server.shutdown(socket.SHUT_RDWR)
