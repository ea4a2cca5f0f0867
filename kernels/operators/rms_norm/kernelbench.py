"""Which KernelBench problems this operator may answer, by the sizes of their tensors."""

from __future__ import annotations

from collections.abc import Sequence


def fits(into: Sequence[int], out: Sequence[int], state: int) -> bool:
    """Whether input, output, and the number of weights are an operator's; an answer that is wrong is no answer."""
    return state == into[-1] == out[-1]
