"""Bundles that somebody wrote to do harm: every one is a clear problem, none is a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from bankable.graph.signatures import Signatures
from bankable.graph.statements import bundle_statement, verdict_statement
from bankable.graph.verification import verify_folder
from bankable.tools.attest.envelope import sign
from bankable.tools.attest.signing_key import SigningKey
from bankable.tools.errors import UserError
from tests.graph.signed import ATTESTATION, AUDIT, VERDICT, fixed_key, small_run


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return fixed_key(tmp_path_factory.mktemp("keys"), 1)


@pytest.fixture
def bundle(tmp_path: Path, key: SigningKey) -> Path:
    """A signed bundle to spoil."""
    return small_run(tmp_path / "run", key) / "bundle"


def test_the_bundles_statement_does_not_pass_for_a_verdicts(bundle: Path, key: SigningKey) -> None:
    (bundle / ATTESTATION).write_bytes(sign(bundle_statement(bundle).to_bytes(), key))
    assert "another kind of statement: predicateType 'urn:bankable:bundle:v1'" in told(bundle, key)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda entry: entry["predicate"].update(verdict="FAIL"), "predicate.verdict: signed 'FAIL', now 'PASS'"),
        (lambda item: item["predicate"].update(runId="run-0002"), "predicate.runId: signed 'run-0002', now 'run-0001'"),
        (lambda element: element["predicate"].update(ledgerHead="0" * 64), "predicate.ledgerHead: signed '0000"),
        (lambda member: member["predicate"].update(note="x"), "predicate.note: signed 'x', now nothing"),
        (lambda one: one["subject"].pop(), "request.json was not there when this was signed"),
        (lambda each: each["subject"].append(each["subject"][0]), ": signed an object of 2, now nothing"),
        (lambda it: it.update(subject={}), "subject: signed an object of 0, now a list of"),
        (lambda it: it.update(subject=[[]]), "subject.0: signed a list of 0, now an object of 2"),
        (lambda it: it.update(predicateType="urn:other"), "another kind of statement: predicateType 'urn:other'"),
        (lambda it: it.pop("_type"), "another kind of statement: _type None"),
        (lambda it: it.update(_type=nested(900)), "another kind of statement: _type a list of 1"),
        (lambda it: it["subject"][0].update(name=nested(900)), "subject.0.name: signed a list of 1, now 'comparison"),
        (lambda it: it.update(predicate=nested(900)), "predicate: signed a list of 1, now an object of 9"),
    ],
)
def test_a_signed_statement_that_says_something_else_is_told_where(
    bundle: Path, key: SigningKey, spoil: Callable[[dict[str, object]], object], says: str
) -> None:
    statement = orjson.loads(verdict_statement(bundle / "evidence", AUDIT).to_bytes())
    spoil(statement)
    (bundle / ATTESTATION).write_bytes(sign(json.dumps(statement).encode(), key))
    assert says in told(bundle, key)


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"\xff", b"[" * 5000, b'{"a":' * 5000])
def test_a_signed_payload_that_is_no_statement_is_one_problem(bundle: Path, key: SigningKey, payload: bytes) -> None:
    (bundle / ATTESTATION).write_bytes(sign(payload, key))
    assert "the signed payload is not a statement" in told(bundle, key)


def test_the_same_statement_in_another_form_is_told(bundle: Path, key: SigningKey) -> None:
    statement = orjson.loads(verdict_statement(bundle / "evidence", AUDIT).to_bytes())
    (bundle / ATTESTATION).write_bytes(sign(orjson.dumps(statement, option=orjson.OPT_INDENT_2), key))
    assert "not in the form that signing writes" in told(bundle, key)


def test_an_attestation_of_another_run_does_not_fit(bundle: Path, key: SigningKey, tmp_path: Path) -> None:
    elsewhere = small_run(tmp_path / "elsewhere", key, seed=2)
    (bundle / ATTESTATION).write_bytes((elsewhere / "audits" / AUDIT / "attestation.json").read_bytes())
    assert "is not what was signed" in told(bundle, key)


@pytest.mark.parametrize(
    "files",
    [
        {"a\0b": ""},
        {"x" * 5000: ""},
        {"../../etc/hostname": ""},
        {"/etc/hostname": ""},
        {"\x1b[2J": ""},
        [],
        {"a": 1},
        "deep",
    ],
)
def test_a_hostile_manifest_is_a_problem_and_no_crash(bundle: Path, files: object) -> None:
    deep = "[" * 900 + "]" * 900
    content = json.dumps({"run_id": "run-0001", "proven": True, "claim": "deep", "verdicts": "deep", "files": files})
    (bundle / "manifest.json").write_text(content.replace('"deep"', deep))
    found = verify_folder(bundle)
    assert not found.ok
    assert not any("\x1b" in line for line in found.lines())


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": 10**30},
        {"comparison": "../../etc"},
        {"comparison": "x" * 5000},
        {"ledger": -1},
        {"ledger": 10**30},
        {"profile": "a\0b"},
        {"components": ["../x"]},
        {"scope": "pair"},
    ],
)
def test_a_hostile_request_in_a_verdict_is_a_problem_and_no_crash(bundle: Path, change: dict[str, object]) -> None:
    verdict = orjson.loads((bundle / VERDICT).read_bytes())
    verdict["request"] |= change
    verdict["attempt"] = verdict["request"]["attempt"]
    (bundle / VERDICT).write_text(json.dumps(verdict))
    found = verify_folder(bundle)
    assert not found.ok
    assert VERDICT in found.problems[0]


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_public_key_that_is_none_is_a_user_error(bundle: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(UserError, match="key"):
        verify_folder(bundle, tmp_path / "key.pem")
    with pytest.raises(UserError, match="Cannot read the public key: no such file"):
        verify_folder(bundle, tmp_path / "gone.pem")


def nested(depth: int) -> object:
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


def told(bundle: Path, key: SigningKey) -> str:
    """The one problem with the verdict's attestation."""
    signatures = Signatures(key.public)
    signatures.check_verdicts(bundle / "evidence")
    (problem,) = signatures.problems
    assert signatures.signed == {}
    return problem
