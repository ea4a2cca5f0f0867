"""The duel asks both tools the same question, of files whose answer is known."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from bankable.evals.bench import rival
from bankable.evals.bench.duel import Cost, DuelAnswer, Race, find_answer, write_large
from bankable.evals.bench.duel_fixtures import FIXTURES, DuelFixture
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.errors import UserError


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.name)
def test_audit_answers_each_fixture_rightly(fixture: DuelFixture, tmp_path: Path) -> None:
    verdict = audit_pair(*fixture.build(tmp_path))
    said = find_answer(verdict)
    assert (said == rival.PROVEN) is fixture.proven, (said, verdict.headline)


def test_a_large_result_is_consistent(tmp_path: Path) -> None:
    for side, rate in (("a", 4000.0), ("b", 4400.0)):
        write_large(tmp_path / side, rate, ord(side), requests=300, tokens=40)
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert {finding.code for finding in verdict.findings if finding.severity is Severity.FAIL} <= {"undecided"}
    rate = next(metric for metric in verdict.metrics if metric.name == "output_throughput")
    assert (rate.reference, rate.candidate) == (pytest.approx(4000.0), pytest.approx(4400.0))


def _fake_rival(folder: Path, code: int) -> Path:
    """An interpreter, and beside it a program that records its arguments and ends with ``code``."""
    folder.mkdir()
    python, program = folder / "python", folder / rival.NAME
    python.symlink_to(sys.executable)
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {folder}/words\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return python


@pytest.mark.parametrize(
    ("code", "answer"), [(0, rival.NOT), (1, rival.PROVEN), (2, rival.UNSURE), (3, rival.REFUSED), (7, rival.REFUSED)]
)
def test_the_rival_is_asked_about_the_swapped_sides(code: int, answer: str, tmp_path: Path) -> None:
    python = _fake_rival(tmp_path / "bin", code)
    for name in ("reference", "candidate"):
        (tmp_path / name).mkdir()
    assert rival.ask(python, tmp_path / "reference", tmp_path / "candidate") == answer
    words = (tmp_path / "bin" / "words").read_text().split()
    assert words[words.index("--baseline") + 1].endswith("candidate")
    assert words[words.index("--candidate") + 1].endswith("reference")
    assert words[words.index("--regression-percent") + 1] == "1"


def test_the_rival_gets_one_file_a_run(tmp_path: Path) -> None:
    for fixture in FIXTURES[:: len(FIXTURES) // 4]:
        reference, _ = fixture.build(tmp_path / fixture.name)
        flat = rival.lay_out(reference, tmp_path / f"flat {fixture.name}")
        assert len(list(flat.iterdir())) == len(list(reference.iterdir())) == 5
        assert rival.lay_out(flat, tmp_path / "unused") == flat


def test_another_version_of_the_rival_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="found none"):
        rival.find_rival(Path(sys.executable), tmp_path)


def test_ratios_are_taken_within_a_repeat_and_losses_are_shown() -> None:
    ours, theirs = (Cost(2.0, 1.0), Cost(20.0, 1.0), Cost(3.0, 1.0)), (Cost(1.0, 2.0), Cost(10.0, 2.0), Cost(2.0, 2.0))
    wall, cpu, memory = Race("files", 1.0, ours, theirs, (300_000_000, 100_000_000)).lines()
    assert "| 3.00 | 2.00 | 2.00 [1.50, 2.00] |" in wall
    assert "| 1.00 | 2.00 | 0.50 [0.50, 0.50] |" in cpu
    assert "| 300 | 100 | 3.00 |" in memory


def test_what_counts_as_right() -> None:
    assert DuelAnswer("x", True, rival.PROVEN, rival.UNSURE).is_right(rival.PROVEN)
    assert not DuelAnswer("x", True, rival.PROVEN, rival.UNSURE).is_right(rival.UNSURE)
    assert DuelAnswer("x", False, rival.NOT, rival.UNSURE).is_right(rival.UNSURE)
    assert not DuelAnswer("x", False, rival.NOT, rival.UNSURE).is_right(rival.PROVEN)
