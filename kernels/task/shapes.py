"""Parses shapes of a task from the command line: ``4x256:9000`` is a shape and how often the server calls it."""

from __future__ import annotations

from dataclasses import dataclass

from bankable.kernels.operators.family import Dims, Family, Phase, shape_key
from bankable.tools.errors import UserError

LARGEST = 1 << 31
"""Elements of one tensor."""
PREFILL_ROWS = 64
"""Rows from which a shape counts as prefill unless stated otherwise."""


@dataclass(frozen=True)
class Served:
    """A shape with its weight; a held-out one has none and is never shown to a search."""

    dims: Dims
    calls: int
    phase: Phase
    held_out: bool = False

    @property
    def key(self) -> str:
        return shape_key(self.dims)


def parse_shapes(family: Family, served: str, held_out: str) -> tuple[Served, ...]:
    """``4x256:9000,128x256:500`` and ``5x256``. Raises ``UserError`` on anything else, and on a shape named twice."""
    shapes = [_one(family, text, held_out=False) for text in served.split(",") if text.strip()]
    shapes += [_one(family, text, held_out=True) for text in held_out.split(",") if text.strip()]
    keys = [shape.key for shape in shapes]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise UserError(f"Cannot use shape {twice[0]}: it is named twice", "--shapes, --held-out", "name each once")
    if not any(shape.calls for shape in shapes):
        raise UserError(
            "Cannot make a task: no served shape",
            "--shapes",
            f"give sizes of {'x'.join(family.axes)} and calls, such as 4x256:9000",
        )
    return tuple(shapes)


def _one(family: Family, text: str, *, held_out: bool) -> Served:
    wanted = "x".join(family.axes)
    size, _, calls = text.strip().partition(":")
    parts = size.split("x")
    if len(parts) != len(family.axes) or not all(part.isdecimal() and 0 < int(part) < LARGEST for part in parts):
        raise UserError(
            f"Cannot use shape {text.strip()!r}: {family.name} needs other axes", "", f"give {wanted}, then :calls"
        )
    dims = tuple(int(part) for part in parts)
    if calls and not (calls.isdecimal() and 0 < int(calls) < LARGEST):
        raise UserError(
            f"Cannot use {calls!r} as the number of calls", text.strip(), "give a positive number after the colon"
        )
    if lacking := family.lacks(dims):
        raise UserError(f"Cannot benchmark shape {size}", family.name, f"give {lacking}")
    if max(spec.elements for spec in (*family.inputs(dims), *family.outputs(dims))) >= LARGEST:
        raise UserError(f"Cannot benchmark shape {size}", family.name, "give fewer than 2³¹ elements of each tensor")
    phase = family.phase or ("prefill" if dims[0] >= PREFILL_ROWS else "decode")
    return Served(dims, 0 if held_out else int(calls or 1), phase, held_out)
