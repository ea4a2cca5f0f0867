"""The recorder's Ed25519 key, and the check of a signature by it. The only file here that needs cryptography."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True)
class RecorderKey:
    """A private key. It is never written anywhere: it ends with the process that made it."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def public(self) -> str:
        """The public key, 32 bytes in hexadecimal."""
        return self.private.public_key().public_bytes_raw().hex()

    def sign(self, data: bytes) -> str:
        """Signature in hexadecimal. Ed25519 draws no random numbers."""
        return self.private.sign(data).hex()


@lru_cache(maxsize=1 << 16)
def is_signed(public_key: str, data: bytes, signature: str) -> bool:
    """Whether ``signature`` over ``data`` was made with the private half of ``public_key`` (both hexadecimal)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True
