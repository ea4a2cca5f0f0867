"""Predicts the probability that a configuration serves, from the failures so far: a crash costs a whole start-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bankable.tools.search.space import Point, SearchSpace

Change = tuple[int, int]


class FailureModel:
    """Which points are ruled out by failures, and how likely the others are to serve."""

    def __init__(self, space: SearchSpace, worked: Iterable[Point], failed: Iterable[Point]) -> None:
        self._space = space
        self._failed = [space.changes(p) for p in failed]
        self._worked: dict[Change, int] = {}
        self._blamed: dict[Change, float] = {}
        for point in worked:
            for change in space.changes(point):
                self._worked[change] = self._worked.get(change, 0) + 1
        for changes in self._failed:
            suspects = [c for c in changes if c not in self._worked] or list(changes)
            for change in suspects:
                self._blamed[change] = self._blamed.get(change, 0.0) + 1.0 / len(suspects)

    def rules_out(self, point: Point) -> bool:
        """Whether the point contains everything that some failed point had changed."""
        changes = self._space.changes(point)
        return any(failed <= changes for failed in self._failed)

    def chance(self, point: Point) -> float:
        """Expected probability that the point serves: a change that was only ever seen failing counts most."""
        chance = 1.0
        for change in self._space.changes(point):
            worked, blamed = self._worked.get(change, 0), self._blamed.get(change, 0.0)
            chance *= (worked + 1.0) / (worked + blamed + 1.0)
        return chance


def drop_ruled_out(failures: FailureModel, points: Sequence[Point]) -> list[Point]:
    """The points that no failure rules out."""
    return [p for p in points if not failures.rules_out(p)]
