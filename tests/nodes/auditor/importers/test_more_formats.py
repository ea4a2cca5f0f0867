"""Further tools' summaries: read under the right names and units, and never certified beyond themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.pair import audit_loads, audit_pair
from bankable.nodes.auditor.verdict import Severity, Verdict, Word
from bankable.tools.errors import UserError
from tests.nodes.auditor.builders import hits
from tests.nodes.auditor.importers.test_formats import not_shown, read

Json = dict[str, Any]
Writer = Callable[[Path, float, float, int], Path]


def _evalscope(folder: Path, rate: float, ttft_ms: float, failed: int = 0) -> Path:
    summary = {
        "Time taken for tests (s)": round((24 - failed) * 32 / rate, 4),
        "Number of concurrency": 4,
        "Total requests": 24,
        "Succeed requests": 24 - failed,
        "Failed requests": failed,
        "Output token throughput (tok/s)": rate,
        "Request throughput (req/s)": rate / 32,
        "Avg TTFT (ms)": 1.1 * ttft_ms,
        "Avg ITL (ms)": 78.0,
        "Model": "tiny",
    }
    percentiles = [
        {"Percentiles": f"{q}%", "TTFT (ms)": ttft_ms * factor, "ITL (ms)": 78.0, "TPOT (ms)": 10.0, "Latency (s)": 0.4}
        for q, factor in ((50, 1.0), (99, 2.0))
    ]
    place = folder / "20261130" / "tiny" / "parallel_4_number_24"
    samples.dump(place / "benchmark_summary.json", summary, pretty=True)
    samples.dump(place / "benchmark_percentile.json", percentiles, pretty=True)
    samples.dump(place / "benchmark_args.json", {"model": "tiny", "parallel": 4})
    return folder


def _spread(median: float, **more: float) -> Json:
    return {"mean": 1.1 * median, "min": 0.5 * median, "median": median, "p50": median, "p99": 2.0 * median, **more}


def _inference_perf(folder: Path, rate: float, ttft_ms: float, failed: int = 0) -> Path:
    report = {
        "load_summary": {"count": 24, "schedule_delay": _spread(0.001), "requested_rate": 4.0},
        "successes": {
            "count": 24 - failed,
            "latency": {
                "time_to_first_token": _spread(ttft_ms / 1000),
                "time_per_output_token": _spread(0.010),
                "inter_token_latency": _spread(0.010),
            },
            "throughput": {"output_tokens_per_sec": rate, "requests_per_sec": rate / 32},
        },
        "failures": {"count": failed},
    }
    samples.dump(folder / "stage_0_lifecycle_metrics.json", report)
    samples.dump(folder / "summary_lifecycle_metrics.json", report)
    return folder


def _inferencex(folder: Path, rate: float, ttft_ms: float, failed: int = 0) -> Path:
    record = {
        "hw": "h200",
        "conc": 4,
        "model": "tiny",
        "isl": 64,
        "osl": 16,
        "tp": 1,
        "output_tput_per_gpu": rate,
        "tput_per_gpu": 5 * rate,
        "median_ttft": ttft_ms / 1000,
        "p99_ttft": 2 * ttft_ms / 1000,
        "median_tpot": 0.010,
    }
    return samples.dump(folder / "agg_tiny.json", record, pretty=True)


def _llmd(folder: Path, rate: float, ttft_ms: float, failed: int = 0) -> Path:
    def distribution(median: float, units: str) -> Json:
        return {"units": units, "mean": 1.1 * median, "p50": median, "p99": 2 * median}

    aggregate = {
        "requests": {"total": 24, "failures": failed},
        "latency": {
            "time_to_first_token": distribution(ttft_ms / 1000, "s"),
            "time_per_output_token": distribution(10.0, "ms/token"),
        },
        "throughput": {
            "output_token_rate": {"units": "tokens/s", "mean": rate},
            "request_rate": {"units": "queries/s", "mean": rate / 32},
        },
    }
    report = {
        "version": "0.2",
        "scenario": {"load": {"concurrency": 4}},
        "results": {"request_performance": {"aggregate": aggregate}},
    }
    return samples.dump(folder / "report.json", report, pretty=True)


def _llmperf(folder: Path, rate: float, ttft_ms: float, failed: int = 0) -> Path:
    record = {
        "version": "2023-08-31",
        "model": "tiny",
        "num_concurrent_requests": 4,
        "results_ttft_s_quantiles_p50": ttft_ms / 1000,
        "results_ttft_s_quantiles_p99": 2 * ttft_ms / 1000,
        "results_inter_token_latency_s_quantiles_p50": 0.010,
        "results_num_completed_requests": 24 - failed,
        "results_number_errors": failed,
        "results_num_completed_requests_per_min": 60 * rate / 32,
        "results_mean_output_throughput_token_per_s": rate,
    }
    samples.dump(folder / "tiny_individual_responses.json", [{"ttft_s": 0.1, "number_output_tokens": 4}])
    samples.dump(folder / "tiny_summary.json", record, pretty=True)
    return folder


WRITERS: dict[str, tuple[Writer, str]] = {
    "evalscope": (_evalscope, "evalscope perf summary"),
    "inference-perf": (_inference_perf, "inference-perf report"),
    "inferencex": (_inferencex, "InferenceX aggregate"),
    "llm-d": (_llmd, "llm-d BenchmarkReport"),
    "llmperf": (_llmperf, "LLMPerf summary"),
}
each = pytest.mark.parametrize("tool", sorted(WRITERS))


@each
def test_figures_are_read_in_their_units(tmp_path: Path, tool: str) -> None:
    write, name = WRITERS[tool]
    legs = read(tmp_path, write(tmp_path / "in", 400.0, 50.0, 0))
    assert [(leg.format, len(leg.rows)) for leg in legs] == [(name, 1)]
    row = legs[0].rows[0]
    assert row.figure("output_throughput") == 400.0
    assert row.figure("median_ttft_ms") == pytest.approx(50.0)
    assert row.figure("p99_ttft_ms") == pytest.approx(100.0)
    assert row.figure("median_tpot_ms") == pytest.approx(10.0)
    assert row.figure("median_itl_ms") in (None, pytest.approx(10.0))


@each
def test_a_gain_and_a_loss_and_what_it_costs(tmp_path: Path, tool: str) -> None:
    write, _ = WRITERS[tool]
    verdict = audit_pair(write(tmp_path / "a", 400.0, 50.0, 0), write(tmp_path / "b", 500.0, 90.0, 0))
    assert verdict.verdict is Word.FLAG, [(finding.rule, finding.observed) for finding in verdict.findings]
    assert "on 1 and 1 launches, undecided" in verdict.headline
    assert any(text.startswith("per-request") for text in not_shown(verdict))
    assert {finding.code for finding in hits(verdict, "headline_integrity", Severity.FLAG)} == {"latency_worse"}
    assert audit_pair(write(tmp_path / "c", 400.0, 50.0, 0), write(tmp_path / "d", 380.0, 50.0, 0)).verdict is Word.FAIL


@pytest.mark.parametrize("tool", sorted(WRITERS.keys() - {"inferencex"}))
def test_failed_requests_are_seen(tmp_path: Path, tool: str) -> None:
    write, _ = WRITERS[tool]
    verdict = audit_pair(write(tmp_path / "a", 400.0, 50.0, 0), write(tmp_path / "b", 500.0, 50.0, 3))
    assert "failed_requests" in {finding.code for finding in hits(verdict, "rows_complete", Severity.FAIL)}


def test_another_machine_is_another_workload(tmp_path: Path) -> None:
    before, after = _inferencex(tmp_path / "a", 400.0, 50.0), _inferencex(tmp_path / "b", 500.0, 50.0)
    record = json.loads(after.read_text())
    after.write_text(json.dumps({**record, "hw": "b200"}))
    assert hits(audit_pair(before, after), "same_workload", Severity.FAIL)


def _sweep(folder: Path, rates: dict[int, float]) -> Path:
    for concurrency, rate in rates.items():
        for run in range(2):
            record = samples.vllm(rate + run, run, details=False, max_concurrency=concurrency)
            samples.dump(folder / f"SERVE--BENCH-max_concurrency={concurrency}" / f"run={run}.json", record)
    return folder


def test_each_load_of_a_sweep_is_compared_with_its_own(tmp_path: Path) -> None:
    before = _sweep(tmp_path / "a", {4: 400.0, 8: 700.0})
    after = _sweep(tmp_path / "b", {4: 480.0, 8: 600.0, 16: 900.0})
    verdicts: dict[str, Verdict] = dict(audit_loads(before, after))
    assert set(verdicts) == {"max_concurrency=4", "max_concurrency=8"}
    assert "+20" in verdicts["max_concurrency=4"].headline
    assert "on 2 and 2 launches, real" in verdicts["max_concurrency=4"].headline
    assert "slower" in verdicts["max_concurrency=8"].headline
    with pytest.raises(UserError, match="2 loads"):
        audit_pair(before, after)


def test_legs_of_one_load_each_are_no_sweep(tmp_path: Path) -> None:
    verdicts = audit_loads(_sweep(tmp_path / "a", {4: 400.0}), _sweep(tmp_path / "b", {8: 480.0}))
    assert [name for name, _ in verdicts] == [""]
    assert hits(verdicts[0][1], "same_workload", Severity.FAIL)


def _hyperloom(path: Path, rate: float, completed: int = 24) -> Path:
    row = {
        "file": "isl64_osl32_conc4",
        "total_tok_s": 3 * rate,
        "output_tok_s": rate,
        "mean_tpot_ms": 10.0,
        "mean_ttft_ms": 50.0,
        "p99_tpot_ms": 12.0,
        "p99_ttft_ms": 90.0,
        "num_prompts": 24,
        "completed": completed,
        "max_concurrency": 4,
        "duration_s": completed * 32 / rate,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([row], indent=2))
    return path


def test_a_table_of_hyperloom_is_read_and_its_lost_requests_are_seen(tmp_path: Path) -> None:
    before, after = _hyperloom(tmp_path / "a.json", 400.0), _hyperloom(tmp_path / "b.json", 500.0)
    (leg,) = read(tmp_path, before)
    (row,) = leg.rows
    assert (leg.format, row.figure("output_throughput"), row.figure("p99_ttft_ms")) == (
        "Hyperloom results",
        400.0,
        90.0,
    )
    assert row.figure("median_ttft_ms") is None, "a mean is no median"
    verdict = audit_pair(before, after)
    assert (verdict.verdict, "undecided" in verdict.headline) == (Word.FLAG, True)
    lost = audit_pair(before, _hyperloom(tmp_path / "c.json", 500.0, completed=20))
    assert "failed_requests" in {finding.code for finding in hits(lost, "rows_complete", Severity.FAIL)}
