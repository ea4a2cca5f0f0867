"""Computes the sha256 of a stream of bytes in a background thread."""

from __future__ import annotations

import hashlib

from bankable.tools.evidence.background import BackgroundTask

BESIDE = 1 << 20
"""Bytes from which a thread pays: hashing does not hold the interpreter."""


class Hashing(BackgroundTask):
    """Takes pieces in order; a large piece is hashed while the caller continues. Use as a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._state = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Add a piece. It must not change afterwards."""
        self.wait()
        if len(data) < BESIDE:
            self._state.update(data)
        else:
            self.start(lambda: self._state.update(data))

    def hexdigest(self) -> str:
        """Over all pieces, lower-case hexadecimal."""
        self.wait()
        return self._state.hexdigest()

    def __enter__(self) -> Hashing:
        return self
