"""The public key: lies beside the evidence, and is enough to check a signature."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # its public place, without ``__all__``

from bankable.tools.attest.refusal import Refused
from bankable.tools.errors import UserError

MAX_BYTES = 16_384


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 public key."""

    keyid: str
    """sha256 of the DER SubjectPublicKeyInfo, in hexadecimal: ``openssl pkey -pubin -outform DER | sha256sum``."""
    pem: bytes
    """PEM in the one form that this project writes."""
    verifier: SSlibKey = field(repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """What people compare."""
        return f"sha256:{self.keyid}"


def public_key(key: Ed25519PublicKey) -> PublicKey:
    """A key of the library with its name and its file form."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    keyid = hashlib.sha256(der).hexdigest()
    return PublicKey(keyid, pem, SSlibKey.from_crypto(key, keyid=keyid))


def read_public_key(data: bytes) -> PublicKey:
    """A key from the bytes of a PEM file. Raises ``Refused`` for anything but an Ed25519 public key."""
    if len(data) > MAX_BYTES:
        raise Refused("larger than a public key can be")
    if b"PRIVATE KEY" in data:
        raise Refused("this is a private key; it must not be shown to anybody")
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused("not a public key in PEM form") from None
    if not isinstance(key, Ed25519PublicKey):
        raise Refused("not an Ed25519 key")
    return public_key(key)


def load_public_key(path: Path) -> PublicKey:
    """The key that a user names. Raises ``UserError``."""
    try:
        if not path.is_file():
            raise UserError(
                "Cannot read the public key: no such file", str(path), "give the PEM file that `keys show` prints"
            )
        with path.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
        return read_public_key(data)
    except Refused as why:
        raise UserError(
            f"Cannot read the public key: {why}", str(path), "give the PEM file that `keys show` prints"
        ) from None
    except OSError as problem:
        raise UserError(
            f"Cannot read the public key: {problem.strerror or problem}", str(path), "check the path"
        ) from None
