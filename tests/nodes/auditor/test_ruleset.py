"""The digest of the rules covers every file that they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from bankable.nodes.auditor.ruleset import list_sources

ROOT = Path(__file__).resolve().parents[3]
UNABLE = {"tools/__init__.py", "tools/errors.py", "tools/package.py"}
"""Cannot change a verdict: no code, the exception for user errors, and where the package lies."""


def _file_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imports(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bankable."):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from filter(None, map(_file_of, names))


def test_whatever_a_rule_imports_is_part_of_the_digest() -> None:
    auditor = ROOT / "nodes" / "auditor"
    reached: set[Path] = set()
    waiting = [file for file in auditor.rglob("*.py") if auditor / "judge" not in file.parents]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += _imports(file)
    inside = set(list_sources())
    left_out = {file.relative_to(ROOT).as_posix() for file in reached - inside} - UNABLE
    assert not {
        file for file in left_out if not file.startswith(("nodes/auditor/judge/", "nodes/__init__", "__init__"))
    }
    assert ROOT / "tools" / "slo.py" in inside
