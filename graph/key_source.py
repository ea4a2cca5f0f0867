"""Loads the signing key before anything is measured. Cryptography is imported only here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bankable.tools.errors import UserError

if TYPE_CHECKING:
    from bankable.tools.attest.signing_key import SigningKey

KEY_VARIABLE = "BANKABLE_SIGNING_KEY"
"""Environment variable with the path of the key; ``--key`` comes first."""


def signing_key(path: Path | None) -> SigningKey:
    """The key in ``path``, else the user's own. Raises ``UserError`` for an unusable key."""
    try:
        from bankable.tools.attest.signing_key import open_key
    except ImportError as missing:
        raise library_missing(missing) from None
    return open_key(path)


def library_missing(cause: ImportError) -> UserError:
    """The message for environments where signatures can be neither made nor checked."""
    return UserError(
        "Cannot sign or check signatures: a library is not installed",
        cause.name or "",
        "run pip install 'bankable[attest]'",
    )
