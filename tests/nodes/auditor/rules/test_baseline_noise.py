"""Noise of a shared machine is advice; noise that hides a 30 % gain is a FAIL."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import pytest

from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import (
    Json,
    RunRecipe,
    add_summary,
    edit_each,
    edit_lines,
    hits,
    judge,
    legs,
    run_folder,
)

RULE = "baseline_noise"


def _control(root: Path, **settings: object) -> Path:
    return run_folder(root / "run", RunRecipe(**settings))


def _scale(row: Json, factor: float) -> None:
    row["duration"] /= factor
    row["ttfts"] = [value / factor for value in row["ttfts"]]
    row["itls"] = [[value / factor for value in gaps] for gaps in row["itls"]]
    row["bankable"]["ended"] = row["bankable"]["started"] + row["duration"] + 0.1
    row.update(add_summary({key: value for key, value in row.items() if key != "bankable"}))


@pytest.mark.parametrize("seed", range(4))
def test_an_honest_noisy_box_is_flagged_at_worst(tmp_path: Path, seed: int) -> None:
    """Co-resident CPU blocks: 3 % between launches, 8 % between rounds."""
    run = _control(tmp_path, block_sd=0.03, round_sd=0.08, seed=seed)
    assert judge(run, "baseline").verdict is not Word.FAIL


def test_a_quiet_box_passes(tmp_path: Path) -> None:
    assert not hits(judge(_control(tmp_path, block_sd=0.003, round_sd=0.003), "baseline"), RULE)


def test_noise_that_hides_thirty_percent_fails(tmp_path: Path) -> None:
    run = _control(tmp_path, block_sd=0.6, blocks=6)
    assert "too_noisy" in {hit.code for hit in hits(judge(run, "baseline"), RULE, Severity.FAIL)}


@pytest.mark.parametrize("rounds", [2, 3])
def test_a_slow_first_round_asks_for_another_measurement(tmp_path: Path, rounds: int) -> None:
    """D07: [966.36, 1004.05, 1004.71]."""
    run = _control(tmp_path, block_sd=0.002, round_sd=0.001)
    for leg in legs(run, "control"):
        edit_lines(leg / "bench_runs.jsonl", lambda rows: _scale(rows[0], 0.962))
        edit_lines(leg / "bench_runs.jsonl", lambda rows: rows.__delitem__(slice(rounds, None)))
    found = hits(judge(run, "baseline"), RULE)
    assert [(entry.severity, entry.code, entry.action.value) for entry in found] == [
        (Severity.FLAG, "warm_up_outlier", "remeasure")
    ]


def test_a_wide_spread_within_a_launch_is_flagged(tmp_path: Path) -> None:
    """D04: 113.98 / 43.45 / 113.92."""
    run = _control(tmp_path, block_sd=0.002, round_sd=0.001)
    edit_lines(legs(run, "control")[0] / "bench_runs.jsonl", lambda rows: _scale(rows[1], 0.38))
    assert {"wide_spread"} == {hit.code for hit in hits(judge(run, "baseline"), RULE)}


def test_a_falling_level_is_flagged(tmp_path: Path) -> None:
    run = _control(tmp_path, block_sd=0.002, round_sd=0.001)
    for leg in legs(run, "control"):
        edit_each(leg / "bench_runs.jsonl", partial(_scale, factor=math.exp(-0.08 * int(leg.name[1:3]))))
    assert {"trend"} == {hit.code for hit in hits(judge(run, "baseline"), RULE)}


def test_one_block_says_nothing_about_noise(tmp_path: Path) -> None:
    verdict = judge(_control(tmp_path, blocks=1, looks=(1,)), "baseline")
    assert verdict.verdict is Word.FLAG
    assert RULE in {note.rule for note in verdict.notes if note.kind == "unverifiable"}
