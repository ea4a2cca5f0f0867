"""Small C++ programs that the layers measure with; compiled once a machine, beside the kernels."""

from __future__ import annotations

from pathlib import Path

from bankable.kernels.build.compiler import CompileError, Compiler
from bankable.kernels.build.render import KernelSource
from bankable.kernels.diagnosis.layers.subject import LayerFailedError

FLAGS = {
    "driver": ("-std=c++17", "-O1", "-ldl"),
    "rates": ("-std=c++17", "-O2", "-fopenmp", "-pthread"),
    "empty": ("-std=c++17", "-O2", "-fPIC", "-shared"),
}


def program(name: str, cache: Path | None) -> Path:
    """The compiled program. Raises ``LayerFailedError`` where it does not compile."""
    text = Path(__file__).with_name(f"{name}.cpp").read_text(encoding="utf-8")
    answer = Compiler(cache).compile(KernelSource(name, "", {}, text, FLAGS[name]))
    if isinstance(answer, CompileError):
        raise LayerFailedError(f"{name}.cpp does not compile: {answer.reason[:200]}")
    return answer.binary


def source_digest(name: str) -> str:
    """Digest of a program's source, as its binary gives it."""
    text = Path(__file__).with_name(f"{name}.cpp").read_text(encoding="utf-8")
    return KernelSource(name, "", {}, text, FLAGS[name]).digest
