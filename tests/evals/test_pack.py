"""Runs are packed so that they replay, and only what was measured goes along."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from bankable.evals.pack import pack
from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import RunFolder


def _run(folder: Path) -> Path:
    with RunFolder.create(folder, "r-1", {}):
        (folder / "comparisons" / "bundle").mkdir(parents=True)
        (folder / "comparisons" / "bundle" / "plan.json").write_bytes(b"{}")
        (folder / "bundle").mkdir()
        (folder / "bundle" / "launch.sh").write_text("exit\n")
        (folder / "checkpoints.sqlite").write_bytes(b"x")
    return folder


def test_evidence_goes_along_and_the_rest_does_not(tmp_path: Path) -> None:
    run = _run(tmp_path / "one")
    (run / "link").symlink_to("/etc/hostname")
    size = pack([run], tmp_path / "out.tar.xz")
    with tarfile.open(tmp_path / "out.tar.xz") as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
    assert "one/run.json" in entries
    assert "one/comparisons/bundle/plan.json" in entries
    assert not {"one/bundle/launch.sh", "one/checkpoints.sqlite", "one/link"} & set(entries)
    assert all((item.uid, item.mtime, item.uname) == (0, 0, "") for item in entries.values())
    assert size == (tmp_path / "out.tar.xz").stat().st_size


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    runs = [_run(tmp_path / "b"), _run(tmp_path / "a")]
    pack(runs, tmp_path / "1.tar.xz")
    pack(runs[::-1], tmp_path / "2.tar.xz")
    assert (tmp_path / "1.tar.xz").read_bytes() == (tmp_path / "2.tar.xz").read_bytes()


def test_mistakes(tmp_path: Path) -> None:
    run = _run(tmp_path / "one")
    (tmp_path / "there.tar.xz").touch()
    with pytest.raises(UserError, match="exists"):
        pack([run], tmp_path / "there.tar.xz")
    with pytest.raises(UserError, match="the same name"):
        pack([run, run], tmp_path / "x.tar.xz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError):
        pack([tmp_path / "empty"], tmp_path / "x.tar.xz")
    assert not (tmp_path / "x.tar.xz").exists()
