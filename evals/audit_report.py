"""Recall and false alarms of the auditor over its fixtures, per rule and per scope: ``python -m evals.audit_report``.

Exit code 1 when a fraud passes, an honest fixture is failed, or a verdict differs from its key in any other way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

from evals.fixtures.cases import FIXTURES
from evals.fixtures.check import Judged, check
from evals.fixtures.keys import Key, read_keys
from evals.fixtures.model import Fixture
from nodes.auditor.modes import uncovered
from nodes.auditor.rules import RULES


def pairs(fixtures: Sequence[Fixture] = FIXTURES) -> list[tuple[Fixture, Key]]:
    """Every fixture with its key. Raises ``KeyError`` for a fixture without one."""
    keys = read_keys()
    return [(fixture, keys[fixture.id]) for fixture in fixtures]


def report(judged: Sequence[Judged]) -> str:
    """Tables by scope and by rule, then what went wrong."""
    wrong = [it for it in judged if it.wrong]
    frauds = [it for it in judged if it.key.kind == "fraud"]
    modes = {mode for it in frauds for mode in it.key.modes}
    lines = [
        f"{len(judged)} fixtures, {len(frauds)} of them frauds over {len(modes)} modes; "
        f"{sum(it.false_pass for it in judged)} frauds passed, "
        f"{sum(it.false_alarm for it in judged)} honest ones were accused",
        "",
        *_table("scope", judged, lambda it: it.fixture.scope),
        "",
        *_table("rule", judged, lambda it: it.key.rule),
    ]
    open_modes = [it.id for it in uncovered(RULES)]
    if open_modes:
        lines += ["", f"modes that no rule decides: {', '.join(open_modes)}"]
    lines += ["", *(f"WRONG  {it.fixture.id}: {it.wrong}" for it in wrong)] if wrong else []
    return "\n".join(lines)


def _table(name: str, judged: Iterable[Judged], group: Callable[[Judged], str]) -> list[str]:
    groups: dict[str, list[Judged]] = {}
    for it in judged:
        groups.setdefault(group(it), []).append(it)
    head = f"{name:<22}{'frauds':>8}{'caught':>8}{'recall':>8}{'honest':>8}{'accused':>8}"
    rows = []
    for key in sorted(groups):
        frauds = [it for it in groups[key] if it.key.kind == "fraud"]
        honest = [it for it in groups[key] if it.key.kind == "honest"]
        caught = sum(not it.false_pass and bool(it.found) for it in frauds)
        recall = f"{caught / len(frauds):.0%}" if frauds else "–"
        accused = sum(it.false_alarm for it in honest)
        rows.append(f"{key:<22}{len(frauds):>8}{caught:>8}{recall:>8}{len(honest):>8}{accused:>8}")
    return [head, *rows]


def main() -> int:
    """Print the report."""
    judged = [check(fixture, key) for fixture, key in pairs()]
    print(report(judged))
    return 1 if any(it.wrong for it in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
