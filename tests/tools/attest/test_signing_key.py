"""Where the key lies, who may read it, and what happens when there is none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bankable.tools.attest.envelope import open_envelope, sign
from bankable.tools.attest.signing_key import default_path, make_key, open_key, read_key
from bankable.tools.errors import UserError
from tests.graph.signed import fixed_key

pytestmark = pytest.mark.skipif(os.name != "posix", reason="file modes")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a key yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "config"


def test_the_first_use_makes_a_key_that_only_its_owner_can_read(home: Path) -> None:
    made = open_key(None)
    path = home / "bankable" / "signing-key.pem"
    assert (made.origin, default_path()) == ("made", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert str(path) in made.said
    assert made.public.fingerprint in made.said


def test_the_second_use_finds_it(home: Path) -> None:
    made, found = open_key(None), open_key(None)
    assert (found.origin, found.public) == ("read", made.public)
    assert open_envelope(sign(b"x", found), [made.public]).payload == b"x"


def test_whoever_was_quicker_wins(home: Path) -> None:
    first = make_key(default_path())
    assert make_key(default_path()).public == first.public


def test_a_loose_umask_does_not_loosen_the_key(home: Path) -> None:
    before = os.umask(0)
    try:
        open_key(None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(default_path().stat().st_mode) == 0o600


def test_a_given_key_comes_before_ones_own_and_makes_none(tmp_path: Path, home: Path) -> None:
    given = fixed_key(tmp_path, 1)
    assert open_key(tmp_path / "key-1.pem").public == given.public
    assert not home.exists()


def test_a_relative_config_folder_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / ".config/bankable/signing-key.pem"


def test_where_nothing_can_be_kept_a_key_lives_for_one_run_and_it_is_said(home: Path) -> None:
    home.write_text("a file in the place of the folder")
    first, second = open_key(None), open_key(None)
    assert first.origin == second.origin == "ephemeral"
    assert first.public != second.public
    assert "the signing key cannot be stored (Not a directory)" in first.said
    assert open_envelope(sign(b"x", first), [first.public]).payload == b"x"


def test_a_read_only_home_is_no_obstacle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "Read-only file system" in open_key(None).said


def test_no_home_at_all_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr(Path, "home", refuse)
    assert "no home folder" in open_key(None).said


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o777, 0o620, 0o601])
def test_a_key_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    fixed_key(tmp_path, 1)
    path = tmp_path / "key-1.pem"
    path.chmod(mode)
    with pytest.raises(UserError, match=rf"others can read it \(mode {mode:04o}\).*Run chmod 600 "):
        read_key(path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_that_only_its_owner_can_touch_is_taken(tmp_path: Path, mode: int) -> None:
    key = fixed_key(tmp_path, 1)
    (tmp_path / "key-1.pem").chmod(mode)
    assert read_key(tmp_path / "key-1.pem").public == key.public


def test_ones_own_key_is_not_excused(home: Path) -> None:
    open_key(None)
    default_path().chmod(0o644)
    with pytest.raises(UserError, match="others can read it"):
        open_key(None)


def pem(private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, lock: KeySerializationEncryption) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
UNFIT = {
    "encrypted": pem(ED, BestAvailableEncryption(b"secret")),
    "not an Ed25519 key": pem(ec.generate_private_key(ec.SECP256R1()), NoEncryption()),
    "not a private key": ED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "not a private key in PEM": b"",
    "PKCS": ED.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "too large": b"x" * 20_000,
}


@pytest.mark.parametrize("says", UNFIT)
def test_an_unfit_key_is_one_line_that_names_the_file(tmp_path: Path, says: str) -> None:
    path = tmp_path / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(UNFIT[says])
    with pytest.raises(UserError, match=says) as told:
        open_key(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, says in (
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "gone", "no such"),
    ):
        with pytest.raises(UserError, match=says):
            open_key(path)


def test_a_key_is_not_shown_by_accident(tmp_path: Path) -> None:
    key = fixed_key(tmp_path, 1)
    secret = (tmp_path / "key-1.pem").read_text().splitlines()[1]
    assert secret not in repr(key) + str(key)
    assert "signer" not in repr(key)
