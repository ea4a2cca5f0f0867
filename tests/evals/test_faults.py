"""Graded faults: caught where they must be, never where they are harmless; honest changes change no verdict."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.evals.faults.all import FAULTS, describe_faults, select_faults
from bankable.evals.faults.base import build
from bankable.evals.faults.fault import Fault, find_target
from bankable.evals.faults.honest import HONEST, Honest
from bankable.evals.faults.sweep import Curve, Point, Probe, look
from bankable.evals.fixtures.build.files import read
from bankable.evals.main import app
from bankable.nodes.auditor.modes import MODES
from bankable.nodes.auditor.rules import RULES
from bankable.tools.errors import UserError
from tests.evals.fingerprint import fingerprint

RECORDED = Path(__file__).resolve().parents[2] / "evals" / "recorded" / "cpu-search.tar.xz"


def _look(fault: Fault, strength: float, seed: int = 0) -> tuple[bool, bool]:
    found = look(Probe(fault.name, strength, seed, fault.base, fault.scope))
    assert found.clean == "PASS", found
    return found.caught, found.accused


@pytest.mark.parametrize("fault", FAULTS, ids=[entry.name for entry in FAULTS])
def test_a_fault_is_caught_where_it_must_be_and_not_before(fault: Fault) -> None:
    assert _look(fault, fault.harmless) == (False, False)
    assert _look(fault, fault.caught) == (True, True)


def test_every_fault_names_a_rule_that_decides_its_mode() -> None:
    assert len(FAULTS) >= 20
    assert len({entry.name for entry in FAULTS}) == len(FAULTS)
    rules = {rule.id: rule for rule in RULES}
    for fault in FAULTS:
        assert fault.mode in {mode.id for mode in MODES}
        assert fault.mode in rules[fault.rule].modes, fault.name
        assert fault.scope in rules[fault.rule].scopes
        assert fault.strengths == tuple(sorted(fault.strengths))
        assert {fault.harmless, fault.caught} <= set(fault.strengths)
        assert fault.harmless < fault.caught


@pytest.mark.parametrize("change", HONEST, ids=[entry.name for entry in HONEST])
def test_an_honest_change_changes_no_verdict(change: Honest) -> None:
    found = look(Probe(change.name, None, 0))
    assert (found.clean, found.word, found.found) == ("PASS", "PASS", ())


@pytest.mark.parametrize("change", HONEST, ids=[entry.name for entry in HONEST])
def test_an_honest_change_does_change_the_files(change: Honest, tmp_path: Path) -> None:
    target = build("patch", "patch", tmp_path / "run", 0)
    before = fingerprint(target.run)
    change.apply(target, 0)
    assert fingerprint(target.run) != before


def test_the_same_seed_gives_the_same_evidence(tmp_path: Path) -> None:
    (fault,) = select_faults(["D05-slow-reference-launch"])
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        target = build("patch", "patch", tmp_path / name, 0)
        fault.inject(target, 40, seed)
        found.append(fingerprint(target.run))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_faults_are_found_by_name_and_by_mode() -> None:
    assert [entry.name for entry in select_faults(["C15"])] == ["C15-guest", "C15-steal", "C15-throttled"]
    assert len(select_faults([])) == len(FAULTS)
    assert all(fault.name in describe_faults() for fault in FAULTS)
    with pytest.raises(UserError, match="Cannot find the fault"):
        select_faults(["C99"])


def test_a_broken_promise_is_said() -> None:
    (fault,) = select_faults(["C15-guest"])
    points = (Point(20, 0, 1, 2), Point(25, 1, 1, 2), Point(30, 1, 2, 2), Point(50, 2, 2, 2))
    assert Curve(fault, points).broken == [
        "C15-guest at 20: accused in 1 of 2, and it is harmless",
        "C15-guest at 30: caught in 1 of 2",
    ]


def test_a_recorded_run_is_spoiled_in_a_copy(tmp_path: Path) -> None:
    """A real run, in which the auditor flagged the latency and nothing else: a guest is seen beside that."""
    done = CliRunner().invoke(
        app, ["inject", "C15-guest", str(RECORDED), str(tmp_path / "out"), "--strength", "150", "--seed", "3"]
    )
    assert done.exit_code == 0, done.output
    assert "patch-max_running_requests-12" in done.output
    with tarfile.open(RECORDED) as archive:
        names = {Path(member.name).relative_to("capped") for member in archive.getmembers() if member.isfile()}
    assert names <= {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*")}
    assert find_target(tmp_path / "out", "patch").subject == "patch-max_running_requests-12"
    found = look(Probe("C15-guest", 150, 3, run=RECORDED))
    assert (found.clean, found.word, found.caught) == ("FLAG", "FAIL", True)
    assert ("contention", "asymmetric_contention", "FAIL") in found.found


def test_built_evidence_is_spoiled_on_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["inject", "D14-inflated-claim", "built", str(out), "--strength", "2"]
    assert CliRunner().invoke(app, words).exit_code == 0
    claim = read(out / "comparisons/patch-stream_interval/claim.json")
    clean = build("patch", "patch", tmp_path / "clean", 0)
    assert claim["delta"] == pytest.approx(
        read(clean.run / "comparisons/patch-stream_interval/claim.json")["delta"] + 0.02
    )
    for wrong, why in (
        (words, "exists"),
        (["inject", "C15", "built", str(tmp_path / "x"), "--strength", "1"], "3 fau"),
    ):
        with pytest.raises(UserError, match=why):
            CliRunner().invoke(app, wrong, catch_exceptions=False)


def test_a_run_without_what_a_fault_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing of scope harness"):
        CliRunner().invoke(
            app, ["inject", "H06", str(RECORDED), str(tmp_path / "x"), "--strength", "3"], catch_exceptions=False
        )
    assert not (tmp_path / "x").exists()
