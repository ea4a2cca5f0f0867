"""A source is compiled once; what does not compile is a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.kernels.build.compiler import Compiled, CompileError, Compiler
from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES
from bankable.tools.errors import UserError
from tests.kernels.hostile import BROKEN


def test_a_kernel_is_compiled_once_and_lies_beside_its_source(tmp_path: Path):
    source = render(FAMILIES["silu_and_mul"], "float32")
    first, second = Compiler(tmp_path).compile(source), Compiler(tmp_path).compile(source)
    assert isinstance(first, Compiled)
    assert isinstance(second, Compiled)
    assert (first.cached, second.cached) == (False, True)
    assert first.binary == second.binary
    assert first.binary.with_name("source.cpp").read_text() == source.text
    assert source.digest.encode() in first.binary.read_bytes()
    assert [path.name for path in sorted(first.binary.parent.iterdir())] == ["kernel.so", "source.cpp"]


def test_what_does_not_compile_says_why_and_leaves_no_library(tmp_path: Path):
    answer = Compiler(tmp_path).compile(BROKEN)
    assert isinstance(answer, CompileError)
    assert "nothing_like_it" in answer.reason
    assert not list(tmp_path.rglob("kernel.so"))


def test_no_compiler_is_a_users_mistake(tmp_path: Path):
    with pytest.raises(UserError, match="no C\\+\\+ compiler"):
        Compiler(tmp_path, command="no-such-compiler")
