"""The index of rules: what each decides, from which evidence, with which words, and what none of them decides."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.nodes.auditor.modes import MODES, uncovered
from bankable.nodes.auditor.rule import Rule
from bankable.nodes.auditor.rules import RULES
from bankable.tools.evidence.records import Record


class RuleEntry(Record):
    """One rule."""

    id: str
    summary: str
    """What it proves."""
    scopes: tuple[str, ...]
    modes: tuple[str, ...]
    """Failure modes that it decides."""
    needs: tuple[str, ...]
    """Evidence without which it is unverifiable."""
    gives: tuple[str, ...]
    """What its findings can weigh, strongest first."""
    missing: str
    """Weight of needed evidence that is not there."""
    gate: bool
    """When it raises, nothing is signed off."""


class OpenMode(Record):
    """A mode that no rule decides."""

    id: str
    title: str
    record: str
    """The record that would decide it."""


class Index(Record):
    """All rules, and what is open."""

    rules: tuple[RuleEntry, ...]
    open: tuple[OpenMode, ...]


def index(rules: Sequence[Rule] = RULES) -> Index:
    """The index of a set of rules, in the order in which they are asked."""
    return Index(
        rules=tuple(
            RuleEntry(
                id=rule.id,
                summary=rule.summary,
                scopes=tuple(sorted(rule.scopes)),
                modes=rule.modes,
                needs=rule.needs,
                gives=tuple(it.value for it in rule.gives),
                missing=rule.missing.value,
                gate=rule.gate,
            )
            for rule in rules
        ),
        open=tuple(OpenMode(id=it.id, title=it.title, record=it.record) for it in uncovered(rules)),
    )


def text(found: Index) -> str:
    """For a terminal."""
    lines: list[str] = []
    for rule in found.rules:
        gate = ", gate" if rule.gate else ""
        lines += [
            f"{rule.id}  [{', '.join(rule.scopes)}]  {', '.join(rule.modes)}",
            f"    {rule.summary}",
            f"    gives {', '.join(rule.gives)}{gate}; needs {', '.join(rule.needs) or 'nothing'}"
            + (f", {rule.missing} without" if rule.needs else ""),
        ]
    return "\n".join([*lines, "", *_summary(found)])


def markdown(found: Index) -> str:
    """Two tables for a page."""
    lines = ["| rule | proves | scopes | modes | needs | gives |", "| --- | --- | --- | --- | --- | --- |"]
    for rule in found.rules:
        cells = (
            f"`{rule.id}`",
            rule.summary,
            ", ".join(rule.scopes),
            " ".join(rule.modes),
            ", ".join(rule.needs) or "–",
            ", ".join(rule.gives),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "| mode | title | decided by |", "| --- | --- | --- |"]
    for mode in MODES:
        rules = [f"`{rule.id}`" for rule in found.rules if mode.id in rule.modes]
        lines.append(f"| {mode.id} | {mode.title} | {', '.join(rules) or 'nothing yet; needs ' + mode.record} |")
    return "\n".join(lines)


def _summary(found: Index) -> list[str]:
    decided = len(MODES) - len(found.open)
    lines = [f"{len(found.rules)} rules decide {decided} of {len(MODES)} known modes"]
    return [*lines, *(f"open: {it.id} {it.title}; would be decided by {it.record}" for it in found.open)]
