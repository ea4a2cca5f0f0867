"""The table of invariants as it is printed: every relation, its tolerance, and how far honest launches come to it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from bankable.nodes.auditor.invariants.relation import Invariant
from bankable.nodes.auditor.rules.invariants import FAMILIES
from bankable.tools.evidence.records import Record

HONEST = Path(__file__).with_name("honest.toml")
"""Largest deviation and number of pairs of each invariant over the recorded runs."""


class InvariantEntry(Record):
    """One relation between two records."""

    id: str
    """Code of its findings."""
    rule: str
    """The rule that evaluates it."""
    left: str
    """Record and quantity on the left."""
    relation: str
    """One of =, ≈, ≤, ≥, ≠."""
    right: str
    """Record and quantity on the right."""
    tolerance: float
    """Largest deviation that is accepted: relative for =, ≤ and ≥, in the unit of both for ≈."""
    reason: str
    """Why this tolerance."""
    mode: str
    """Failure mode that a violation shows."""
    severity: str
    """FAIL, FLAG, or INFO for a remark."""
    honest: float | None
    """Largest deviation over all recorded honest launches; ``None`` where none has both records."""
    pairs: int
    """Pairs of values that were compared in them."""


def read_honest(path: Path = HONEST) -> dict[str, tuple[float, int]]:
    """(largest deviation, pairs) by invariant; empty without the file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    return {name: (float(entry["largest"]), int(entry["pairs"])) for name, entry in table.items()}


def list_invariants() -> tuple[InvariantEntry, ...]:
    """The whole table, family by family."""
    honest = read_honest()
    return tuple(_entry(family.rule.id, entry, honest) for family in FAMILIES for entry in family.INVARIANTS)


def _entry(rule: str, invariant: Invariant, honest: dict[str, tuple[float, int]]) -> InvariantEntry:
    largest, pairs = honest.get(invariant.id, (None, 0))
    return InvariantEntry(
        id=invariant.id,
        rule=rule,
        left=invariant.left,
        relation=invariant.relation.value,
        right=invariant.right,
        tolerance=invariant.tolerance,
        reason=invariant.reason,
        mode=invariant.mode,
        severity=invariant.severity.value,
        honest=largest,
        pairs=pairs,
    )


def render_invariants_text(entries: Sequence[InvariantEntry]) -> str:
    """The table for a terminal."""
    lines: list[str] = []
    for entry in entries:
        lines += [
            f"{entry.id}  [{entry.rule}]  {entry.mode}  {entry.severity}",
            f"    {entry.left} {entry.relation} {entry.right}",
            f"    within {entry.tolerance:g}: {entry.reason}; {_honest(entry)}",
        ]
    return "\n".join([*lines, "", f"{len(entries)} relations between records"])


def render_invariants_markdown(entries: Sequence[InvariantEntry]) -> str:
    """The table for a page."""
    lines = [
        "| invariant | left | | right | within | honest | mode | gives | reason |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in entries:
        honest = "–" if entry.honest is None else f"{entry.honest:.3g}"
        cells = (
            f"`{entry.id}`",
            entry.left,
            entry.relation,
            entry.right,
            f"{entry.tolerance:g}",
            honest,
            entry.mode,
            entry.severity,
            entry.reason,
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _honest(entry: InvariantEntry) -> str:
    if entry.honest is None:
        return "no recorded launch has both records"
    return f"largest over {entry.pairs} honest pairs {entry.honest:.3g}"
