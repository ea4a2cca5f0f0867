"""The gate for a change of the rules: no fraud signed off, few honest fixtures accused, no rule weaker than before.

All fixtures are judged in this process's workers, which is several times faster than a process for each and gives the
same bytes. The table per rule is compared with the committed ``expected.toml``, so that a rule that finds less is
noticed even where another rule still fails the fixture.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from bankable.evals.runner.record import Judgment
from bankable.evals.runner.run import FixtureTask, each
from bankable.evals.score.summary import Summary, SummaryRow
from bankable.tools.errors import UserError

EXPECTED = Path(__file__).resolve().parent / "expected.toml"
MOST_ALARMS = 0.02
"""Share of honest fixtures that may be accused."""
FIGURES = ("frauds", "caught", "honest", "accused")
HEAD = "# What each rule finds over the fixtures. Written by `python -m evals gate --write`; read its diff.\n"

Table = Mapping[str, Mapping[str, int]]


def judge_all(names: Sequence[str], jobs: int) -> list[Judgment]:
    """Every fixture once, without a process of its own."""
    return [
        judgment
        for judgments in each([FixtureTask(name, (0,), isolated=False) for name in names], jobs)
        for judgment in judgments
    ]


def complaints(summary: Summary, expected: Table) -> list[str]:
    """Reasons for a failed gate; empty when it passes."""
    reasons = [f"{name}: {why}" for name, why in summary.wrong]
    if summary.false_pass.hits:
        reasons.insert(0, f"frauds signed off: {summary.false_pass}")
    if (summary.false_alarm.share or 0.0) > MOST_ALARMS:
        reasons.insert(0, f"honest fixtures accused: {summary.false_alarm}; at most {MOST_ALARMS:.0%} may be")
    return reasons + differences(expected, as_table(summary.rules))


def as_table(rows: Sequence[SummaryRow]) -> dict[str, dict[str, int]]:
    """Content of ``expected.toml``."""
    return {row.name: {name: int(getattr(row, name)) for name in FIGURES} for row in rows}


def differences(expected: Table, table: Table) -> list[str]:
    """Every figure that differs from the committed one."""
    reasons: list[str] = []
    for rule in sorted({*expected, *table}):
        before, now = expected.get(rule), table.get(rule)
        if before is None or now is None:
            reasons.append(f"{rule}: {'not in the committed table' if before is None else 'no fixture any more'}")
            continue
        reasons += [
            f"{rule}: {figure} {before.get(figure)} → {now[figure]}"
            for figure in FIGURES
            if before.get(figure) != now[figure]
        ]
    return reasons


def read_expected(path: Path = EXPECTED) -> dict[str, dict[str, int]]:
    """The committed table. Raises ``UserError`` when it is missing or damaged."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return {str(rule): {str(name): int(value) for name, value in row.items()} for rule, row in table.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        raise UserError(
            "Cannot read the gate's table", str(path), "write it with `python -m evals gate --write`"
        ) from None


def write_expected(table: Table, path: Path = EXPECTED) -> None:
    """Replace the committed table."""
    rows = [
        f"\n[{rule}]\n" + "".join(f"{name} = {value}\n" for name, value in row.items()) for rule, row in table.items()
    ]
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
