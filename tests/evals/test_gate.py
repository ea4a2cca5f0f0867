"""The gate closes on anything that is not as keyed or not as committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.keys import read_keys
from bankable.evals.gate import EXPECTED, as_table, complaints, differences, judge_all, read_expected, write_expected
from bankable.evals.score.summary import summarize
from bankable.tools.errors import UserError
from tests.evals.builders import judged, key

FRAUDS = {f"f{k}": key("fraud") for k in range(3)}
HONEST = {f"h{k}": key("honest") for k in range(60)}
ALL_RIGHT = [*(judged(name, "FAIL") for name in FRAUDS), *(judged(name, "PASS") for name in HONEST)]


def test_all_as_keyed_and_as_committed_opens() -> None:
    found = summarize(ALL_RIGHT, FRAUDS | HONEST)
    assert complaints(found, as_table(found.rules)) == []


def test_a_fraud_that_passes_closes() -> None:
    found = summarize([judged("f0", "PASS"), *ALL_RIGHT[1:]], FRAUDS | HONEST)
    expected = as_table(summarize(ALL_RIGHT, FRAUDS | HONEST).rules)
    said = complaints(found, expected)
    assert said[0].startswith("frauds signed off: 1 of 3")
    assert said[1:] == ["f0: PASS instead of FAIL: ", "real_delta: caught 3 → 2"]


def test_more_than_two_alarms_in_a_hundred_close() -> None:
    wrong = [judged(f"h{k}", "FAIL") for k in range(2)]
    found = summarize([*ALL_RIGHT[:-60], *wrong, *ALL_RIGHT[-58:]], FRAUDS | HONEST)
    said = complaints(found, as_table(found.rules))
    assert said[0].startswith("honest fixtures accused: 2 of 60 = 3.3%")


def test_a_rule_that_another_covers_for_is_seen() -> None:
    row = {"frauds": 3, "caught": 3, "honest": 2, "accused": 0}
    assert differences({"clocks": row}, {"clocks": row}) == []
    assert differences({"clocks": row}, {"clocks": {**row, "caught": 2}}) == ["clocks: caught 3 → 2"]
    assert differences({"clocks": row}, {}) == ["clocks: no fixture any more"]
    assert differences({}, {"clocks": row}) == ["clocks: not in the committed table"]


def test_the_table_is_written_as_it_is_read(tmp_path: Path) -> None:
    table = {"clocks": {"frauds": 3, "caught": 3, "honest": 2, "accused": 0}}
    write_expected(table, tmp_path / "t.toml")
    assert read_expected(tmp_path / "t.toml") == table
    for text in ("[clocks", "clocks = 3", "[clocks]\nfrauds = 'x'"):
        (tmp_path / "t.toml").write_text(text)
        with pytest.raises(UserError, match="Cannot read the gate's table"):
            read_expected(tmp_path / "t.toml")


def test_the_committed_table_is_of_these_keys() -> None:
    keys = read_keys().values()
    committed = read_expected(EXPECTED)
    assert sorted(committed) == sorted({item.rule for item in keys})
    for rule, row in committed.items():
        kinds = [entry.kind for entry in keys if entry.rule == rule]
        assert row == {
            "frauds": kinds.count("fraud"),
            "caught": kinds.count("fraud"),
            "honest": kinds.count("honest"),
            "accused": 0,
        }


def test_real_rules_over_real_fixtures() -> None:
    names = ["c03-cold-reference", "plain-gain", "public-c01-starved-baseline"]
    found = summarize(judge_all(names, 1), read_keys())
    assert complaints(found, as_table(found.rules)) == []
    assert found.false_pass.of == 2
