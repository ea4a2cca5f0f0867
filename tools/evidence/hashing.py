"""sha256 of a stream of bytes, beside whatever else is done with them."""

from __future__ import annotations

import hashlib
import threading

BESIDE = 1 << 20
"""Bytes from which a thread pays: hashing does not hold the interpreter."""


class Hashing:
    """Takes pieces in order; a large piece is hashed while the caller goes on. Use as a context manager."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()
        self._busy: threading.Thread | None = None

    def update(self, data: bytes) -> None:
        """Add a piece. It must not change afterwards."""
        self._wait()
        if len(data) < BESIDE:
            self._state.update(data)
            return
        self._busy = threading.Thread(target=self._state.update, args=(data,))
        self._busy.start()

    def hexdigest(self) -> str:
        """Over all pieces, lower-case hexadecimal."""
        self._wait()
        return self._state.hexdigest()

    def _wait(self) -> None:
        if self._busy is not None:
            self._busy.join()
            self._busy = None

    def __enter__(self) -> Hashing:
        return self

    def __exit__(self, *_: object) -> None:
        self._wait()
