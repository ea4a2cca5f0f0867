"""A real run that banked a gain, replayed: same decision, same interval, verdicts that come out again."""

from __future__ import annotations

import tarfile
from pathlib import Path

import orjson

from graph.verification import verify_folder
from tests.graph.conftest import ROOT, Bankable

BANKED = ROOT / "evals" / "recorded" / "cpu-search.tar.xz"


def test_the_replay_banks_what_the_real_run_banked(bankable: Bankable, tmp_path: Path) -> None:
    with tarfile.open(BANKED) as archive:
        archive.extractall(tmp_path / "recorded", filter="data")
    (recorded,) = [path.parent for path in (tmp_path / "recorded").rglob("outcome.json")]
    assert bankable("run", "--replay", BANKED, "--out", tmp_path / "run").code == 0
    before, now = (orjson.loads((run / "outcome.json").read_bytes()) for run in (recorded, tmp_path / "run"))
    assert now["verdict"] == before["verdict"] == "verified gain, corrected headline"
    assert now["accepted"][0]["flags"] == {"max_running_requests": 12}
    assert (now["delta"], now["interval"]) == (before["delta"], before["interval"])
    assert now["interval"][0] > 1.0


def test_the_recorded_verdicts_are_derived_again(bankable: Bankable, tmp_path: Path) -> None:
    assert bankable("run", "--replay", BANKED, "--out", tmp_path / "run").code == 0
    done = bankable("verify", tmp_path / "run" / "bundle")
    assert done.code == 0, done.out
    assert "all bytes equal" in done.out
    path = tmp_path / "run" / "bundle" / "manifest.json"
    told = orjson.loads(path.read_bytes())
    told["claim"]["delta"] += 1
    told["config"]["flags"]["max_running_requests"] = 13
    path.write_bytes(orjson.dumps(told))
    problems = verify_folder(tmp_path / "run" / "bundle").problems
    assert problems[0] == "attestation.json: manifest.json is not what was signed"
    assert any(problem.startswith("manifest.json: claim.delta: manifest ") for problem in problems)
    assert "manifest.json: config.flags.max_running_requests: manifest 13, evidence 12" in problems
