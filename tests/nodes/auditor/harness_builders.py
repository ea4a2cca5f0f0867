"""The builders of bake-offs, under one roof for the tests of scope harness."""

from __future__ import annotations

from pathlib import Path

from bankable.evals.fixtures.build.bakeoff import Contest, bake_off
from bankable.evals.fixtures.build.bakeoff_edits import (
    HELD_OUT,
    LOSER,
    REFERENCE,
    WINNER,
    checker_says,
    claimed,
    edit_rows,
    every,
    row_is,
    rows_say,
    slow_down,
)
from bankable.nodes.auditor.verdict import Verdict
from tests.nodes.auditor.builders import RUN_ID, judge, write

__all__ = [
    "HELD_OUT",
    "LOSER",
    "REFERENCE",
    "WINNER",
    "checker_says",
    "claimed",
    "contested",
    "edit_rows",
    "every",
    "judge_operator",
    "row_is",
    "rows_say",
    "slow_down",
]


def contested(root: Path, contest: Contest | None = None) -> Path:
    """A run folder with one bake-off; returns the operator's folder."""
    write(root / "run.json", {"schema_version": 1, "run_id": RUN_ID, "config": {}})
    return bake_off(root, contest)


def judge_operator(folder: Path, attempt: int = 1) -> Verdict:
    """Judge an operator's folder in scope harness."""
    return judge(folder.parents[1], "harness", folder.name, attempt, enter=False)
