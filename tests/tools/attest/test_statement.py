"""The statement is in-toto's, and has one byte form."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from bankable.tools.attest.statement import (
    BundlePredicate,
    BundleStatement,
    VerdictPredicate,
    VerdictStatement,
    artifact,
)

ZEROS, ONES = "0" * 64, "1" * 64


def statement(**changes: Any) -> VerdictStatement:
    said: dict[str, Any] = {
        "run_id": "run-1",
        "scope": "patch",
        "subject": "patch-x",
        "attempt": 1,
        "verdict": "FLAG",
        "action": "flag",
        "verdict_sha256": ZEROS,
        "ruleset": ONES,
        "ledger_head": ZEROS,
    }
    return VerdictStatement(
        subject=(artifact("request.json", ONES),), predicate=VerdictPredicate(**{**said, **changes})
    )


def test_it_has_the_fields_that_in_toto_asks_for() -> None:
    assert orjson.loads(statement().to_bytes()) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "request.json", "digest": {"sha256": ONES}}],
        "predicateType": "urn:bankable:verdict:v1",
        "predicate": {
            "runId": "run-1",
            "scope": "patch",
            "subject": "patch-x",
            "attempt": 1,
            "verdict": "FLAG",
            "action": "flag",
            "verdictSha256": ZEROS,
            "ruleset": ONES,
            "ledgerHead": ZEROS,
        },
    }


def test_a_bundle_is_another_kind_of_statement() -> None:
    about = BundleStatement(subject=(artifact("manifest.json", ONES),), predicate=BundlePredicate(run_id="run-1"))
    assert orjson.loads(about.to_bytes())["predicateType"] == "urn:bankable:bundle:v1"


def test_it_comes_back_from_its_bytes_and_gives_the_same_ones() -> None:
    data = statement().to_bytes()
    assert data == statement().to_bytes() == VerdictStatement.model_validate_json(data).to_bytes()
    assert b" " not in data


@pytest.mark.parametrize(
    "change", [{"verdict": "MAYBE"}, {"ruleset": "x"}, {"verdict_sha256": ZEROS.upper() + "A"}, {"time": 1.0}]
)
def test_it_says_nothing_else(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        statement(**change)


def test_it_is_about_something() -> None:
    with pytest.raises(ValidationError, match="subject"):
        VerdictStatement(subject=(), predicate=statement().predicate)
