"""A read-only copy of exactly what an audit may see."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.seal import seal


@pytest.fixture
def run(tmp_path: Path) -> Path:
    root = tmp_path / "run"
    for name in ("control", "control-2", "patch-x"):
        leg = root / "comparisons" / name / "legs/b00-reference"
        leg.mkdir(parents=True)
        (leg / "leg.json").write_text(f'{{"of": "{name}"}}')
        (leg / "thoughts.md").write_text("trust me")
        (root / "comparisons" / name / "plan.json").write_text("{}")
    (root / "run.json").write_text('{"schema_version": 1, "config": {"run_id": "r1"}}')
    return root


def test_known_files_are_copied_and_nothing_else(run: Path, tmp_path: Path) -> None:
    sealed = seal(run, "patch", "patch-x", 1, tmp_path / "s")
    assert set(sealed.digests) == {
        "request.json",
        "comparison/plan.json",
        "comparison/legs/b00-reference/leg.json",
        "control/plan.json",
        "control/legs/b00-reference/leg.json",
    }
    assert all(file_digest(sealed.folder / name) == value for name, value in sealed.digests.items())
    assert orjson.loads((sealed.folder / "request.json").read_bytes())["run_id"] == "r1"


def test_the_copy_is_read_only_and_can_be_discarded(run: Path, tmp_path: Path) -> None:
    sealed = seal(run, "baseline", "control", 1, tmp_path / "s")
    modes = [path.stat().st_mode & 0o222 for path in [sealed.folder, *sealed.folder.rglob("*")]]
    assert set(modes) == {0}
    sealed.discard()
    assert not sealed.folder.exists()


def test_a_later_attempt_and_a_named_control_are_taken(run: Path, tmp_path: Path) -> None:
    again = seal(run, "baseline", "control", 2, tmp_path / "a")
    assert again.request.comparison == "control-2"
    patch = seal(run, "patch", "x", 1, tmp_path / "b", control="control-2")
    assert (patch.request.comparison, patch.request.control) == ("patch-x", "control-2")
    assert orjson.loads((patch.folder / "control/legs/b00-reference/leg.json").read_bytes()) == {"of": "control-2"}


def test_the_same_evidence_has_the_same_digest(run: Path, tmp_path: Path) -> None:
    first = seal(run, "patch", "patch-x", 1, tmp_path / "a").digest
    assert first == seal(run, "patch", "patch-x", 1, tmp_path / "b").digest
    (run / "comparisons/patch-x/plan.json").write_text("{ }")
    assert first != seal(run, "patch", "patch-x", 1, tmp_path / "c").digest


def test_a_link_inside_the_run_is_copied_as_a_file(run: Path, tmp_path: Path) -> None:
    plan = run / "comparisons/patch-x/plan.json"
    plan.unlink()
    plan.symlink_to(run / "comparisons/control/plan.json")
    sealed = seal(run, "patch", "patch-x", 1, tmp_path / "s")
    assert not (sealed.folder / "comparison/plan.json").is_symlink()


def test_a_link_out_of_the_run_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    (run / "comparisons/patch-x/claim.json").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match="links out"):
        seal(run, "patch", "patch-x", 1, tmp_path / "s")


def test_a_pipe_is_refused(run: Path, tmp_path: Path) -> None:
    os.mkfifo(run / "comparisons/patch-x/claim.json")
    with pytest.raises(UserError, match="regular"):
        seal(run, "patch", "patch-x", 1, tmp_path / "s")


def test_names_that_climb_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="folder name"):
        seal(run, "patch", "../../etc", 1, tmp_path / "s")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.json"):
        seal(tmp_path, "patch", "x", 1, tmp_path / "s")
