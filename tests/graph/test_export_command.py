"""``bankable export``: what was measured, in other projects' formats, as these projects and our own readers read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from bankable.graph.cli import app
from bankable.nodes.auditor.pair import audit_leg
from bankable.tools.evidence.records import Side
from bankable.tools.exchange.side import read_side


def export(run: Path, *words: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["export", str(run), *map(str, words)])
    assert result.exit_code == 0, result.output
    content = orjson.loads(result.stdout_bytes)
    assert isinstance(content, dict)
    return content


def test_an_aggregate_has_what_the_rounds_give_and_null_for_what_nobody_recorded(banked: Path) -> None:
    aggregate = export(banked, "--comparison", "patch-max_running_requests-12")
    claim = orjson.loads((banked / "comparisons/patch-max_running_requests-12/claim.json").read_bytes())
    assert aggregate["output_tput_per_gpu"] == pytest.approx(claim["candidate"]["output_throughput"], rel=0.05)
    assert aggregate["median_ttft"] == pytest.approx(claim["candidate"]["median_ttft_ms"] / 1000, rel=0.1)
    assert aggregate["median_intvty"] == pytest.approx(1 / aggregate["median_tpot"])
    assert (aggregate["conc"], aggregate["isl"], aggregate["osl"], aggregate["tp"]) == (12, 128, 32, 1)
    assert (aggregate["image"], aggregate["infmax_model_prefix"], aggregate["hw"]) == (None, None, "cpu")
    assert (aggregate["power_valid"], "avg_power_w" in aggregate) == (False, False)
    assert aggregate["bankable"]["admission"].startswith("no: the workload is none of the leaderboard's")
    reference = export(banked, "--comparison", "patch-max_running_requests-12", "--side", "reference")
    assert reference["output_tput_per_gpu"] < 0.6 * aggregate["output_tput_per_gpu"]


def test_our_own_readers_read_what_was_written(banked: Path, tmp_path: Path) -> None:
    measured = read_side(banked / "comparisons" / "patch-max_running_requests-12", Side.CANDIDATE)
    for form in ("inferencex", "llm-d"):
        file = tmp_path / f"{form}.json"
        result = CliRunner().invoke(app, ["export", str(banked), "--as", form, "--out", str(file)])
        assert result.exit_code == 0, result.output
        (audited,) = audit_leg([file])
        (row,) = audited.legs[0].rows
        assert row.figure("output_throughput") == pytest.approx(measured.output_rate)
        assert row.figure("median_ttft_ms") == pytest.approx(
            1000.0 * sorted(measured.latencies["ttft"])[len(measured.latencies["ttft"]) // 2], rel=0.02
        )


def test_a_report_is_valid_by_llm_ds_own_package(banked: Path) -> None:
    package = pytest.importorskip("llmd_benchmark_report", reason="llmd-benchmark-report is not installed")
    report = export(banked, "--as", "llm-d", "--hw", "none")
    package.load_benchmark_report(report)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--as", "csv"), "invalid value 'csv' for --as"),
        (("--side", "both"), "invalid value 'both' for --side"),
        (("--comparison", "none"), "Cannot export: no comparison none"),
    ],
)
def test_mistakes_are_one_line(banked: Path, words: tuple[str, ...], reason: str) -> None:
    result = CliRunner().invoke(app, ["export", str(banked), *words])
    assert reason in str(result.exception)
