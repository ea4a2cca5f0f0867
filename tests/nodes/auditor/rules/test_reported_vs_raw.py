"""Every reported number is recomputed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import Json, edit, edit_lines, hits, judge, legs

RULE = "reported_vs_raw"
CLAIM = "comparisons/patch-stream_interval/claim.json"


def _claim(run: Path, change: Callable[[Json], object]) -> list[str]:
    edit(run / CLAIM, change)
    return [hit.observed for hit in hits(judge(run), RULE, Severity.FAIL)]


def test_an_honest_claim_passes(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_an_honest_control_claim_passes(run: Path) -> None:
    assert not hits(judge(run, "baseline"), RULE)


def test_nulls_over_intact_raw_are_recomputed(run: Path) -> None:
    """D06: reported nulls are not a FAIL."""
    assert (
        _claim(run, lambda claim: claim.update(delta=None, interval=None) or claim["reference"].update(p99_itl_ms=None))
        == []
    )
    assert judge(run).verdict is Word.PASS


def test_the_right_factor_in_prose_passes(run: Path) -> None:
    assert _claim(run, lambda claim: claim.update(headline="1.30x output throughput, +30.0 %")) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda claim: claim.update(delta=0.669),
        lambda claim: claim.update(interval=[0.28, 0.9]),
        lambda claim: claim.update(blocks=10),
        lambda claim: claim["reference"].update(output_throughput=claim["reference"]["output_throughput"] * 0.9),
        lambda claim: claim["candidate"].update(median_ttft_ms=1.0),
        lambda claim: claim.update(headline="+66.9 % output throughput"),
        lambda claim: claim.update(headline="1.67x faster"),
        lambda claim: claim.update(run_id="another"),
    ],
)
def test_a_claim_that_raw_contradicts_fails(run: Path, change: Callable[[Json], object]) -> None:
    assert _claim(run, change)


def test_total_tokens_sold_as_output_tokens_fail(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit_lines(
            leg / "bench_runs.jsonl",
            lambda rows: [row.update(output_throughput=3 * row["output_throughput"]) for row in rows],
        )
    found = hits(judge(run), RULE, Severity.FAIL)
    assert found
    assert found[0].evidence[0].line == 1
    assert "D14" in found[0].modes


def test_a_missing_claim_is_never_a_pass(run: Path) -> None:
    (run / CLAIM).unlink()
    assert judge(run).verdict is Word.FAIL
