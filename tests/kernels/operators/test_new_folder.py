"""Adding an operator is adding one folder (and a page for the roles): a copy of the package with one more is asked."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.operators import NAMES
from bankable.tools.serving.environment import isolate_environment

ROOT = Path(__file__).resolve().parents[3]
MODEL, NEW = "silu_and_mul", "made_up"
PROFILE = 'ops = ["aten::made_up"]\nphase = "decode"\n'
PACKAGES = ("graph", "nodes", "tools", "kernels", "prompts", "skills")
MUST = {"tools/profiling/families.py": {"linear", "rms_norm"}, "kernels/worker/kernelbench/snapshot.py": {"linear"}}
"""Files outside of an operator's folder with a name in them: torch has functions that are called so too."""

ORCHESTRATOR = """
import json, runpy, sys
runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()
from typer.testing import CliRunner
from bankable.kernels.build.overlay import patch_of
from bankable.kernels.build.render import render
from bankable.kernels.cli import app
from bankable.kernels.operators import FAMILIES, SHAPES, triton_sources
from bankable.kernels.redteam.bench import HostileBench
from bankable.kernels.redteam.attack_source import render_attack
from bankable.kernels.task.shapes import parse_shapes
from bankable.tools.profiling.replaced import replaced_work
from bankable.tools.skills.loader import skill, skills_for

pages = skills_for("kernel_author", operator="made_up", dtype="float32")
family, shapes = FAMILIES["made_up"], SHAPES["made_up"]
lists = [shapes.served, shapes.held_out, shapes.large, shapes.compiled, *shapes.attacked]
print(json.dumps({
    "listed": "made_up: " in CliRunner().invoke(app, ["families"]).output,
    "shapes": [len(parse_shapes(family, text, "")) > 0 for text in lists],
    "template": render(family, "float32").text.startswith("// made_up, float32, "),
    "patch": "def replace(" in patch_of(family, "float32", "replace").replacement,
    "triton": any(path.parent.name == "made_up" for path in triton_sources()),
    "attacked": "made_up" in HostileBench.__init__.__kwdefaults__["families"],
    "attack": "honest(" in render_attack("made_up", "float32", {}, "HONEST").text,
    "profile": replaced_work()["made_up"].model_dump(mode="json", include={"ops", "phase"}),
    "page": skill("made_up").head.operators,
    "roles": [page.head.name for page in pages if page.head.operators],
}))
"""
ENGINE = """
import json, runpy, sys
runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()
from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.triton_kernels import PLANS
from bankable.kernels.worker.inputs import make
operator = OPERATORS["made_up"]
tensors = make(operator.family.inputs((2, 8)), "float32", 1)
print(json.dumps({
    "equal": (operator.reference(tensors)[0] - operator.framework(tensors)[0]).abs().max().item() < 1e-6,
    "launches": len(PLANS["made_up"](tensors)[1]),
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with a folder and a page more; nothing else is changed."""
    root = tmp_path_factory.mktemp("copy")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors", "*.xz"))
    operators, pages = root / "kernels" / "operators", root / "skills" / "operators"
    shutil.copytree(operators / MODEL, operators / NEW)
    shutil.copy(pages / f"{MODEL}.md", pages / f"{NEW}.md")
    for path in (*(operators / NEW).iterdir(), pages / f"{NEW}.md"):
        path.write_text(path.read_text(encoding="utf-8").replace(MODEL, NEW), encoding="utf-8")
    (operators / NEW / "profile.toml").write_text(PROFILE, encoding="utf-8")
    return root


def _answer(python: str, program: str, root: Path) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-c", program, str(root)],
        cwd=root,
        env=isolate_environment({"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_new_folder_is_found_by_everything_that_has_operators(copy: Path) -> None:
    assert _answer(sys.executable, ORCHESTRATOR, copy) == {
        "listed": True,
        "shapes": [True] * 6,
        "template": True,
        "patch": True,
        "triton": True,
        "attacked": True,
        "attack": True,
        "profile": {"ops": ["aten::made_up"], "phase": "decode"},
        "page": [NEW],
        "roles": [NEW],
    }


def test_its_code_is_found_under_the_engines_interpreter(copy: Path, python: Path) -> None:
    assert _answer(str(python), ENGINE, copy) == {"equal": True, "launches": 1}


def _named(root: Path) -> Iterator[tuple[str, set[str]]]:
    """Files outside of operators' folders that have an operator's name as a string of its own, or in their data."""
    names = set(NAMES)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            where = path.relative_to(root)
            if where.parts[:2] == ("kernels", "operators") and len(where.parts) > 3:
                continue
            if path.suffix == ".py":
                tree = ast.parse(path.read_text(encoding="utf-8"))
                found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} & names
            elif path.suffix in (".toml", ".yaml"):
                found = {name for name in names if name in path.read_text(encoding="utf-8")}
            else:
                continue
            if found:
                yield where.as_posix(), found


def test_no_other_file_names_an_operator() -> None:
    assert {where: names - MUST.get(where, set()) for where, names in _named(ROOT)} == {where: set() for where in MUST}
