"""Run folders: one owner at a time, one version, one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import RunFolder, read_run, set_leg_aside

ROOT = Path(__file__).resolve().parents[3]


def test_a_second_process_is_refused_while_the_first_works(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from bankable.tools.evidence.folder import RunFolder\n"
        "folder = RunFolder.create(Path(sys.argv[2]), 'r1', {})\n"
        "print('locked', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    run = tmp_path / "run"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(ROOT), str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    with pytest.raises(UserError, match="another process is working on this run"):
        RunFolder.open(run)
    holder.communicate(b"\n", timeout=30)
    with RunFolder.open(run):
        assert read_run(run).run_id == "r1"


def test_a_folder_that_holds_a_run_is_not_taken_for_another(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", "r1", {}).close()
    with pytest.raises(UserError, match="already holds a run"):
        RunFolder.create(tmp_path / "run", "r2", {})


def test_a_run_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema_version": 99, "run_id": "r", "config": {}}')
    with pytest.raises(UserError, match="version 99 is newer than this program's 1"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema_version": "1"}', "\x00\xff", '{"schema_version": 1}'])
def test_a_damaged_run_json_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match=r"run\.json cannot be read"):
        read_run(tmp_path)


def test_what_a_torn_leg_holds_is_kept(tmp_path: Path) -> None:
    leg = tmp_path / "legs" / "b00-reference"
    leg.mkdir(parents=True)
    (leg / "bench_runs.jsonl").write_text("measured")
    aside = set_leg_aside(leg)
    assert aside is not None
    assert (aside / "bench_runs.jsonl").read_text() == "measured"
    assert not leg.exists()
