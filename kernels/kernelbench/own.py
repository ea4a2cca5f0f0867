"""Our own kernels as answers: for problems that compute what an operator family computes.

An answer of ours is a source like any other. It loads a compiled kernel that lies beside it, and is judged the same
way. A family is tried where the sizes of a problem's tensors allow it; an answer that turns out to compute something
else does not fit, and is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module

from bankable.kernels.build.compiler import CompileError, Compiler
from bankable.kernels.build.render import render
from bankable.kernels.kernelbench.evaluate import DescribedProblem
from bankable.kernels.kernelbench.problems import SubmittedAnswer
from bankable.kernels.operators import FAMILIES, FOLDER

DTYPE = "float32"
KERNEL = "kernel.so"
"""Name under which an answer finds its kernel."""
ANSWER = "kernelbench_answer.py.j2"
"""Source of an answer, in the operator's folder."""
ABLE: dict[str, Callable[[Sequence[int], Sequence[int], int], bool]] = {
    path.parent.name: import_module(f"bankable.kernels.operators.{path.parent.name}.kernelbench").fits
    for path in sorted(FOLDER.glob("*/kernelbench.py"))
}
"""Operators that may answer problems, and which."""


def own_answers(described: DescribedProblem, compiler: Compiler) -> Iterator[SubmittedAnswer]:
    """Answers that may fit, by the sizes of the problem's tensors."""
    for name in fitting_families(described):
        compiled = compiler.compile(render(FAMILIES[name], DTYPE))
        if not isinstance(compiled, CompileError):
            text = (FOLDER / name / ANSWER).read_text(encoding="utf-8")
            yield SubmittedAnswer(0, f"our {name}", text, ((KERNEL, compiled.binary),))


def fitting_families(described: DescribedProblem) -> list[str]:
    """Names of families whose inputs and outputs have the sizes of the problem's, in float32."""
    tensors = [*described.inputs, *described.outputs]
    if any(entry["dtype"] != DTYPE for entry in tensors) or len(described.inputs) != 1 or len(described.outputs) != 1:
        return []
    into, out = described.inputs[0]["shape"], described.outputs[0]["shape"]
    if len(into) < 2 or into[:-1] != out[:-1]:
        return []
    state = described.state_bytes // 4
    return [name for name, fits in ABLE.items() if fits(into, out, state)]
