"""The whole machine over the shipped recording of a real run."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from tests.graph.conftest import RECORDING, Bankable, producer_files
from tools.evidence.ledger import check_ledger


def test_it_ends_in_a_verdict_a_bundle_and_a_report(replayed: Path) -> None:
    outcome = orjson.loads((replayed / "outcome.json").read_bytes())
    assert outcome["verdict"].startswith("verified gain")
    assert outcome["interval"][0] > 0.01
    assert outcome["accepted"]
    assert (replayed / "bundle" / "launch.sh").stat().st_mode & 0o111
    assert (replayed / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_the_replay_comes_to_what_the_recorded_run_came_to(replayed: Path, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(RECORDING) as archive:
        archive.extractall(tmp_path, filter="data")
    (recorded,) = [path.parent for path in tmp_path.rglob("outcome.json")]
    before, now = (orjson.loads((run / "outcome.json").read_bytes()) for run in (recorded, replayed))
    assert now["accepted"] == before["accepted"]
    assert now["delta"] == before["delta"]
    assert now["interval"] == before["interval"]


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


def test_without_an_auditor_producers_write_the_same_bytes(replayed: Path, bankable: Bankable, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = bankable("run", "--replay", RECORDING, "--no-auditor", "--out", out)
    assert done.code == 0, done.err
    assert "not audited" in done.out
    assert not (out / "audits").exists()
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
