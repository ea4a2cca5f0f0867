"""A restricted process reads beneath its allowed paths only, and cannot lift the restriction."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bankable.nodes.auditor.landlock import list_readable_paths
from bankable.tools import package

CODE = f"""{package.BOOT}
from pathlib import Path
from bankable.nodes.auditor.landlock import list_readable_paths, restrict_reads
evidence, other = Path(sys.argv[1]), Path(sys.argv[2])
if not restrict_reads(list_readable_paths(evidence)):
    sys.exit(3)
restrict_reads([Path("/")])
print((evidence / "a").read_text())
for place in (other / "b", other):
    try:
        print(place.read_text() if place.is_file() else [*place.iterdir()])
    except PermissionError:
        print("refused")
"""


@pytest.mark.parametrize("place", ["usual", "shared memory"])
def test_only_allowed_paths_are_readable(tmp_path: Path, place: str) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path if place == "usual" else "/dev/shm") as folder:
        assert_only_allowed_paths_are_readable(Path(folder))


def assert_only_allowed_paths_are_readable(folder: Path) -> None:
    evidence, other = folder / "evidence", folder / "other"
    for place, name in ((evidence, "a"), (other, "b")):
        place.mkdir()
        (place / name).write_text(name)
    command = [sys.executable, "-I", "-c", CODE, str(package.START), str(evidence), str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip("this kernel has no Landlock")
    assert done.stdout.split() == ["a", "refused", "refused"], done.stderr


def test_the_readable_paths_hold_no_evaluation_and_no_other_run(tmp_path: Path) -> None:
    paths = list_readable_paths(tmp_path)
    assert tmp_path.resolve() in paths
    assert {path.name for path in paths if path.parent == package.FOLDER} <= {"nodes", "tools", ".venv"}
    assert not any((package.FOLDER / "evals").is_relative_to(path) for path in paths)
