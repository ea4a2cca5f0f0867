"""The interface of a mutation, and the group that it is counted in.

The group of a fraud follows from a digest of its name, so that nobody chooses which kinds are held out. Kinds whose
results were looked at while rules were written are told ones from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bankable.evals.redteam.scene import Scene
from bankable.tools.evidence.request import Scope

Group = Literal["told", "held_out", "honest"]
Kind = Literal["moves", "hides", "contradicts", "honest"]
"""``moves``: counted when it moves the claim in the candidate's favour. ``hides``: removes or covers the records of a
fact that the auditor finds without it. ``contradicts``: leaves a fact that spoils the comparison in one record only."""
Change = Callable[[Scene], object]

LOOKED_AT: frozenset[str] = frozenset()
"""Kinds that were held out until their results had been published and looked at."""
TOLD_SHARE = 0.45
"""Share of the digests that make a kind a told one."""
MEASURED: frozenset[Scope] = frozenset({"baseline", "patch", "bundle"})
GAINING: frozenset[Scope] = frozenset({"patch", "bundle"})
OPERATOR: frozenset[Scope] = frozenset({"harness"})


@dataclass(frozen=True)
class Mutation:
    """One kind of change."""

    name: str
    """Unique; decides the group of a fraud."""
    kind: Kind
    """What makes it a fraud, or that it is none."""
    apply: Change
    """Changes the scene in place. Raises ``InapplicableError`` where the run lacks the records."""
    spoil: Change | None = None
    """For ``hides``: plants the fact, in all records that show it, before ``apply`` hides it."""
    scopes: frozenset[Scope] = GAINING
    """Scopes whose evidence it can change."""

    @property
    def group(self) -> Group:
        """``honest``, or the half of the frauds that this kind belongs to."""
        if self.kind == "honest":
            return "honest"
        share = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4]) / 2**32
        return "told" if self.name in LOOKED_AT or share < TOLD_SHARE else "held_out"


def compose(first: Mutation, second: Mutation) -> Mutation:
    """Both, one after the other; both change the claim, and are of one group."""

    def apply(scene: Scene) -> None:
        first.apply(scene)
        second.apply(scene)

    return Composition(f"{first.name} + {second.name}", "moves", apply, None, first.scopes & second.scopes, first.group)


@dataclass(frozen=True)
class Composition(Mutation):
    """Two mutations in one run; in the group of its parts."""

    of: Group = "told"
    """Group of both parts."""

    @property
    def group(self) -> Group:
        return self.of
