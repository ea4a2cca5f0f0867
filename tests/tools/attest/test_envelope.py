"""DSSE as its specification says, and nothing but what was written and signed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.attest import envelope
from bankable.tools.attest.envelope import open_envelope, sign
from bankable.tools.attest.refusal import Refused
from bankable.tools.attest.signing_key import SigningKey
from tests.graph.signed import fixed_key

PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'
TYPE = "application/vnd.in-toto+json"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return fixed_key(tmp_path_factory.mktemp("keys"), 1)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return fixed_key(tmp_path_factory.mktemp("keys"), 2)


def plain_check(data: bytes, pem: bytes) -> bytes:
    """The payload, checked by nothing but the specification and an Ed25519 primitive."""
    envelope = json.loads(data)
    body, kind = base64.b64decode(envelope["payload"], validate=True), envelope["payloadType"].encode()
    public = load_pem_public_key(pem)
    assert isinstance(public, Ed25519PublicKey)
    encoded = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])
    for signature in envelope["signatures"]:
        public.verify(base64.b64decode(signature["sig"], validate=True), encoded)
    return body


@given(payload=st.binary(max_size=200))
def test_anybody_who_has_read_the_specification_can_check_it(key: SigningKey, payload: bytes) -> None:
    data = sign(payload, key)
    assert plain_check(data, key.public.pem) == payload == open_envelope(data, [key.public]).payload


def test_the_independent_check_can_fail(key: SigningKey, other: SigningKey) -> None:
    with pytest.raises(InvalidSignature):
        plain_check(sign(PAYLOAD, key), other.public.pem)


def test_the_key_is_named_by_the_digest_of_its_der_form(key: SigningKey) -> None:
    body = b"".join(key.public.pem.splitlines()[1:-1])
    named = json.loads(sign(PAYLOAD, key))["signatures"][0]["keyid"]
    assert named == hashlib.sha256(base64.b64decode(body)).hexdigest() == key.public.keyid


def test_the_same_payload_and_key_give_the_same_bytes(key: SigningKey) -> None:
    assert sign(PAYLOAD, key) == sign(PAYLOAD, key)


def test_every_flipped_bit_is_noticed(key: SigningKey) -> None:
    data = sign(PAYLOAD, key)
    for place in range(len(data)):
        spoilt = bytearray(data)
        spoilt[place] ^= 1 << (place % 8)
        with pytest.raises(Refused):
            open_envelope(bytes(spoilt), [key.public])


def test_another_key_does_not_do(key: SigningKey, other: SigningKey) -> None:
    with pytest.raises(Refused, match=r"signed by key sha256:fd110d30.*, not by key sha256:"):
        open_envelope(sign(PAYLOAD, key), [other.public])
    with pytest.raises(Refused, match="not by a key stored with the files"):
        open_envelope(sign(PAYLOAD, key), [])


def test_another_key_under_the_same_name_does_not_do(key: SigningKey, other: SigningKey) -> None:
    found = json.loads(sign(PAYLOAD, other))
    found["signatures"][0]["keyid"] = key.public.keyid
    with pytest.raises(Refused, match="does not match the payload"):
        open_envelope(written(found), [key.public])


def test_a_signature_over_another_payload_type_does_not_do(key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "PAYLOAD_TYPE", "text/plain")
    foreign = sign(PAYLOAD, key)
    monkeypatch.undo()
    with pytest.raises(Refused, match="payload type 'text/plain'"):
        open_envelope(foreign, [key.public])
    renamed = json.loads(foreign) | {"payloadType": TYPE}
    with pytest.raises(Refused, match="does not match the payload"):
        open_envelope(written(renamed), [key.public])


def test_of_two_signatures_one_by_a_known_key_is_enough(key: SigningKey, other: SigningKey) -> None:
    opened = open_envelope(both(key, other), [key.public])
    assert (opened.signers, opened.strangers) == ((key.public.keyid,), (other.public.keyid,))
    opened = open_envelope(both(key, other), [other.public, key.public])
    assert (opened.signers, opened.strangers) == ((key.public.keyid, other.public.keyid), ())


def test_of_two_signatures_by_known_keys_both_must_hold(key: SigningKey, other: SigningKey) -> None:
    found = json.loads(both(key, other))
    found["signatures"][1]["sig"] = found["signatures"][0]["sig"]
    with pytest.raises(Refused, match="does not match the payload"):
        open_envelope(written(found), [key.public, other.public])


def test_one_key_signs_once(key: SigningKey) -> None:
    with pytest.raises(Refused, match="Multiple signatures"):
        open_envelope(both(key, key), [key.public])


def spoilt(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def make(data: bytes) -> bytes:
        found = json.loads(data)
        change(found)
        return written(found)

    return make


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "not JSON": lambda data: b"\x00\xff",
    "a list": lambda data: b"[]",
    "deep": lambda data: b"[" * 200_000,
    "deep objects": lambda data: b'{"payload":' * 100_000,
    "huge": lambda data: b'{"payload":"' + b"A" * envelope.MAX_BYTES + b'"}',
    "many signatures": spoilt(lambda entry: entry.update(signatures=entry["signatures"] * 10_000)),
    "no signature": spoilt(lambda item: item.update(signatures=[])),
    "signatures of another type": spoilt(lambda element: element.update(signatures={"sig": "x"})),
    "no payload": spoilt(lambda member: member.pop("payload")),
    "payload of another type": spoilt(lambda one: one.update(payload=[1])),
    "payload not base64": spoilt(lambda each: each.update(payload="?" + each["payload"][1:])),
    "payload not ASCII": spoilt(lambda it: it.update(payload="ä")),
    "payload in the other base64": spoilt(lambda it: it.update(payload="_-8=")),
    "padding bits": spoilt(lambda it: it["signatures"][0].update(sig=it["signatures"][0]["sig"][:-3] + "B==")),
    "short signature": spoilt(lambda it: it["signatures"][0].update(sig="AAAA")),
    "signature not base64": spoilt(lambda it: it["signatures"][0].update(sig="?" * 88)),
    "no key id": spoilt(lambda it: it["signatures"][0].pop("keyid")),
    "key id of another type": spoilt(lambda it: it["signatures"][0].update(keyid=7)),
    "one more field": spoilt(lambda it: it.update(note="trust me")),
    "one more field beside a signature": spoilt(lambda it: it["signatures"][0].update(cert="trust me")),
    "spaces": lambda data: data.replace(b":", b": "),
    "a second payload": lambda data: data.replace(b'{"payload"', b'{"payload":"AAAA","payload"'),
    "no last newline": lambda data: data.rstrip(b"\n"),
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_envelope_is_one_clear_refusal(key: SigningKey, name: str) -> None:
    data = HOSTILE[name](sign(PAYLOAD, key))
    with pytest.raises(Refused) as refused:
        open_envelope(data, [key.public])
    assert 10 < len(str(refused.value)) < 400
    assert str(refused.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(found=JSON)
def test_any_json_is_refused_without_a_crash(key: SigningKey, found: object) -> None:
    with pytest.raises(Refused):
        open_envelope(json.dumps(found).encode(), [key.public])


@settings(max_examples=60)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_refused_without_a_crash(key: SigningKey, data: bytes) -> None:
    with pytest.raises(Refused):
        open_envelope(data, [key.public])


def both(first: SigningKey, second: SigningKey) -> bytes:
    found = json.loads(sign(PAYLOAD, first))
    found["signatures"] += json.loads(sign(PAYLOAD, second))["signatures"]
    return written(found)


def written(found: dict[str, Any]) -> bytes:
    """In the form that signing writes."""
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS) + b"\n"


def test_a_key_on_disk_signs_as_it_did_in_memory(tmp_path: Path, key: SigningKey) -> None:
    assert sign(PAYLOAD, fixed_key(tmp_path, 1)) == sign(PAYLOAD, key)
