"""The index of rules: failure modes, needed evidence and severities of each; and the modes that no rule decides."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.nodes.auditor.modes import MODES, uncovered
from bankable.nodes.auditor.rule import Rule
from bankable.nodes.auditor.rules import RULES
from bankable.tools.evidence.records import Record


class RuleEntry(Record):
    """One rule."""

    id: str
    """Name of the rule in findings."""
    summary: str
    """What the rule proves, in one sentence."""
    scopes: tuple[str, ...]
    """Audit scopes in which it runs."""
    modes: tuple[str, ...]
    """Failure modes that it decides."""
    needs: tuple[str, ...]
    """Evidence without which it is unverifiable."""
    gives: tuple[str, ...]
    """Severities of its findings, strongest first."""
    missing: str
    """Severity of missing evidence."""
    gate: bool
    """Whether the verdict is FAIL when the rule raises."""


class OpenMode(Record):
    """A failure mode that no rule decides."""

    id: str
    """Id of the failure mode, such as ``D08``."""
    title: str
    """What goes wrong."""
    record: str
    """The record that would decide it."""


class RuleIndex(Record):
    """All rules, and the modes that none decides."""

    rules: tuple[RuleEntry, ...]
    """In the order in which they run."""
    open: tuple[OpenMode, ...]
    """Modes without a rule."""


def build_index(rules: Sequence[Rule] = RULES) -> RuleIndex:
    """Build the index of a set of rules, in the order in which they run."""
    return RuleIndex(
        rules=tuple(
            RuleEntry(
                id=rule.id,
                summary=rule.summary,
                scopes=tuple(sorted(rule.scopes)),
                modes=rule.modes,
                needs=rule.needs,
                gives=tuple(severity.value for severity in rule.gives),
                missing=rule.missing.value,
                gate=rule.gate,
            )
            for rule in rules
        ),
        open=tuple(OpenMode(id=mode.id, title=mode.title, record=mode.record) for mode in uncovered(rules)),
    )


def render_text(index: RuleIndex) -> str:
    """Render the index for a terminal."""
    lines: list[str] = []
    for rule in index.rules:
        gate = ", gate" if rule.gate else ""
        lines += [
            f"{rule.id}  [{', '.join(rule.scopes)}]  {', '.join(rule.modes)}",
            f"    {rule.summary}",
            f"    gives {', '.join(rule.gives)}{gate}; needs {', '.join(rule.needs) or 'nothing'}"
            + (f" ({rule.missing} when missing)" if rule.needs else ""),
        ]
    return "\n".join([*lines, "", *_summary(index)])


def render_markdown(index: RuleIndex) -> str:
    """Render the index as two Markdown tables."""
    lines = ["| rule | proves | scopes | modes | needs | gives |", "| --- | --- | --- | --- | --- | --- |"]
    for rule in index.rules:
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
        rules = [f"`{rule.id}`" for rule in index.rules if mode.id in rule.modes]
        lines.append(f"| {mode.id} | {mode.title} | {', '.join(rules) or 'nothing yet; needs ' + mode.record} |")
    return "\n".join(lines)


def _summary(index: RuleIndex) -> list[str]:
    decided = len(MODES) - len(index.open)
    lines = [f"{len(index.rules)} rules decide {decided} of {len(MODES)} known failure modes"]
    return [*lines, *(f"open: {mode.id} {mode.title}; would be decided by {mode.record}" for mode in index.open)]
