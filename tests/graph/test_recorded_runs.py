"""Real runs, replayed: one that banked a gain and one that fell for no trap decide again as they did."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import orjson
import pytest

from bankable.graph.verification import verify_folder
from tests.graph.conftest import BANKED, ROOT, Bankable

KERNELS = ROOT / "evals" / "recorded" / "cpu-kernels.tar.xz"
TRAP = ROOT / "evals" / "recorded" / "cpu-trap.tar.xz"


def test_the_replay_banks_what_the_real_run_banked(banked: Path, tmp_path: Path) -> None:
    with tarfile.open(BANKED) as archive:
        archive.extractall(tmp_path / "recorded", filter="data")
    (recorded,) = [path.parent for path in (tmp_path / "recorded").rglob("outcome.json")]
    before, now = (orjson.loads((run / "outcome.json").read_bytes()) for run in (recorded, banked))
    assert now["verdict"] == before["verdict"] == "verified gain, corrected headline"
    assert now["accepted"][0]["flags"] == {"max_running_requests": 12}
    patch = recorded / "comparisons" / "patch-max_running_requests-12"
    claim = orjson.loads((patch / "claim.json").read_bytes())
    assert (now["delta"], now["interval"]) == (claim["delta"], claim["interval"])
    assert not (banked / "comparisons" / "bundle").exists(), "one patch is the bundle: nothing is left to measure"
    assert now["interval"][0] > 1.0


def test_the_recorded_verdicts_are_derived_again(bankable: Bankable, banked: Path, tmp_path: Path) -> None:
    shutil.copytree(banked, tmp_path / "run", symlinks=True)
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


def test_half_a_model_is_faster_and_is_ejected(bankable: Bankable, tmp_path: Path) -> None:
    """Two of four layers were left out: +65 % on a real server, and nonsense for an answer."""
    done = bankable("run", "--replay", TRAP, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    outcome = orjson.loads((tmp_path / "run" / "outcome.json").read_bytes())
    assert outcome["verdict"] == "no verified gain"
    assert outcome["accepted"] == []
    assert [decision["decision"] for decision in outcome["decisions"]] == ["flagged", "returned", "ejected"]
    (path,) = (tmp_path / "run" / "audits").glob("patch-*/verdict.json")
    verdict = orjson.loads(path.read_bytes())
    assert (verdict["verdict"], verdict["action"]) == ("FAIL", "eject")
    assert "+65.5% [+56.3%, +75.2%] over 5 blocks, real (withheld)" in verdict["headline"]
    failed = {finding["code"]: finding["observed"] for finding in verdict["findings"] if finding["severity"] == "FAIL"}
    assert set(failed) == {"identity_as_lever", "candidate_noncoherent", "accuracy_loss"}
    assert "100.0% → 5.0% on 40 paired questions" in failed["accuracy_loss"]
    assert "a loss of up to 100.0% is possible" in failed["accuracy_loss"]


@pytest.fixture(scope="module")
def kernels(bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that replaced operators of a real server, replayed."""
    out = tmp_path_factory.mktemp("kernels") / "run"
    done = bankable("run", "--replay", KERNELS, "--out", out)
    assert done.code == 0, done.err
    return out


def test_faster_operators_are_banked_as_in_the_real_run(kernels: Path) -> None:
    with tarfile.open(KERNELS) as archive:
        (name,) = [entry for entry in archive.getnames() if entry.count("/") == 1 and entry.endswith("/outcome.json")]
        before = orjson.loads(archive.extractfile(name).read())
        (name,) = [
            item for item in archive.getnames() if item.endswith("comparisons/patch-decode_attention/claim.json")
        ]
        claim = orjson.loads(archive.extractfile(name).read())
    now = orjson.loads((kernels / "outcome.json").read_bytes())
    assert now["verdict"].startswith("verified gain")
    assert (now["delta"], now["interval"]) == (claim["delta"], claim["interval"])
    assert [element["flags"] for element in now["accepted"]] == [member["flags"] for member in before["accepted"]]
    assert {name for one in now["accepted"] for name in one["flags"]} >= {"decode_attention"}
    assert now["interval"][0] > 0.25
    words = {path.parent.name: orjson.loads(path.read_bytes()) for path in kernels.glob("audits/*/verdict.json")}
    assert words["harness-decode_attention-1"]["verdict"] == "PASS"
    bundle = next(it for name, it in words.items() if name.startswith("bundle-"))
    assert (bundle["lever_class"], bundle["counts_as_kernel_win"]) == ("A", True)


def test_a_bundle_with_operators_is_derived_again_and_serves_what_was_validated(
    kernels: Path, bankable: Bankable, tmp_path: Path
) -> None:
    assert bankable("verify", kernels / "bundle").code == 0
    copy = tmp_path / "bundle"
    shutil.copytree(kernels / "bundle", copy)
    assert 'export PYTHONPATH="$here/overlay:$here/standin"' in (copy / "launch.sh").read_text()
    (copy / "overlay" / "decode_attention" / "kernel.cpp").write_text("int main() {}\n")
    problems = verify_folder(copy).problems
    assert "overlay/decode_attention/kernel.cpp: changed" in problems
    assert "overlay: differs from the validated one" in problems
