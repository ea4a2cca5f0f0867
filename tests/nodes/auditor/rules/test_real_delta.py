"""A gain is real at a declared block count, at a declared level, or not banked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Action, Severity
from tests.nodes.auditor.builders import edit, hits, judge, legs, read_lines, write_lines

RULE = "real_delta"


def _codes(run: Path, severity: Severity = Severity.FAIL) -> set[str]:
    return {hit.code for hit in hits(judge(run), RULE, severity)}


def test_a_clear_gain_over_six_blocks_is_real(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_a_declared_early_look_is_real(make: Callable[..., Path]) -> None:
    assert not hits(judge(make(blocks=5, looks=(5, 7, 10), alpha=0.024)), RULE)


def test_a_null_change_is_not_real(make: Callable[..., Path]) -> None:
    assert _codes(make(gain=-0.05)) == {"not_real"}


def test_a_small_gain_in_noise_is_undecided(make: Callable[..., Path]) -> None:
    run = make(gain=0.02, block_sd=0.04, seed=5)
    assert _codes(run) == {"undecided"}
    verdict = judge(run)
    assert "blocks" in hits(verdict, RULE)[0].advice
    assert verdict.action is Action.REMEASURE, "undecided is not rejected"


def test_stopping_between_looks_fails(make: Callable[..., Path]) -> None:
    """D10: the sixth of 5, 7, 10."""
    assert "not_a_look" in _codes(make(blocks=6, looks=(5, 7, 10), alpha=0.024))


def test_a_level_that_ignores_the_looks_fails(make: Callable[..., Path]) -> None:
    assert "level" in _codes(make(blocks=5, looks=(5, 7, 10), alpha=0.05))


def test_going_on_after_a_no_fails(run: Path) -> None:
    """D09: the first five blocks said no, and the measurement went on until they said yes."""
    plan = run / "comparisons/patch-stream_interval/plan.json"
    edit(plan, lambda entry: entry.update(looks=[2, 6], alpha=0.02))
    for leg in legs(run, side="candidate")[:2]:
        other = leg.with_name(leg.name.replace("candidate", "reference"))
        rows = read_lines(leg / "bench_runs.jsonl")
        for row, line in zip(rows, read_lines(other / "bench_runs.jsonl"), strict=True):
            row["duration"] = 1.2 * line["duration"]
        write_lines(leg / "bench_runs.jsonl", rows)
    assert "went_on" in _codes(run)


def test_four_blocks_never_prove_a_win(make: Callable[..., Path]) -> None:
    assert "undecided" in _codes(make(blocks=4, looks=(4,)))


def test_a_latency_is_no_headline_metric(run: Path) -> None:
    edit(run / "comparisons/patch-stream_interval/plan.json", lambda plan: plan.update(metric="median_ttft_ms"))
    assert hits(judge(run), RULE, Severity.FAIL)


def test_the_simple_rule_is_reported_beside_the_verdict(run: Path) -> None:
    """It would call this clear gain a win, too."""
    said = [hit.observed for hit in hits(judge(run), RULE, Severity.INFO) if hit.code == "simple_rule"]
    assert len(said) == 1
    assert said[0].endswith("no candidate round below a reference round: a win")
