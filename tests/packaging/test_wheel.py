"""What the wheel holds: one import name, every file of the source folders, and a working public interface."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.packaging.conftest import FOLDERS, ROOT, Interpreter

HOME = ROOT / "graph" / "bankable"
"""Files that become ``bankable/`` itself."""
PROGRAM = """
import json, sys
from pathlib import Path
import bankable
run = Path("run")
recording = Path(bankable.__file__).parent / "evals" / "recorded" / "cpu-run.tar.xz"
outcome = bankable.run("recorded", run, replay=recording)
reference, candidate = sorted(run.glob("comparisons/*/legs/b00-*"), reverse=True)[:2]
verdict = bankable.audit(reference, candidate)
assert isinstance(verdict, bankable.Verdict)
assert bankable.Verdict.model_validate_json(verdict.to_bytes()).to_bytes() == verdict.to_bytes()
print(json.dumps({
    "file": bankable.__file__,
    "run": outcome.verdict,
    "verified": bankable.verify(run),
    "legs": [reference.name, candidate.name],
    "audit": [verdict.scope, verdict.subject, verdict.verdict.value],
    "modules": sorted({name.partition(".")[0] for name in sys.modules} & {"graph", "nodes", "tools", "kernels"}),
}))
"""


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_bankable_is_the_only_top_level_name(wheel: Path) -> None:
    top = {name.partition("/")[0] for name in _names(wheel)}
    (metadata,) = top - {"bankable"}
    assert metadata.endswith(".dist-info")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{metadata}/top_level.txt").split() == [b"bankable"]
        recorded = archive.read(f"{metadata}/RECORD").decode().split()
    assert {line.partition("/")[0] for line in recorded} == top


def test_every_source_file_is_inside(wheel: Path) -> None:
    names = _names(wheel)
    expected = {
        f"bankable/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not path.is_relative_to(HOME) and "__pycache__" not in path.parts
    }
    expected |= {f"bankable/{path.name}" for path in HOME.iterdir() if path.is_file()}
    assert expected - names == set()
    assert {name for name in names if name.startswith("bankable/")} - expected == set()


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "prompts/judge.md",
        "skills/patch_auditor/SKILL.md",
        "tools/model/shipped/model.safetensors",
        "kernels/operators/rms_norm/kernel.cpp.j2",
        "tools/report/page.html.j2",
        "evals/recorded/cpu-run.tar.xz",
        "evals/expected.toml",
    ],
)
def test_data_of_each_kind_is_inside(name: str, wheel: Path) -> None:
    assert f"bankable/{name}" in _names(wheel)


def test_the_public_interface_works_from_the_wheel(installed: Interpreter, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = installed.run(["program.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert Path(result["file"]).is_relative_to(installed.path[0])
    assert result["verified"] is True
    assert result["legs"] == ["b00-reference", "b00-candidate"]
    assert result["audit"][0] == "pair"
    assert result["audit"][2] in ("PASS", "FLAG", "FAIL")
    assert result["modules"] == []


def test_the_command_line_works_from_the_wheel(installed: Interpreter, tmp_path: Path) -> None:
    done = installed.run(["-m", "bankable", "run", "--help"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--engine-python" in done.stdout
