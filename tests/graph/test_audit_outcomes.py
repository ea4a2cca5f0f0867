"""Exit codes of `audit` tell apart why a change is not signed off, and a sweep prints each load."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.evals.fixtures.build import tool_results as samples
from bankable.graph.cli import app


def _leg(folder: Path, rate: float, spread: float, loads: tuple[int, ...] = (4,)) -> Path:
    for load in loads:
        for index in range(5):
            record = samples.vllm(
                rate * load * (1.0 + spread * (index - 2)), index, details=False, max_concurrency=load
            )
            samples.dump(folder / f"load-{load}" / f"run{index}.json", record)
    return folder


@pytest.mark.parametrize(
    ("rate", "spread", "words", "code"),
    [
        (112.0, 0.001, (), 10),
        (100.5, 0.02, (), 24),
        (100.2, 0.001, (), 21),
        (95.0, 0.001, (), 22),
        (99.9, 0.001, ("--no-worse", "throughput=2%"), 10),
        (95.0, 0.001, ("--no-worse", "throughput=2%"), 23),
        (98.5, 0.02, ("--no-worse", "throughput=2%"), 24),
        (95.0, 0.001, ("--no-worse", "speed=2%"), 1),
    ],
)
def test_exit_codes_of_outcomes(tmp_path: Path, rate: float, spread: float, words: tuple[str, ...], code: int) -> None:
    legs = [str(_leg(tmp_path / name, level, spread)) for name, level in (("a", 100.0), ("b", rate))]
    result = CliRunner().invoke(app, ["audit", *legs, *words])
    assert result.exit_code == code, result.output


def test_a_sweep_prints_each_load_and_ends_with_the_worst(tmp_path: Path) -> None:
    legs = [str(_leg(tmp_path / name, level, 0.001, (4, 8))) for name, level in (("a", 100.0), ("b", 112.0))]
    result = CliRunner().invoke(app, ["audit", *legs])
    assert result.exit_code == 10
    assert result.output.count("on 5 and 5 launches, real") == 2
    assert "== max_concurrency=4" in result.output
    assert "== max_concurrency=8" in result.output
