"""The private signing key: its file, the permissions that it must have, and its creation.

It is read from a file that its owner alone may read, stays in this process, and is never written anywhere else.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # its public place, without ``__all__``

from bankable.tools.attest.public_key import PublicKey, public_key
from bankable.tools.errors import UserError

MAX_BYTES = 16_384
FILE_NAME = "signing-key.pem"
_NEW = "make one with `python -m graph keys new PATH`"
_POSIX = os.name == "posix"


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key that can sign."""

    public: PublicKey
    signer: CryptoSigner = field(repr=False, compare=False)
    origin: Literal["read", "made", "ephemeral"]
    """``read`` from a file; ``made`` and kept in a file just now; ``ephemeral``: gone with this process."""
    said: str
    """One line for the user: where the key is, or why it is not stored."""


def open_key(chosen_path: Path | None) -> SigningKey:
    """The key at ``chosen_path``, else the user's own, which is made on first use.

    A key that is there but cannot be relied on (readable by others, encrypted, of another kind) raises ``UserError``.
    Where no key can be kept, one is made for this process alone, and ``said`` tells why.
    """
    if chosen_path is not None:
        return read_key(chosen_path)
    try:
        path = default_path()
        return read_key(path) if os.path.lexists(path) else make_key(path)
    except (OSError, RuntimeError) as problem:
        why = (problem.strerror if isinstance(problem, OSError) else None) or "no home folder"
        private = Ed25519PrivateKey.generate()
        return _key(private, "ephemeral", f"the signing key cannot be stored ({why}): it is lost after this run")


def default_path() -> Path:
    """The user's own key, in the folder where this system keeps settings. Raises ``RuntimeError`` without a home."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        base = named if named.is_absolute() else Path.home() / ".config"
    return base / "bankable" / FILE_NAME


def read_key(path: Path) -> SigningKey:
    """The key in a PEM file (PKCS #8, not encrypted). Raises ``UserError`` for whatever makes it unfit to sign with."""
    data = _private_bytes(path)
    try:
        private = load_pem_private_key(data, password=None)
    except TypeError:
        raise UserError(
            "Cannot read the signing key: it is encrypted", str(path), f"store it without a password, or {_NEW}"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UserError(
            "Cannot read the signing key: not a private key in PEM form (PKCS #8)", str(path), _NEW
        ) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UserError("Cannot read the signing key: not an Ed25519 key", str(path), _NEW)
    return _key(private, "read", f"signing key {_short(path)}")


def make_key(path: Path) -> SigningKey:
    """A new key in a new file of mode 0600; when another process was quicker, its key. Raises ``OSError``."""
    private = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=".key-", dir=path.parent)  # 0600 from the start
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            target.flush()
            os.fsync(target.fileno())
        try:
            os.link(partial, path)  # unlike a rename it never replaces the key of a run that was quicker
        except FileExistsError:
            return read_key(path)
    finally:
        partial.unlink(missing_ok=True)
    return _key(private, "made", f"made a signing key, {_short(path)}")


def _private_bytes(path: Path) -> bytes:
    """The file's bytes, after checking that no other user can read them."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise UserError("Cannot read the signing key: no such file", str(path), _NEW) from None
    except OSError as problem:
        raise UserError(
            f"Cannot read the signing key: {problem.strerror or problem}", str(path), "check the path"
        ) from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise UserError("Cannot read the signing key: not a regular file", str(path), _NEW)
        if _POSIX and facts.st_mode & 0o077:
            raise UserError(
                f"Cannot use the signing key: others can read it (mode {stat.S_IMODE(facts.st_mode):04o})",
                str(path),
                f"run chmod 600 {path}",
            )
        data = os.read(descriptor, MAX_BYTES + 1)
    except OSError as problem:
        raise UserError(
            f"Cannot read the signing key: {problem.strerror or problem}", str(path), "check the path"
        ) from None
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise UserError("Cannot read the signing key: file too large", str(path), _NEW)
    return data


def _short(path: Path) -> str:
    """A path as people write it: transcripts are shared, home folders need not be."""
    home = Path(os.path.expanduser("~"))
    return f"~/{path.relative_to(home)}" if home.is_absolute() and path.is_relative_to(home) else str(path)


def _key(private: Ed25519PrivateKey, origin: Literal["read", "made", "ephemeral"], label: str) -> SigningKey:
    public = public_key(private.public_key())
    return SigningKey(public, CryptoSigner(private, public.verifier), origin, f"{label} ({public.fingerprint})")
