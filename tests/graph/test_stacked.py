"""An operator that is faster alone and shows too little in the server is carried to the bundle, which decides."""

from __future__ import annotations

import math
import tarfile
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import pytest

from tests.graph.conftest import ROOT, Bankable
from tests.graph.tampered import edit_lines, slow

KERNELS = ROOT / "evals" / "recorded" / "cpu-kernels.tar.xz"
PATCH = "patch-decode_attention"


def level(leg: Path) -> float:
    rows = [orjson.loads(line) for line in (leg / "bench_runs.jsonl").read_bytes().splitlines()]
    return median(math.log(row["output_throughput"]) for row in rows)


def shrunk(target: Path, gains: list[float]) -> Path:
    """The recorded run, with its operator giving only so much (log ratio) in each block of its confirmation."""
    with tarfile.open(KERNELS) as archive:
        archive.extractall(target, filter="data")
    (run,) = [path.parent for path in target.rglob("outcome.json") if path.parent.parent == target]
    legs = run / "comparisons" / PATCH / "legs"
    for block, gain in enumerate(gains):
        candidate = legs / f"b{block:02d}-candidate"
        factor = math.exp(level(candidate) - level(legs / f"b{block:02d}-reference") - gain)
        edit_lines(candidate / "bench_runs.jsonl", lambda row, by=factor: slow(row, by))
    return run


def replayed(bankable: Bankable, recording: Path, out: Path) -> dict[str, Any]:
    done = bankable("run", "--replay", recording, "--out", out, "--budget", 600)
    assert done.code == 0, done.err
    outcome: dict[str, Any] = orjson.loads((out / "outcome.json").read_bytes())
    return outcome


@pytest.fixture(scope="module")
def stacked(bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a percent, tightly: too small to be a win of its own, and no loss."""
    place = tmp_path_factory.mktemp("stacked")
    replayed(bankable, shrunk(place / "recording", [0.005, 0.004, 0.006, 0.005, 0.0045]), place / "run")
    return place / "run"


@pytest.mark.long
def test_it_is_stacked_and_the_bundle_is_what_proves_it(stacked: Path) -> None:
    outcome = orjson.loads((stacked / "outcome.json").read_bytes())
    said = {
        decision["subject"]: decision["decision"]
        for decision in outcome["decisions"]
        if decision["decision"] not in ("skipped", "flagged")
    }
    assert said[PATCH] == "stacked"
    assert [entry["name"] for entry in outcome["accepted"]] == [PATCH]
    assert outcome["verdict"].startswith("verified gain")


def test_the_auditor_says_that_it_is_no_win(stacked: Path) -> None:
    (path,) = stacked.glob(f"audits/patch-{PATCH}-1/verdict.json")
    verdict = orjson.loads(path.read_bytes())
    assert (verdict["verdict"], verdict["action"], verdict["counts_as_kernel_win"]) == ("FLAG", "stack", False)
    (bundle,) = stacked.glob("audits/bundle-*/verdict.json")
    found = [finding for finding in orjson.loads(bundle.read_bytes())["findings"] if finding["code"] == "carried"]
    assert [entry["observed"] for entry in found] == [f"carried: patch-{PATCH}-1"]


@pytest.mark.long
def test_what_may_cost_more_than_the_floor_is_not_stacked(bankable: Bankable, tmp_path: Path) -> None:
    """A mean of −0.5 % is no reason to carry anything."""
    recording = shrunk(tmp_path / "recording", [-0.005, -0.004, -0.006, -0.005, -0.0045])
    outcome = replayed(bankable, recording, tmp_path / "run")
    assert outcome["verdict"] == "no verified gain"
    assert {decision["decision"] for decision in outcome["decisions"] if decision["subject"] == PATCH} == {"not_proven"}
