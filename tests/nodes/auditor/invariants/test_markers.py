"""Markers of a server against an operator's benchmark: what an honest replacement may show."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.kernel import PATCH, kernel_run, markers_say
from bankable.nodes.auditor.rules.invariants import operator_markers
from bankable.tools.profiling.replaced import Replaced
from tests.nodes.auditor.builders import hits, judge

RULE = "invariants_operators"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A patch that replaces RMSNorm, whose patch point gets calls of add + RMSNorm too."""
    return kernel_run(tmp_path / "run")


def codes(run: Path) -> set[str]:
    return {finding.code for finding in hits(judge(run, subject=PATCH), RULE)}


@pytest.mark.parametrize(("shapes", "loud"), [(["700x256", "1408x256"], set()), (["4x512"], {"marked_shapes"})])
def test_rows_may_be_others_than_in_the_benchmark_and_weights_may_not(
    run: Path, shapes: list[str], loud: set[str]
) -> None:
    markers_say(shapes=shapes)(run)
    assert codes(run) == loud


def test_calls_are_handed_on_where_a_patch_point_is_shared(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    markers_say(live_calls=50_000)(run)
    assert codes(run) == set()
    monkeypatch.setattr(operator_markers, "replaced_work", lambda: {"rms_norm": Replaced()})
    assert codes(run) == {"handed_to_live"}
