"""Typed routing tables: the same rows route the state machine and label the edges of its diagram."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from bankable.graph.state import AuditVerdict, RunState


@dataclass(frozen=True)
class Condition:
    """A condition on the run's state, in addition to the verdict."""

    text: str
    """Label in the diagram: words, commas and colons only, which Mermaid accepts."""
    holds: Callable[[RunState], bool]


@dataclass(frozen=True)
class Bound:
    """How often a loop may be entered."""

    counter: str
    """Field of the state that counts the attempts."""
    most: int

    @property
    def left(self) -> Condition:
        """Another attempt is allowed."""
        return Condition(f"at most {self.most} attempts", lambda state: self._attempts(state) < self.most)

    @property
    def used_up(self) -> Condition:
        """No further attempt is allowed."""
        return Condition(f"after {self.most} attempts", lambda state: self._attempts(state) >= self.most)

    def _attempts(self, state: RunState) -> int:
        return cast(Mapping[str, int], state)[self.counter]


def is_set(field: str, text: str) -> Condition:
    """A field of the state is true, or not empty."""
    return Condition(text, lambda state: bool(cast(Mapping[str, object], state).get(field)))


def is_unset(field: str, text: str) -> Condition:
    """A field of the state is false, empty or missing."""
    return Condition(text, lambda state: not cast(Mapping[str, object], state).get(field))


@dataclass(frozen=True)
class Row:
    """One line of a routing table: these verdicts, under all of these conditions, lead to this step."""

    to: str
    verdicts: tuple[AuditVerdict, ...] = ()
    """Empty after a step that is no audit."""
    conditions: tuple[Condition, ...] = ()

    def matches(self, state: RunState) -> bool:
        """True when the last verdict is one of the row's and every condition holds. No verdict counts as SKIPPED."""
        judged = state.get("judged")
        verdict = judged.verdict if judged is not None else "SKIPPED"
        return (not self.verdicts or verdict in self.verdicts) and all(
            condition.holds(state) for condition in self.conditions
        )

    def label(self, earlier: tuple[Row, ...]) -> str:
        """Label such as ``FAIL: at most 3 attempts``.

        ``otherwise`` marks verdicts that an ``earlier`` row takes under conditions.
        """
        conditions = ", ".join(condition.text for condition in self.conditions)
        taken = (
            [] if conditions else [entry for entry in self.verdicts if any(entry in row.verdicts for row in earlier)]
        )
        free = [verdict for verdict in self.verdicts if verdict not in taken]
        parts = [
            ", ".join(free) + (f": {conditions}" if conditions else ""),
            ", ".join(taken) + ": otherwise" if taken else "",
        ]
        return " / ".join(filter(None, parts)).removeprefix(": ") or "otherwise"


@dataclass(frozen=True)
class Branch:
    """All rows that lead out of one step. The first row that matches is taken."""

    source: str
    rows: tuple[Row, ...]

    @cached_property
    def nodes(self) -> dict[Hashable, str]:
        """Label of each target step.

        Rows to one step share one label, because two steps share one drawn edge. Raises ``ValueError`` when two steps
        would have the same label.
        """
        nodes: dict[Hashable, str] = {self._label(row.to): row.to for row in self.rows}
        if len(nodes) != len({row.to for row in self.rows}):
            raise ValueError(f"two ways out of {self.source} have the same label")
        return nodes

    def route(self, state: RunState) -> str:
        """Label of the edge that is taken. Raises ``ValueError`` when no row matches: a defect of the table."""
        return self._label(self._row(state).to)

    def target(self, state: RunState) -> str:
        """The next step. Raises ``ValueError`` when no row matches."""
        return self._row(state).to

    def _row(self, state: RunState) -> Row:
        for row in self.rows:
            if row.matches(state):
                return row
        raise ValueError(f"no way out of {self.source} for this state")

    def _label(self, to: str) -> str:
        return " / ".join(row.label(self.rows[:number]) for number, row in enumerate(self.rows) if row.to == to)
