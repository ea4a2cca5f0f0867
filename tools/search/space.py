"""The configurations a search may visit: a grid of knob values around the reference, with its dead corners cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from bankable.tools.evidence.records import Scalar
from bankable.tools.levers import Knob, Situation

Point = tuple[int, ...]
"""Index of the chosen value in every dimension; 0 is the reference's value."""


@dataclass(frozen=True)
class Dimension:
    """One knob in the grid."""

    name: str
    values: tuple[Scalar | None, ...]
    """``values[0]`` is what the reference has; ``None`` stands for an absent flag."""
    env: bool = False
    importance: float = 1.0
    """How much this knob is expected to matter, relative to the others; orders the screening."""
    condition: Mapping[str, tuple[Scalar | None, ...]] | None = None
    """Other knobs' values under which this one means anything."""

    def __post_init__(self) -> None:
        if len(self.values) < 2 or len(set(map(repr, self.values))) != len(self.values):
            raise ValueError(f"{self.name}: a dimension needs two or more distinct values, got {self.values}")

    @property
    def ordered(self) -> bool:
        """Numbers lie on a line: neighbouring values say something about each other."""
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values[1:])


@dataclass(frozen=True)
class SearchSpace:
    """A product of dimensions."""

    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Scalar] = field(default_factory=dict)
    """Flags of the reference that are not searched; conditions look at them too."""

    def __post_init__(self) -> None:
        names = [d.name for d in self.dimensions]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a search space needs one or more distinct knobs, got {names}")

    @property
    def reference(self) -> Point:
        return (0,) * len(self.dimensions)

    def size(self) -> int:
        """Grid points, dead corners counted too."""
        return prod(len(d.values) for d in self.dimensions)

    def normal(self, point: Point) -> Point:
        """The point with every knob whose condition does not hold put back to its reference value."""
        chosen = {**self.fixed, **{d.name: d.values[i] for d, i in zip(self.dimensions, point, strict=True)}}
        return tuple(
            i if all(chosen.get(n) in allowed for n, allowed in (d.condition or {}).items()) else 0
            for d, i in zip(self.dimensions, point, strict=True)
        )

    def points(self) -> Iterator[Point]:
        """Every distinct point but the reference, in grid order."""
        for point in product(*(range(len(d.values)) for d in self.dimensions)):
            if any(point) and self.normal(point) == point:
                yield point

    def changes(self, point: Point) -> frozenset[tuple[int, int]]:
        """The (dimension, value) pairs in which the point differs from the reference."""
        return frozenset((d, i) for d, i in enumerate(point) if i)

    def settings(self, point: Point) -> tuple[dict[str, Scalar], dict[str, str]]:
        """Flags and environment variables of a point; absent where it agrees with the reference."""
        flags: dict[str, Scalar] = {}
        env: dict[str, str] = {}
        for d, i in zip(self.dimensions, point, strict=True):
            value = d.values[i]
            if i and value is not None:
                if d.env:
                    env[d.name] = str(value)
                else:
                    flags[d.name] = value
        return flags, env

    def locate(self, flags: Mapping[str, Scalar], env: Mapping[str, str]) -> Point | None:
        """The point with these settings; ``None`` when they are not of this space."""
        rest = {**{(False, k): v for k, v in flags.items()}, **{(True, k): v for k, v in env.items()}}
        point = []
        for d in self.dimensions:
            value = rest.pop((d.env, d.name), None)
            shown = [None if v is None else str(v) if d.env else v for v in d.values]
            if value is None:
                point.append(0)
            elif value in shown:
                point.append(shown.index(value))
            else:
                return None
        return None if rest else tuple(point)


def space_from_knobs(
    knobs: Sequence[Knob], situation: Situation, reference: Mapping[str, Scalar], shares: Mapping[str, float]
) -> SearchSpace:
    """The grid of the knobs' candidates in this situation around a reference configuration.

    ``shares``: by knob, part of the time that what it acts on could give back, 0–1; a knob is as important as this
    times what it promises. Knobs that the reference already sets away from every candidate keep that value as 0.
    """
    dimensions = []
    for k in knobs:
        current = reference.get(k.name, k.default if k.env else None)
        others = tuple(v for v in k.candidates(situation) if v != current)
        if others:
            weight = k.promise * shares.get(k.name, 0.0)
            dimensions.append(Dimension(k.name, (current, *others), k.env, weight, k.condition))
    return SearchSpace(tuple(dimensions), dict(reference))
