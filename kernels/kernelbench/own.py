"""Our own kernels as answers: for problems that compute what an operator family computes.

An answer of ours is a source like any other. It loads a compiled kernel that lies beside it, and is judged the same
way. A family is tried where the sizes of a problem's tensors allow it; an answer that turns out to compute something
else does not fit, and is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bankable.kernels.build.compiler import CompileError, Compiler
from bankable.kernels.build.render import render
from bankable.kernels.kernelbench.evaluate import DescribedProblem
from bankable.kernels.kernelbench.problems import SubmittedAnswer
from bankable.kernels.operators import FAMILIES

ANSWERS = Path(__file__).with_name("answers")
DTYPE = "float32"
MOST_ROWS = 64
"""Rows that the kernel for a linear of few rows takes."""
KERNEL = "kernel.so"
"""Name under which an answer finds its kernel."""


def own_answers(described: DescribedProblem, compiler: Compiler) -> Iterator[SubmittedAnswer]:
    """Answers that may fit, by the sizes of the problem's tensors."""
    for name in fitting_families(described):
        compiled = compiler.compile(render(FAMILIES[name], DTYPE))
        if not isinstance(compiled, CompileError):
            text = (ANSWERS / f"{name}.py.j2").read_text(encoding="utf-8")
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
    fits = {
        "silu_and_mul": state == 0 and into[-1] == 2 * out[-1],
        "rms_norm": state == into[-1] == out[-1],
        "linear": len(into) == 2 and state == into[-1] * out[-1] and into[0] <= MOST_ROWS,
    }
    return [name for name, fit in fits.items() if fit]
