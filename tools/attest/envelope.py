"""DSSE: a statement with the signatures over it, in the one byte form that this project writes.

The signature covers payload and payload type (pre-authentication encoding); the key id is a hint. Signing and checking
are securesystemslib's; this file bounds what reaches it, and refuses bytes that the signature would not notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field, ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError

from bankable.tools.attest.public_key import PublicKey
from bankable.tools.attest.refusal import Refused
from bankable.tools.attest.signing_key import SigningKey
from bankable.tools.evidence.canonical import canonical
from bankable.tools.evidence.records import Digest, Record

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_BYTES = 16 << 20
"""20,000 sealed files make a statement of 4 MB."""
MAX_SIGNATURES = 8
SIGNATURE_TEXT = 88
"""Base64 of the 64 bytes of an Ed25519 signature."""


class _SignatureLine(Record):
    keyid: Digest
    """sha256 that names the public key: a hint, not part of what is signed."""
    sig: str = Field(min_length=SIGNATURE_TEXT, max_length=SIGNATURE_TEXT)
    """Ed25519 signature, in base64."""


class _EnvelopeFile(Record):
    payload: str
    """The signed statement, in base64."""
    payload_type: str = Field(alias="payloadType")
    """Media type of the payload; covered by the signature."""
    signatures: list[_SignatureLine] = Field(min_length=1, max_length=MAX_SIGNATURES)
    """One for each key that signed."""


@dataclass(frozen=True)
class Opened:
    """A payload that a known key has signed."""

    payload: bytes
    signers: tuple[str, ...]
    """Key ids whose signatures hold; at least one."""
    strangers: tuple[str, ...]
    """Key ids of further signatures that no known key can check."""


def sign(payload: bytes, key: SigningKey) -> bytes:
    """The envelope file. The same payload and key give the same bytes: Ed25519 draws no random numbers."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(key.signer)
    return _to_bytes(envelope)


def open_envelope(data: bytes, keys: Sequence[PublicKey]) -> Opened:
    """The payload, once a signature by one of ``keys`` holds and no signature by any of them fails.

    Raises ``Refused`` on anything else: foreign form, foreign keys, wrong signatures.
    """
    envelope = _parse(data)
    by_id = {key.keyid: key for key in keys}
    signers = []
    for keyid in envelope.signatures:
        if keyid not in by_id:
            continue
        try:
            envelope.verify([by_id[keyid].verifier], threshold=1)
        except UnverifiedSignatureError:
            raise Refused(f"the signature by {_short(keyid)} does not match the payload") from None
        signers.append(keyid)
    strangers = tuple(keyid for keyid in envelope.signatures if keyid not in by_id)
    if not signers:
        wanted = " or ".join(_short(key.keyid) for key in keys[:3]) or "a key stored with the files"
        raise Refused(f"signed by {_short(strangers[0])}, not by {wanted}")
    return Opened(envelope.payload, tuple(signers), strangers)


def signers_named(data: bytes) -> tuple[str, ...]:
    """Key ids that an envelope names, none of them checked. Raises ``Refused`` when it is no envelope."""
    return tuple(_parse(data).signatures)


def _parse(data: bytes) -> Envelope:
    if len(data) > MAX_BYTES:
        raise Refused(f"larger than {MAX_BYTES >> 20} MiB")
    try:
        parsed = _EnvelopeFile.model_validate_json(data)
    except ValidationError as cause:
        first = cause.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Refused("not a DSSE envelope: " + ascii(f"{place}: {first['msg']}" if place else first["msg"])) from None
    if parsed.payload_type != PAYLOAD_TYPE:
        raise Refused(f"payload type {parsed.payload_type[:80]!a} instead of {PAYLOAD_TYPE!r}")
    try:
        envelope = Envelope.from_dict(parsed.model_dump(by_alias=True))
    except ValueError as cause:  # base64, and two signatures by one key
        raise Refused(f"not a DSSE envelope: {str(cause)[:200]!a}") from None
    if _to_bytes(envelope) != data:
        raise Refused("not the bytes that were written: changed outside the signed payload")
    return envelope


def _to_bytes(envelope: Envelope) -> bytes:
    return canonical(envelope.to_dict()) + b"\n"


def _short(keyid: str) -> str:
    return f"key sha256:{keyid[:16]}…"
