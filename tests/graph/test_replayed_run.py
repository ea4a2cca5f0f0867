"""The whole machine over the shipped recording of a real run."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import orjson
import pytest

from bankable.tools.evidence.ledger import check_ledger
from tests.graph.conftest import RECORDING, Bankable, producer_files


def test_it_ends_in_a_verdict_a_bundle_and_a_report(replayed: Path) -> None:
    outcome = orjson.loads((replayed / "outcome.json").read_bytes())
    manifest = orjson.loads((replayed / "bundle" / "manifest.json").read_bytes())
    assert outcome["verdict"] == "no verified gain"
    assert (manifest["proven"], outcome["accepted"]) == (False, [])
    assert (replayed / "bundle" / "launch.sh").stat().st_mode & 0o111
    assert (replayed / "report.html").read_text().lower().startswith("<!doctype html>")


def test_the_profile_is_replayed_and_judged(replayed: Path) -> None:
    verdict = orjson.loads((replayed / "audits" / "profile-profile-1" / "verdict.json").read_bytes())
    assert verdict["verdict"] in ("PASS", "FLAG")
    assert (replayed / "profile" / "profile.json").is_file()


def test_the_replay_comes_to_what_the_recorded_run_came_to(replayed: Path, tmp_path: Path) -> None:
    with tarfile.open(RECORDING) as archive:
        archive.extractall(tmp_path, filter="data")
    (recorded,) = [path.parent for path in tmp_path.rglob("outcome.json")]
    before, now = (orjson.loads((run / "outcome.json").read_bytes()) for run in (recorded, replayed))
    for name in ("verdict", "accepted", "delta", "interval"):
        assert now[name] == before[name]
    claims = [orjson.loads((run / "comparisons/control/claim.json").read_bytes()) for run in (recorded, replayed)]
    for name in ("reference", "candidate", "delta", "interval", "blocks", "decision"):
        assert claims[0][name] == claims[1][name]


def test_every_verdict_comes_out_again_byte_for_byte(replayed: Path, bankable: Bankable) -> None:
    for folder in (replayed, replayed / "bundle"):
        done = bankable("verify", folder)
        assert done.code == 0, done.out
        assert "all bytes equal" in done.out
    assert check_ledger(replayed) == []


@pytest.mark.parametrize("name", ["claim.json", "bench_runs.jsonl", "verdict.json", "leg.json"])
def test_one_changed_byte_of_a_bundle_is_found_and_named(
    replayed: Path, bankable: Bankable, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(replayed / "bundle", copy)
    victim = sorted(copy.rglob(name))[-1]
    content = bytearray(victim.read_bytes())
    spot = max(i for i, byte in enumerate(content) if chr(byte).isdigit())
    content[spot] = ord("1") if content[spot] != ord("1") else ord("2")
    victim.write_bytes(bytes(content))
    done = bankable("verify", copy)
    assert done.code == 20
    assert victim.relative_to(copy).as_posix() in done.out


@pytest.mark.long
def test_without_an_auditor_producers_write_the_same_bytes(replayed: Path, bankable: Bankable, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = bankable("run", "--replay", RECORDING, "--no-auditor", "--out", out)
    assert done.code == 0, done.err
    assert "verified gain:" not in done.out.replace("no verified gain", "")
    assert not (out / "audits").exists()
    assert list(out.rglob("attestation.json")) == list(out.rglob("*.pem")) == []
    assert producer_files(out) == producer_files(replayed)


def test_no_secret_of_the_environment_is_in_the_run(replayed: Path) -> None:
    for path in replayed.rglob("*"):
        if path.is_file():
            assert b"sk-canary-4711" not in path.read_bytes(), path


def test_the_report_of_a_run_can_be_drawn_again(replayed: Path, bankable: Bankable, tmp_path: Path) -> None:
    done = bankable("report", replayed, "--out", tmp_path / "again.html")
    assert done.code == 0, done.err
    assert (tmp_path / "again.html").read_bytes() == (replayed / "report.html").read_bytes()


def test_json_output_is_one_object_on_standard_output(bankable: Bankable, tmp_path: Path) -> None:
    done = bankable("run", "--replay", RECORDING, "--out", tmp_path / "run", "--json")
    assert done.code == 0
    assert orjson.loads(done.out)["run"] == str(tmp_path / "run")
    assert "baseline" in done.err
