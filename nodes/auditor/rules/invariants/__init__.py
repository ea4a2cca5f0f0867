"""Rules that evaluate the table of invariants, one for each family of records.

To add a relation: one entry in the ``INVARIANTS`` of its family.
"""

from __future__ import annotations

from bankable.nodes.auditor.invariants.relation import Invariant
from bankable.nodes.auditor.rule import Rule
from bankable.nodes.auditor.rules.invariants import answers, claims, launches, machine, operators, rounds, server

FAMILIES = (rounds, server, machine, launches, answers, claims, operators)
INVARIANT_RULES: tuple[Rule, ...] = tuple(family.rule for family in FAMILIES)
INVARIANTS: tuple[Invariant, ...] = tuple(entry for family in FAMILIES for entry in family.INVARIANTS)
"""The whole table."""
