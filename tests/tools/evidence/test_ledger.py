"""The chain names the first thing that changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.evidence.ledger import Ledger, check_ledger, read_ledger


@pytest.fixture
def run(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path)
    for name in ("plan.json", "leg.json", "claim.json"):
        (tmp_path / name).write_text(name)
        ledger.enter(tmp_path / name)
    return tmp_path


def test_an_untouched_run_has_no_problems(run: Path) -> None:
    assert check_ledger(run) == []
    assert [entry.path for entry in read_ledger(run)] == ["plan.json", "leg.json", "claim.json"]


def test_a_changed_file_is_named(run: Path) -> None:
    (run / "leg.json").write_text("leg.jsoN")
    assert check_ledger(run) == ["leg.json: changed after it was entered"]


def test_a_missing_file_is_named(run: Path) -> None:
    (run / "claim.json").unlink()
    assert check_ledger(run) == ["claim.json: gone"]


def test_a_leg_that_was_moved_aside_is_not_missing(run: Path) -> None:
    (run / "torn").mkdir()
    (run / "leg.json").rename(run / "torn" / "leg.json")
    Ledger(run).enter(run / "torn" / "leg.json")
    assert check_ledger(run) == []


def test_a_removed_line_breaks_the_chain(run: Path) -> None:
    lines = (run / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (run / "ledger.jsonl").write_bytes(lines[0] + lines[2])
    assert check_ledger(run)[0] == "ledger.jsonl:2: the chain is broken here"


def test_a_reopened_ledger_goes_on_with_the_chain(run: Path) -> None:
    (run / "bundle.json").write_text("bundle")
    Ledger(run).enter(run / "bundle.json")
    assert check_ledger(run) == []
    assert read_ledger(run)[-1].seq == 3


def test_entering_an_unchanged_file_again_adds_nothing(run: Path) -> None:
    assert Ledger(run).enter(run / "plan.json") is None
    assert len(read_ledger(run)) == 3


@settings(max_examples=60, deadline=None)
@given(position=st.integers(min_value=0, max_value=10_000), flip=st.integers(min_value=1, max_value=255))
def test_any_changed_byte_of_the_ledger_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    root = tmp_path_factory.mktemp("run")
    ledger = Ledger(root)
    for name in ("a", "b"):
        (root / name).write_text(name)
        ledger.enter(root / name)
    content = bytearray((root / "ledger.jsonl").read_bytes())
    content[position % len(content)] ^= flip
    (root / "ledger.jsonl").write_bytes(bytes(content))
    assert check_ledger(root) != []
