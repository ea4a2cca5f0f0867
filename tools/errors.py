"""The exception for user errors: what happened, where, and what to do about it."""

from __future__ import annotations


class UserError(Exception):
    """Shown as one line, ``Cannot X: reason (where). Do Y.``, exit code 2, never with a traceback."""

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        """``what``: "Cannot X: reason"; ``where``: file, option or address; ``fix``: what to do, as an imperative."""
        self.what, self.where, self.fix = what, where, fix
        advice = f". {fix[0].upper()}{fix[1:].rstrip('.')}." if fix else ""
        line = what + (f" ({where})" if where else "") + advice
        super().__init__(" ".join(line.split()))
