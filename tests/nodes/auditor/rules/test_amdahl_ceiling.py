"""An operator gives back no more than its share of the time, whatever the claim says that it became."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.files import edit, setting
from bankable.evals.fixtures.build.kernel import OPERATOR, PATCH, kernel_run
from bankable.nodes.auditor.verdict import Severity
from tests.nodes.auditor.builders import hits, judge

CLAIM = f"comparisons/{PATCH}/claim.json"


@pytest.mark.parametrize("quoted", [True, False], ids=["quoted", "from the rows alone"])
def test_a_gain_that_the_share_allows_passes(tmp_path: Path, quoted: bool) -> None:
    run = kernel_run(tmp_path / "run", quoted=quoted, gain=0.08)
    (found,) = hits(judge(run, "patch", PATCH), "amdahl_ceiling", Severity.INFO)
    assert found.expected.startswith("at most")


def test_a_larger_figure_in_the_claim_does_not_lift_the_ceiling(tmp_path: Path) -> None:
    run = kernel_run(tmp_path / "run", gain=0.55)
    edit(run / CLAIM, setting(isolated={OPERATOR: 1000.0}))
    found = hits(judge(run, "patch", PATCH), "amdahl_ceiling")
    assert [(entry.severity, entry.code) for entry in found] == [(Severity.FAIL, "above_ceiling")]


def test_a_smaller_figure_in_the_claim_counts(tmp_path: Path) -> None:
    run = kernel_run(tmp_path / "run", gain=0.20)
    edit(run / CLAIM, setting(isolated={OPERATOR: 1.01}))
    found = hits(judge(run, "patch", PATCH), "amdahl_ceiling")
    assert [(entry.severity, entry.code) for entry in found] == [(Severity.FAIL, "above_ceiling")]
