"""Shapes at which an operator is measured, compiled and attacked where no captured task names any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OperatorShapes:
    """Each is written as on the command line: sizes in the order of the family's axes, ``4x256``, with commas between
    shapes, and ``:calls`` behind those that have a weight."""

    served: str
    """As the shipped model has them at concurrency 4, with their calls."""
    held_out: str
    """One that no search sees."""
    large: str
    """Decode and, where there is such a thing, prefill of models of eight to seventy billion parameters: for a GPU."""
    compiled: str
    """One, as a model of eight billion parameters has it: for compilation without a GPU."""
    attacked: tuple[str, str]
    """The served shape and the held-out one of the hostile bench; small, and the second no multiple of a vector."""
