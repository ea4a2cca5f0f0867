"""The commands, from the command line to files and back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.evals.faults.all import FAULTS
from bankable.evals.main import app
from bankable.evals.runner import run as running
from bankable.evals.runner.results import read_results
from bankable.evals.runner.run import FixtureTask, each
from bankable.tools.errors import UserError

FIXTURES = ("c03-cold-reference", "plain-gain")


def _run(out: Path, *words: str) -> str:
    only = [word for name in FIXTURES for word in ("--only", name)]
    done = CliRunner().invoke(app, ["run", "--out", str(out), *only, "--no-cache", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_two_runs_of_the_same_rules_are_not_decidable(tmp_path: Path) -> None:
    said = _run(tmp_path / "a", "--jobs", "2", "--repeats", "2")
    assert "equal verdict bytes  2 of 2 = 100.0%" in said
    _run(tmp_path / "b", "--jobs", "1")
    first, second = read_results(tmp_path / "a"), read_results(tmp_path / "b")
    assert [
        (member.fixture, member.repeat)
        for member in sorted(first, key=lambda element: (element.fixture, element.repeat))
    ] == [(name, repeat) for name in FIXTURES for repeat in (0, 1)]
    assert {entry.verdict for entry in first} == {item.verdict for item in second}
    done = CliRunner().invoke(app, ["compare", str(tmp_path / "a"), str(tmp_path / "b" / "results.jsonl")])
    assert done.exit_code == 0
    assert done.output.startswith("not decidable with these 2 fixtures (McNemar's exact p = 1)")


def test_a_wrong_verdict_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules are asked about the honest fixture's evidence in place of the fraud's."""
    real = running.seal_fixture
    honest = running.select_fixtures(["plain-gain"])[0]
    monkeypatch.setattr(running, "seal_fixture", lambda _, seed: real(honest, seed))
    words = ["run", "--out", str(tmp_path), "--only", FIXTURES[0], "--jobs", "1", "--no-cache"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "frauds signed off    1 of 1" in done.output
    assert "WRONG  c03-cold-reference: PASS instead of FAIL" in done.output


def _killed(task: FixtureTask) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "perform", _killed)
    with pytest.raises(UserError, match="a worker process was killed"):
        list(each([FixtureTask("plain-gain", (0,))], 2))


def test_fixtures_a_second_with_and_without_a_process_each() -> None:
    done = CliRunner().invoke(app, ["bench", "run", *FIXTURES, "--jobs", "2"])
    assert done.exit_code == 0, done.output
    isolated, within = done.output.splitlines()
    assert isolated.startswith("a process for each audit")
    assert "2 in " in within
    rates = [float(line.split(" fixtures/s")[0].split()[-1]) for line in (isolated, within)]
    assert min(rates) > 0


def test_faults_are_listed_and_swept() -> None:
    listed = CliRunner().invoke(app, ["faults"]).output
    assert len(listed.splitlines()) == len(FAULTS) + 1
    done = CliRunner().invoke(app, ["sweep", "P03", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "  caught        0%      0%      0%      0%    100%    100%    100%" in done.output
