"""The one exception for a user's mistake: what happened, where, and what to do about it."""

from __future__ import annotations


class UserError(Exception):
    """Shown as one line, exit code 2, never with a traceback."""

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        line = what + (f" ({where})" if where else "") + (f": {fix}" if fix else "")
        super().__init__(" ".join(line.split()))
