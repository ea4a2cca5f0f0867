"""Finding the engine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.serving.engine import ENV_PYTHON, Engine, find_engine
from bankable.tools.serving.tree import TreeDigest


def test_the_engine_is_described_by_its_own_interpreter(engine: Engine, interpreter: Path) -> None:
    assert engine.python == interpreter
    assert engine.device == "cpu"
    assert engine.standin_needed
    assert {"model_path", "max_total_tokens", "sleep_on_idle"} <= engine.flags
    identity = engine.identity()
    assert identity.python == ".".join(str(part) for part in sys.version_info[:3])
    assert (identity.sglang, identity.torch) == ("unknown", "unknown")  # the fake has no package metadata
    assert identity.tree_digest == engine.identity().tree_digest


def test_the_variable_names_an_engine_and_an_argument_wins_over_it(interpreter: Path, tmp_path: Path) -> None:
    assert find_engine(environ={ENV_PYTHON: str(interpreter)}).python == interpreter
    with pytest.raises(UserError, match="interpreter not found"):
        find_engine(tmp_path / "python", environ={ENV_PYTHON: str(interpreter)})


def test_an_interpreter_without_sglang_is_a_users_mistake(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{os.path.realpath(sys.executable)}" -S -E "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(UserError, match=r"sglang is not installed in the engine \(.*\)\. Give --engine-python"):
        find_engine(bare)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo nonsense", "cannot be imported"),
        ("echo broken >&2; exit 3", "broken"),
        ("echo '{}'", "cannot be imported"),
        ("sleep 60", "timed out after 1 s"),
    ],
)
def test_an_interpreter_that_answers_nonsense_is_a_users_mistake(tmp_path: Path, script: str, said: str) -> None:
    odd = tmp_path / "python"
    odd.write_text(f"#!/bin/sh\n{script}\n")
    odd.chmod(0o755)
    with pytest.raises(UserError, match=said):
        find_engine(odd, timeout_s=1.0 if "sleep" in script else 30.0)


def test_the_tree_digest_sees_an_edit_a_new_file_and_a_renamed_one(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "data.txt").write_text("not source")
    tree = TreeDigest(tmp_path)
    seen = [tree.compute()]
    assert tree.compute() == seen[0]
    (tmp_path / "data.txt").write_text("still not source")
    assert tree.compute() == seen[0]
    (tmp_path / "a.py").write_text("x = 2")
    seen.append(tree.compute())
    (tmp_path / "b.py").write_text("")
    seen.append(tree.compute())
    (tmp_path / "b.py").rename(tmp_path / "c.py")
    seen.append(tree.compute())
    assert len(set(seen)) == 4


def test_the_tree_digest_sees_an_edit_that_keeps_size_and_modification_time(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("x = 1")
    tree, before = TreeDigest(tmp_path), source.stat()
    digest = tree.compute()
    source.write_text("x = 2")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert source.stat().st_size == before.st_size
    assert tree.compute() != digest
