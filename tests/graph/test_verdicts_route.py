"""What becomes of a lever, by what is true of it: banked, corrected, given up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.graph.conftest import Bankable
from tests.graph.tampered import LEVER, PATCH, edit, edit_lines, tampered_recording


def run(bankable: Bankable, recording: Path, out: Path) -> dict[str, Any]:
    words = ("--replay", recording, "--only", f"{LEVER[0]}={LEVER[1]}", "--out", out, "--budget", 600)
    done = bankable("run", *words)
    assert done.code == 0, done.err
    outcome: dict[str, Any] = orjson.loads((out / "outcome.json").read_bytes())
    return outcome


def verdicts(out: Path, scope: str) -> list[dict[str, Any]]:
    return [orjson.loads(path.read_bytes()) for path in sorted(out.glob(f"audits/{scope}-*/verdict.json"))]


@pytest.fixture(scope="module")
def banked(tmp_path_factory: pytest.TempPathFactory, bankable: Bankable) -> Path:
    """A run whose lever really is 25 % faster."""
    place = tmp_path_factory.mktemp("banked")
    run(bankable, tampered_recording(place / "recording", 0.8), place / "run")
    return place / "run"


def test_a_real_gain_is_banked_validated_and_published(banked: Path) -> None:
    outcome = orjson.loads((banked / "outcome.json").read_bytes())
    assert outcome["verdict"].startswith("verified gain")
    assert outcome["accepted"] == [{"name": PATCH, "flags": {LEVER[0]: LEVER[1]}}]
    assert outcome["delta"] == pytest.approx(0.25, abs=0.01)
    assert outcome["interval"][0] > 0.2
    assert [verdict["verdict"] for verdict in verdicts(banked, "patch")] in (["PASS"], ["FLAG"])
    assert [entry["verdict"] for entry in verdicts(banked, "bundle")] in (["PASS"], ["FLAG"])


def test_five_blocks_decide_a_large_gain(banked: Path) -> None:
    claim = orjson.loads((banked / "comparisons" / PATCH / "claim.json").read_bytes())
    assert (claim["decision"], claim["blocks"]) == ("real", 5)
    assert len(list((banked / "comparisons" / PATCH / "legs").iterdir())) == 10


def test_its_bundle_starts_the_tuned_server_and_proves_itself(banked: Path, bankable: Bankable) -> None:
    script = (banked / "bundle" / "launch.sh").read_text()
    assert f"--stream-interval {LEVER[1]}" in script
    manifest = orjson.loads((banked / "bundle" / "manifest.json").read_bytes())
    assert manifest["proven"]
    assert manifest["claim"]["delta"] == pytest.approx(0.25, abs=0.01)
    assert bankable("verify", banked / "bundle").code == 0


def test_a_gain_of_nothing_is_not_proven(bankable: Bankable, tmp_path: Path) -> None:
    outcome = run(bankable, tampered_recording(tmp_path / "recording", 1.0), tmp_path / "run")
    assert outcome["verdict"] == "no verified gain"
    assert "not_proven" in {decision["decision"] for decision in outcome["decisions"]}
    assert verdicts(tmp_path / "run", "patch") == []


@pytest.mark.long
def test_a_loss_is_not_proven(bankable: Bankable, tmp_path: Path) -> None:
    outcome = run(bankable, tampered_recording(tmp_path / "recording", 1.2), tmp_path / "run")
    assert outcome["verdict"] == "no verified gain"


def test_a_gain_with_other_answers_is_ejected(bankable: Bankable, tmp_path: Path) -> None:
    def garble(leg: Path, candidate: bool) -> None:
        if not candidate:
            return
        edit_lines(
            leg / "outputs.jsonl", lambda row: row.update(token_ids=row["token_ids"][::-1], text=row["text"][::-1])
        )
        edit_lines(leg / "accuracy.jsonl", lambda row: row.update(predicted="0", correct=False))

    outcome = run(bankable, tampered_recording(tmp_path / "recording", 0.8, garble), tmp_path / "run")
    assert outcome["verdict"] == "no verified gain"
    assert "ejected" in {decision["decision"] for decision in outcome["decisions"]}
    assert "output_correctness" in {finding["rule"] for finding in verdicts(tmp_path / "run", "patch")[0]["findings"]}


def set_pool(leg: Path, tokens: int) -> None:
    edit(leg / "server_info.json", lambda info: info.update(max_total_num_tokens=tokens))
    edit_lines(leg / "bench_runs.jsonl", lambda row: row["server_info"].update(max_total_num_tokens=tokens))


def test_a_gain_over_a_baseline_that_was_starved_of_kv_memory_is_ejected(bankable: Bankable, tmp_path: Path) -> None:
    def starve(leg: Path, candidate: bool) -> None:
        set_pool(leg, 65536 if candidate else 1200)
        log = leg / "server.log"
        log.write_text(re.sub(r"token usage: [0-9.]+", "token usage: 0.97", log.read_text()))

    outcome = run(bankable, tampered_recording(tmp_path / "recording", 0.8, starve), tmp_path / "run")
    assert outcome["verdict"] == "no verified gain"
    found = [finding for finding in verdicts(tmp_path / "run", "patch")[0]["findings"] if finding["severity"] == "FAIL"]
    assert "same_conditions" in {entry["rule"] for entry in found}


@pytest.mark.long
def test_a_larger_kv_pool_that_nobody_needed_is_no_confound(bankable: Bankable, tmp_path: Path) -> None:
    def grow(leg: Path, candidate: bool) -> None:
        set_pool(leg, 131072 if candidate else 65536)

    outcome = run(bankable, tampered_recording(tmp_path / "recording", 0.8, grow), tmp_path / "run")
    assert outcome["verdict"].startswith("verified gain")
    codes = {finding["code"] for finding in verdicts(tmp_path / "run", "patch")[0]["findings"]}
    assert "inert_capacity" in codes


def test_a_flag_that_took_no_effect_is_not_even_measured(bankable: Bankable, tmp_path: Path) -> None:
    def ignore(leg: Path, _: bool) -> None:
        edit(leg / "server_info.json", lambda info: info.update(stream_interval=1))

    outcome = run(bankable, tampered_recording(tmp_path / "recording", 0.8, ignore), tmp_path / "run")
    assert outcome["verdict"] == "no verified gain"
    reasons = " ".join(decision["reason"] for decision in outcome["decisions"])
    assert "stream_interval=8 did not take effect: the server has 1" in reasons
    assert not list((tmp_path / "run").glob("comparisons/patch-*/claim.json"))
