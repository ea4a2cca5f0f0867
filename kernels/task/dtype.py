"""Selects the dtype of a family: most have two, one has a single one."""

from __future__ import annotations

from bankable.kernels.operators.family import Family
from bankable.tools.errors import UserError


def dtype_of(family: Family, requested: str) -> str:
    """``requested``, or the family's usual one where nothing is. Raises ``UserError`` for one that the family lacks."""
    if requested and requested not in family.allowed:
        raise UserError(f"Cannot use dtype {requested}", family.name, f"use one of {', '.join(family.allowed)}")
    return requested or family.usual
