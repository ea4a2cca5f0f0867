"""What the engine imports under the name ``kernels``, and what ``doctor`` says of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bankable.graph.doctor import examine_import_names
from bankable.graph.import_names import KernelsName, find_kernels_name

THEIRS = "/engine/site-packages/kernels/__init__.py"


def install(folder: Path, version: str | None) -> str:
    """A package named ``kernels`` in ``folder``; with ``version`` it is an installed distribution."""
    package = folder / "kernels"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def get_kernel(): ...\n")
    if version is not None:
        info = folder / f"kernels-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kernels\nVersion: {version}\n")
    return str((package / "__init__.py").resolve())


def test_nothing_of_ours_is_found_under_that_name() -> None:
    assert not find_kernels_name(Path(sys.executable)).hidden


def test_the_installed_package_is_the_real_one(tmp_path: Path) -> None:
    theirs = install(tmp_path, "0.14.1")
    name = find_kernels_name(Path(sys.executable), {"PYTHONPATH": str(tmp_path)})
    assert name == KernelsName(seen=theirs, installed=theirs, version="0.14.1")
    assert not name.hidden


def test_another_package_in_front_of_it_hides_it(tmp_path: Path) -> None:
    ours, theirs = install(tmp_path / "ours", None), install(tmp_path / "theirs", "0.14.1")
    path = f"{tmp_path / 'ours'}:{tmp_path / 'theirs'}"
    name = find_kernels_name(Path(sys.executable), {"PYTHONPATH": path})
    assert name == KernelsName(seen=ours, installed=theirs, version="0.14.1")
    assert name.hidden


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            KernelsName(seen=THEIRS, installed=THEIRS, version="1"),
            "Hugging Face's kernels 1 is what the engine imports",
        ),
        (
            KernelsName(seen=None, installed=None, version=""),
            "Hugging Face's kernels package is not installed in the engine",
        ),
        (
            KernelsName(seen="/x/kernels", installed=THEIRS, version="1"),
            "`import kernels` loads /x/kernels in the engine, not Hugging Face's package",
        ),
    ],
)
def test_the_line_says_which_it_is(name: KernelsName, line: str) -> None:
    assert name.line() == line


def test_an_interpreter_that_does_not_answer_is_told(tmp_path: Path) -> None:
    silent = tmp_path / "python"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    with pytest.raises(RuntimeError, match="does not say what it imports"):
        find_kernels_name(silent)
    finding = examine_import_names(silent)
    assert finding.state == "limited"
    assert not finding.fatal


def test_doctor_says_which_bankable_is_imported() -> None:
    finding = examine_import_names(Path(sys.executable))
    assert finding.state == "ok"
    assert f"bankable is imported from {Path(__file__).resolve().parents[2]}" in finding.what
