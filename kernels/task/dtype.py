"""Which dtype of a family is meant: most have two, one has a single one."""

from __future__ import annotations

from bankable.kernels.operators.family import Family
from bankable.tools.errors import UserError


def dtype_of(family: Family, asked: str) -> str:
    """``asked``, or the family's usual one where nothing is. Raises ``UserError`` for one that the family lacks."""
    if asked and asked not in family.allowed:
        raise UserError(f"no dtype {asked}", family.name, f"one of {', '.join(family.allowed)}")
    return asked or family.usual
