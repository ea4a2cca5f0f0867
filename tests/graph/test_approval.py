"""A run that waits for a person: it stops before the step, says what it asks, and goes on with one answer to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.graph.conftest import ROOT, Bankable, Done

BANKED = ROOT / "evals" / "recorded" / "cpu-search.tar.xz"
WAITING = 3


def outcome(run: Path) -> Any:
    return orjson.loads((run / "outcome.json").read_bytes())


@pytest.fixture(scope="module", params=["bank", pytest.param("bundle", marks=pytest.mark.long)])
def waiting(request: pytest.FixtureRequest, bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stands before its first question."""
    out = tmp_path_factory.mktemp("waiting") / "run"
    done: Done = bankable("run", "--replay", BANKED, "--out", out, "--approve", request.param)
    assert done.code == WAITING, done.err
    word = "bank patch-max_running_requests-12?" if request.param == "bank" else "publish bundle?"
    assert f"waiting: {word} max_running_requests=12: output_throughput +1" in done.err
    assert "resume" in done.err
    assert not (out / "outcome.json").exists()
    assert not (out / "bundle").exists()
    return out


def test_a_yes_goes_on_to_the_same_gain(waiting: Path, bankable: Bankable, tmp_path: Path) -> None:
    run = shutil.copytree(waiting, tmp_path / "run")
    assert bankable("resume", run).code == WAITING
    assert bankable("resume", run, "--approve", "maybe").code == 2
    done = bankable("resume", run, "--approve", "yes")
    assert done.code == 0, done.err
    assert [entry["flags"] for entry in outcome(run)["accepted"]] == [{"max_running_requests": 12}]
    assert bankable("verify", run).code == 0


def test_a_no_banks_and_publishes_nothing(waiting: Path, bankable: Bankable, tmp_path: Path) -> None:
    run = shutil.copytree(waiting, tmp_path / "run")
    done = bankable("resume", run, "--approve", "no")
    assert done.code == 0, done.err
    found = outcome(run)
    assert (found["verdict"], found["accepted"]) == ("no verified gain", [])
    assert "not approved by the user" in [decision["reason"] for decision in found["decisions"]]
    assert not orjson.loads((run / "bundle" / "manifest.json").read_bytes())["proven"]


def test_an_unknown_moment_is_a_mistake(bankable: Bankable, tmp_path: Path) -> None:
    done = bankable("run", "--replay", BANKED, "--out", tmp_path / "run", "--approve", "always")
    assert done.code == 2
    assert "one of bank, bundle, never" in done.err
