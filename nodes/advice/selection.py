"""Reorders a list of candidates, or drops some, by a model's answer: all that a model may do to the list.

An item that is not named keeps its place after those that are. Dropping needs a reason and is bounded: never the most
promising item, and never more than half of them, so that the policy can always continue.
"""

from __future__ import annotations

from collections.abc import Sequence

from bankable.nodes.advice.configuration import DroppedProposal, plain
from bankable.tools.evidence.records import Record

MOST_LEFT_OUT = 0.5
LONGEST_NAME = 60


class LeftOut(Record):
    """An item that a model drops, and its reason."""

    name: str
    """Name of the item on the list."""
    because: str
    """Reason for leaving it out, in the model's words."""


class Selection(Record):
    """A reordered list."""

    order: tuple[str, ...]
    """Names to be tried, in this order."""
    left_out: tuple[LeftOut, ...] = ()
    """Items that are not tried: at most half of the list, never its first one."""

    def describe(self, before: Sequence[str]) -> str:
        """Summary for people."""
        if self.order == tuple(before) and not self.left_out:
            return "nothing to change"
        out = ", ".join(f"{entry.name} left out ({entry.because})" for entry in self.left_out)
        return "; ".join(part for part in (", ".join(self.order), out) if part)


def select(
    items: Sequence[str], wanted: Sequence[str], unwanted: Sequence[tuple[str, str]]
) -> tuple[Selection, tuple[DroppedProposal, ...]]:
    """Apply a model's order to ``items`` (the most promising first).

    ``unwanted``: names with reasons. Invalid entries are ignored.
    """
    dropped: list[DroppedProposal] = []
    left_out: list[LeftOut] = []
    room = int(len(items) * MOST_LEFT_OUT)
    for name, because in unwanted:
        why = _against(name, because, items, room - len(left_out))
        if name in [item.name for item in left_out]:
            why = "named twice"
        if why:
            dropped.append(DroppedProposal(what=plain(name, LONGEST_NAME), why=why))
        else:
            left_out.append(LeftOut(name=name, because=plain(because)))
    gone = {entry.name for entry in left_out}
    first: list[str] = []
    for name in wanted:
        if name not in items:
            dropped.append(DroppedProposal(what=plain(name, LONGEST_NAME), why="not on the list"))
        elif name in gone or name in first:
            dropped.append(DroppedProposal(what=plain(name, LONGEST_NAME), why="named twice"))
        else:
            first.append(name)
    rest = [name for name in items if name not in gone and name not in first]
    return Selection(order=(*first, *rest), left_out=tuple(left_out)), tuple(dropped)


def _against(name: str, because: str, items: Sequence[str], room: int) -> str:
    if name not in items:
        return "not on the list"
    if name == items[0]:
        return "the most promising is tried"
    if not because.strip():
        return "left out without a reason"
    return "" if room > 0 else "half of the list is tried"
