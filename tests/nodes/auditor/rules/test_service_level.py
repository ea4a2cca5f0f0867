"""Goodput is recomputed from every request that was sent, under the limits of the plan; frauds are fixtures, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.edits import reclaim, rows
from bankable.evals.fixtures.build.files import edit, legs, read
from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import GOODPUT, Limit
from tests.nodes.auditor.builders import hits, judge, standard_run

RULE = "service_level"
CLAIM = "comparisons/patch-stream_interval/claim.json"
LIMITS = (Limit(metric="ttft", ms=12.0), Limit(metric="e2e", ms=80.0))
ASKED = {"metric": GOODPUT, "limits": LIMITS}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A patch that brings twice as many requests within two limits."""
    return standard_run(tmp_path / "run", control=dict(ASKED), **ASKED)


def codes(run: Path) -> set[str]:
    return {hit.code for hit in hits(judge(run), RULE)}


def test_honest_figures_pass_and_are_shown(run: Path) -> None:
    verdict = judge(run)
    assert verdict.verdict is Word.PASS
    (shown,) = hits(verdict, RULE, Severity.INFO)
    assert shown.code == "attainment"
    assert "TTFT 12 ms" in shown.observed
    metrics = {metric.name: metric for metric in verdict.metrics}
    assert metrics["goodput"].unit == "req/s"
    claim = read(run / CLAIM)
    assert metrics["goodput"].candidate == pytest.approx(claim["service"]["candidate"]["goodput"])
    assert metrics["attainment"].candidate == pytest.approx(claim["service"]["candidate"]["attainment"])


def test_a_run_without_limits_is_not_asked(run: Path, tmp_path: Path) -> None:
    verdict = judge(standard_run(tmp_path / "plain"))
    assert not hits(verdict, RULE)
    assert any(note.rule == RULE and note.kind == "not_applicable" for note in verdict.notes)


@pytest.mark.parametrize("field", ["goodput", "attainment"])
def test_each_figure_of_the_claim_is_held_against_raw(run: Path, field: str) -> None:
    edit(run / CLAIM, lambda claim: claim["service"]["candidate"].update({field: 0.5}))
    assert codes(run) == {"reported_differs"}


def test_the_share_within_one_limit_is_held_against_raw(run: Path) -> None:
    edit(run / CLAIM, lambda claim: claim["service"]["reference"]["by_limit"].update(ttft=0.99))
    assert codes(run) == {"reported_differs"}


def test_the_difference_and_its_bounds_are_held_against_raw(run: Path) -> None:
    edit(run / CLAIM, lambda claim: claim["service"].update(difference_interval=[39.0, 41.0]))
    assert codes(run) == {"reported_differs"}


def test_failed_requests_are_no_way_to_keep_a_limit(run: Path) -> None:
    def fail_slow(row: dict[str, object]) -> None:
        ttfts = row["ttfts"]
        assert isinstance(ttfts, list)
        worst = max(range(len(ttfts)), key=lambda index: ttfts[index])
        for name, value in (("errors", "aborted"), ("output_lens", 0), ("itls", [])):
            values = row[name]
            assert isinstance(values, list)
            row[name] = [*values[:worst], value, *values[worst + 1 :]]
        row.update(completed=7, total_output_tokens=56)

    for leg in legs(run, side="candidate"):
        rows(leg, fail_slow)
    reclaim(run)
    verdict = judge(run)
    metrics = {metric.name: metric for metric in verdict.metrics}
    assert metrics["attainment"].candidate == pytest.approx(7 / 8)
    assert hits(verdict, "rows_complete", Severity.FAIL)


def test_a_claim_without_service_figures_is_recomputed(run: Path) -> None:
    edit(run / CLAIM, lambda claim: claim.pop("service"))
    verdict = judge(run)
    assert not hits(verdict, RULE)
    assert any("recomputed from raw" in note.text for note in verdict.notes if note.rule == RULE)


def test_a_headline_states_the_rates_that_raw_gives(run: Path) -> None:
    text = "goodput 1.00 → 99.00 req/s (within TTFT 12 ms, e2e 80 ms)"
    edit(run / CLAIM, lambda claim: claim.update(headline=text))
    assert codes(run) == {"reported_differs"}
