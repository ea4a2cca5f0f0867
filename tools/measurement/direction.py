"""A direction of the search: knobs that act on the same part of the server, and the largest possible gain there."""

from __future__ import annotations

from bankable.tools.evidence.records import Record


class Direction(Record):
    """A group of knobs that are searched together."""

    name: str
    """Name of the part of the server."""
    knobs: list[str]
    """Names of the knobs, as in the registry of levers."""
    share: float
    """Part of the wall time that this part of the server could give back at most (Amdahl), 0–1."""
    reason: str
    """Why this share, in one sentence."""
    weight: float | None = None
    """Importance in the search where a language model put directions into another order; its share otherwise."""

    @property
    def importance(self) -> float:
        """Of its knobs, in a search."""
        return self.share if self.weight is None else self.weight
