"""The exception for an attestation that proves nothing, with the reason."""

from __future__ import annotations


class Refused(Exception):
    """An envelope, a statement or a key that cannot be relied on. The message is one sentence for a person."""
