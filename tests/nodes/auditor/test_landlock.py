"""An enclosed process reads beneath the paths that it was left, and cannot undo that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bankable.nodes.auditor.landlock import ROOT, readable

CODE = """
import sys
from pathlib import Path
from bankable.nodes.auditor.landlock import enclose, readable
mine, other = Path(sys.argv[1]), Path(sys.argv[2])
if not enclose(readable(mine)):
    sys.exit(3)
enclose([Path("/")])
print((mine / "a").read_text())
for place in (other / "b", other):
    try:
        print(place.read_text() if place.is_file() else [*place.iterdir()])
    except PermissionError:
        print("refused")
"""


def test_beneath_what_was_left_and_nowhere_else(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder, name in ((mine, "a"), (other, "b")):
        folder.mkdir()
        (folder / name).write_text(name)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(mine), str(other)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == 3:
        pytest.skip("this kernel cannot enclose a process")
    assert done.stdout.split() == ["a", "refused", "refused"], done.stderr


def test_what_an_audit_reads_holds_no_evaluation_and_no_run(tmp_path: Path) -> None:
    left = readable(tmp_path)
    assert tmp_path.resolve() in left
    assert {path.name for path in left if path.parent == ROOT} <= {"nodes", "tools", ".venv"}
    assert not any((ROOT / "evals").is_relative_to(path) for path in left)
