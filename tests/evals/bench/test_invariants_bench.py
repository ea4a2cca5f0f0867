"""The cost of the table of invariants is a ratio within each repeat, and of all subjects together."""

from __future__ import annotations

from pathlib import Path

from bankable.evals.bench.invariants import OTHERS, TableCost, cost_table, measure
from bankable.evals.fixtures.build.run import standard_run
from bankable.nodes.auditor.rules import RULES


def test_the_ratio_is_taken_within_a_repeat() -> None:
    cost = TableCost("run/patch", (1.3, 2.0), (1.0, 1.0))
    assert cost.ratios == [1.3, 2.0]
    assert cost_table([cost]).endswith("1.650 s with,  1.000 s without: 1.65 (goal at most 1.3: MISSED)")
    assert cost_table([TableCost("run/patch", (1.2,), (1.0,))]).endswith("1.20 (goal at most 1.3: met)")


def test_every_comparison_of_a_run_is_audited_both_ways(tmp_path: Path) -> None:
    costs = measure([standard_run(tmp_path / "run")], 1)
    assert [(cost.name, len(cost.with_table), len(cost.without)) for cost in costs] == [
        ("run/control", 1, 1),
        ("run/patch-stream_interval", 1, 1),
    ]
    assert {rule.id for rule in RULES} - {rule.id for rule in OTHERS} == {
        f"invariants_{family}"
        for family in ("rounds", "server", "machine", "launches", "answers", "claims", "operators")
    }
