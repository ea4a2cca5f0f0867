"""Only an Ed25519 public key is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.attest.public_key import load_public_key, read_public_key
from bankable.tools.attest.refusal import Refused
from bankable.tools.errors import UserError
from tests.graph.signed import fixed_key


def test_a_key_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    key = fixed_key(tmp_path, 1)
    assert read_public_key(key.public.pem) == key.public
    (tmp_path / "public.pem").write_bytes(b"# my key\n" + key.public.pem)
    assert load_public_key(tmp_path / "public.pem") == key.public


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_fingerprint_is_what_openssl_makes_of_it(tmp_path: Path) -> None:
    key = fixed_key(tmp_path, 1)
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.public.pem, capture_output=True, check=True
    ).stdout
    said = subprocess.run(["openssl", "dgst", "-sha256"], input=der, capture_output=True, check=True).stdout
    assert said.split()[-1].decode() == key.public.keyid


def test_a_private_key_is_sent_back(tmp_path: Path) -> None:
    fixed_key(tmp_path, 1)
    with pytest.raises(UserError, match="must not be shown"):
        load_public_key(tmp_path / "key-1.pem")


def test_a_key_of_another_kind_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(Refused, match="not an Ed25519 key"):
        read_public_key(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@given(data=st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    for content in (data, b"-----BEGIN PUBLIC KEY-----\n" + data + b"\n-----END PUBLIC KEY-----\n", data * 100):
        with pytest.raises(Refused):
            read_public_key(content)
