"""Counts, units and definitions that tools have of their own; honest and fraudulent twins."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.render import render_text
from bankable.nodes.auditor.verdict import Severity, Verdict, Word
from bankable.tools.errors import UserError
from tests.nodes.auditor.builders import hits
from tests.nodes.auditor.importers.reports import Json, N, codes, pair, remarks
from tests.nodes.auditor.importers.test_formats import INFO, not_shown

# Counts, units and numbers.


@pytest.mark.parametrize(("completed", "fails"), [(N, False), (N - 4, True)])
def test_requests_sent_are_held_against_requests_finished(tmp_path: Path, completed: int, fails: bool) -> None:
    record = samples.vllm(400.0, 1, details=False, completed=completed)
    del record["failed"]
    for name, count in (("output_throughput", "total_output_tokens"), ("request_throughput", "completed")):
        record[name] = record[count] / record["duration"]
    verdict = audit_pair(samples.dump(tmp_path / "a.json", record), scope="baseline")
    found = hits(verdict, "rows_complete", Severity.FAIL)
    assert [f"{N} requests sent, {completed} finished"] * fails == [finding.observed for finding in found]
    assert not any("requests that failed" in text for text in not_shown(verdict))


def _genai_table(rate: str, ttft: str) -> str:
    return (
        "Metric,avg,min,max,p99,p50\r\n"
        f'Time To First Token (ms),"{ttft}",1.00,2.00,"9,950.00","{ttft}"\r\n\r\n'
        f'Metric,Value\r\nOutput Token Throughput (per sec),"{rate}"\r\nRequest Throughput (per sec),7.31\r\n'
        "Request Count (count),300.00\r\n"
    )


def test_grouped_digits_are_read_and_failures_are_not_made_up(tmp_path: Path) -> None:
    for name, rate, ttft in (("a", "935.70", "1,480.00"), ("b", "1,980.10", "4,480.00")):
        (tmp_path / f"{name}.csv").write_text(_genai_table(rate, ttft))
    verdict = audit_pair(tmp_path / "a.csv", tmp_path / "b.csv")
    metrics = {metric.name: metric for metric in verdict.metrics}
    assert metrics["output_throughput"].candidate == pytest.approx(1980.1)
    assert metrics["median_ttft_ms"].candidate == pytest.approx(4480.0)
    assert "latency_worse" in codes(verdict, Severity.FLAG)
    assert any(text.startswith("requests that failed") for text in not_shown(verdict))


def test_latencies_in_seconds_are_read_and_absent_ones_are_named(tmp_path: Path) -> None:
    bare = [samples.vllm(rate, 1, details=False) for rate in (400.0, 450.0)]
    for record in bare:
        for name in [key for key in record if key.endswith("_ms")]:
            del record[name]
    assert "latencies of both legs" in not_shown(pair(tmp_path / "none", *bare))
    for record, ttft in zip(bare, (0.2, 1.9), strict=True):
        record["median_ttft"] = ttft
    verdict = pair(tmp_path / "seconds", *bare)
    assert "200.00 → 1900.00 ms" in hits(verdict, "headline_integrity", Severity.FLAG)[0].observed


def test_a_figure_that_nobody_reads_may_be_no_number(tmp_path: Path) -> None:
    text = json.dumps({**samples.sglang(400.0, 1, INFO), "std_itl_ms": float("nan"), "note": "NaN: Infinity"})
    (tmp_path / "a.jsonl").write_text(text + "\n")
    verdict = audit_pair(tmp_path / "a.jsonl", scope="baseline")
    assert verdict.headline.startswith("baseline 400.00 tok/s")
    assert not hits(verdict, "evidence_readable")


def test_a_file_that_is_not_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(json.dumps(samples.vllm(400.0, 1), indent=1)[:-40])
    with pytest.raises(UserError, match="no benchmark result of a known format: not JSON"):
        audit_pair(tmp_path / "cut.json", scope="baseline")


def test_places_are_the_callers(tmp_path: Path) -> None:
    origins: dict[str, str] = {}
    path = samples.dump(tmp_path / "mine.json", samples.vllm(400.0, 1, details=False))
    text = render_text(audit_pair(path, scope="baseline", origins=origins), origins=origins)
    assert f"see:      {path}" in " ".join(text.split("\n")) or str(path)[:60] in text


# Definitions of other tools.


def _windowed(folder: Path, tokens: float, requests: float) -> Verdict:
    """AIPerf's records and its summary, whose rates divide by windows of these lengths in seconds."""
    samples.dump(folder / "profile_export.jsonl", *samples.aiperf_records(400.0, 1))
    summary = samples.aiperf_summary(400.0, 1)
    summary["output_token_throughput"]["avg"] = N * samples.OUTPUT / tokens
    summary["request_throughput"]["avg"] = N / requests
    samples.dump(folder / "profile_export_aiperf.json", summary)
    return audit_pair(folder, scope="baseline")


def test_another_window_is_a_definition_and_two_windows_are_not(tmp_path: Path) -> None:
    span = N * samples.OUTPUT / 400.0
    longer = _windowed(tmp_path / "longer", 1.4 * span, 1.4 * span)
    assert not hits(longer, "reported_vs_raw", Severity.FAIL)
    assert "another definition" in remarks(longer)
    for name, tokens, requests in (("two", 1.4, 1.1), ("shorter", 0.8, 0.8)):
        verdict = _windowed(tmp_path / name, tokens * span, requests * span)
        assert hits(verdict, "reported_vs_raw", Severity.FAIL)


def test_the_servers_usage_is_preferred_to_retokenised_text(tmp_path: Path) -> None:
    records = samples.aiperf_records(400.0, 1)
    for record in records:
        record["metrics"]["usage_completion_tokens"] = {"value": samples.OUTPUT, "unit": "tokens"}
        record["metrics"]["output_sequence_length"]["value"] = samples.OUTPUT - 2
    verdict = audit_pair(samples.dump(tmp_path / "a.jsonl", *records), scope="baseline")
    assert verdict.headline.startswith("baseline 400.00 tok/s")


@pytest.mark.parametrize(("own", "rate", "fails"), [(15, 1.0, False), (15, 1.005, True), (8, 1.0, True)])
def test_a_summary_may_count_the_text_by_its_own_tokenizer(tmp_path: Path, own: int, rate: float, fails: bool) -> None:
    """AIPerf's records have the server's usage too; its summary's rate is of its own count, over the same window."""
    records, summary = samples.aiperf_records(400.0, 1), samples.aiperf_summary(400.0, 1)
    for record in records:
        record["metrics"]["usage_completion_tokens"] = {"value": samples.OUTPUT, "unit": "tokens"}
    for record in records if own == 8 else records[:2]:
        record["metrics"]["output_sequence_length"]["value"] = own
    counted = sum(record["metrics"]["output_sequence_length"]["value"] for record in records)
    summary["output_token_throughput"]["avg"] *= rate * counted / (N * samples.OUTPUT)
    samples.dump(tmp_path / "profile_export.jsonl", *records)
    samples.dump(tmp_path / "profile_export_aiperf.json", summary, pretty=True)
    verdict = audit_pair(tmp_path, scope="baseline")
    assert bool(hits(verdict, "reported_vs_raw", Severity.FAIL)) is fails


def test_chunks_that_were_read_together_have_no_median_gap(tmp_path: Path) -> None:
    records = samples.aiperf_records(400.0, 1)
    for record in records:
        gaps = record["metrics"]["inter_chunk_latency"]["value"]
        record["metrics"]["inter_chunk_latency"]["value"] = [0.0] * (len(gaps) - 2) + gaps[:2]
    verdict = audit_pair(samples.dump(tmp_path / "a.jsonl", *records), scope="baseline")
    metric = next(each for each in verdict.metrics if each.name == "median_itl_ms")
    assert metric.reference is None
    assert "no median gap between tokens" in remarks(verdict)


def _loads(concurrency: int) -> Json:
    phases = [{"name": "warmup", "concurrency": 1}, {"name": "profiling", "concurrency": concurrency}]
    return {"phases": phases, "endpoint": {"model_names": ["tiny"]}}


@pytest.mark.parametrize("records", [True, False])
def test_another_load_of_aiperf_is_another_workload(tmp_path: Path, records: bool) -> None:
    for side, rate, load in (("a", 400.0, 4), ("b", 500.0, 8), ("c", 500.0, 4)):
        if records:
            samples.dump(tmp_path / side / "profile_export.jsonl", *samples.aiperf_records(rate, 1))
        summary = {**samples.aiperf_summary(rate, 1), "input_config": _loads(load)}
        samples.dump(tmp_path / side / "profile_export_aiperf.json", summary)
    assert hits(audit_pair(tmp_path / "a", tmp_path / "b"), "same_workload", Severity.FAIL)
    assert not hits(audit_pair(tmp_path / "a", tmp_path / "c"), "same_workload")


def test_another_load_or_model_of_guidellm_is_another_workload(tmp_path: Path) -> None:
    before = samples.guidellm(400.0, 1)
    more = samples.guidellm(500.0, 2, {"type_": "concurrent", "streams": 8})
    assert hits(pair(tmp_path / "streams", before, more), "same_workload", Severity.FAIL)
    other = samples.guidellm(500.0, 2)
    before["benchmarks"][0]["config"]["backend"] = {"model": "tiny"}
    other["benchmarks"][0]["config"]["backend"] = {"model": "large"}
    assert hits(pair(tmp_path / "model", before, other), "same_workload", Severity.FAIL)


def _varied(weighted: bool) -> Json:
    """A GuideLLM report of answers with different lengths; the mean gap is weighted by tokens, or wrong."""
    report = samples.guidellm(400.0, 1)
    entry = report["benchmarks"][0]
    requests = entry["requests"]["successful"]
    for index, request in enumerate(requests):
        request["output_tokens"] = 8 + 4 * index
        request["inter_token_latency_ms"] *= 1.0 + 0.1 * index
    gaps = [request["inter_token_latency_ms"] for request in requests]
    weights = [request["output_tokens"] - 1 for request in requests]
    mean = math.fsum(gap * weight for gap, weight in zip(gaps, weights, strict=True)) / sum(weights)
    figures = entry["metrics"]["inter_token_latency_ms"]["successful"]
    figures.update(mean=mean if weighted else 1.3 * max(gaps), median=sorted(gaps)[6])
    span = N * samples.OUTPUT / 400.0
    tokens = sum(request["output_tokens"] for request in requests)
    entry["metrics"]["output_tokens_per_second"]["successful"]["mean"] = tokens / span
    return report


@pytest.mark.parametrize("weighted", [True, False])
def test_a_mean_by_tokens_is_a_definition(tmp_path: Path, weighted: bool) -> None:
    verdict = audit_pair(samples.dump(tmp_path / "a.json", _varied(weighted)), scope="baseline")
    assert bool(hits(verdict, "reported_vs_raw", Severity.FAIL)) is not weighted


def test_warm_up_records_of_guidellm_are_not_a_sample(tmp_path: Path) -> None:
    report = samples.guidellm(400.0, 1)
    entry = report["benchmarks"][0]
    inside = entry["requests"]["successful"]
    start = inside[0]["request_start_time"]
    early = {**inside[0], "request_start_time": start - 9.0, "request_end_time": start - 8.0}
    late = {**inside[0], "request_start_time": start + 8.0, "request_end_time": start + 9.0}
    entry["requests"]["successful"] = [early, *inside, late]
    entry["scheduler_metrics"] = {"measure_start_time": start, "measure_end_time": start + 1.0}
    verdict = audit_pair(samples.dump(tmp_path / "a.json", report), scope="baseline")
    assert "2 records lie outside the measured window (warm-up, cool-down)" in remarks(verdict)
    assert not any("every request's record" in text for text in not_shown(verdict))
    assert verdict.headline.startswith("baseline 400.00 tok/s")


def test_a_sample_of_an_old_guidellm_report_recomputes_nothing(tmp_path: Path) -> None:
    report = samples.guidellm(400.0, 1)
    entry = report["benchmarks"][0]
    entry["request_totals"] = entry["metrics"].pop("request_totals")
    del entry["requests"]["successful"][5:]
    verdict = audit_pair(samples.dump(tmp_path / "a.json", report), scope="baseline")
    assert verdict.headline.startswith("baseline 400.00 tok/s")
    assert any("every request's record" in text for text in not_shown(verdict))
    assert verdict.verdict is Word.FLAG


@pytest.mark.parametrize(("pieces", "shown"), [(samples.OUTPUT, True), (samples.OUTPUT // 2, False)])
def test_guidellm_without_usage_credits_what_was_asked_for(tmp_path: Path, pieces: int, shown: bool) -> None:
    report = samples.guidellm(400.0, 1)
    for request in report["benchmarks"][0]["requests"]["successful"]:
        request["info"] = {"timings": {"token_iterations": pieces}}
    verdict = audit_pair(samples.dump(tmp_path / "a.json", report), scope="baseline")
    assert any("source of the token counts" in text for text in not_shown(verdict)) is not shown


def test_repeated_prompts_are_named(tmp_path: Path) -> None:
    for name, prompt in (("same", "one"), ("apart", "")):
        report = samples.guidellm(400.0, 1)
        for index, request in enumerate(report["benchmarks"][0]["requests"]["successful"]):
            request["request_args"] = prompt or f"prompt {index}"
        verdict = audit_pair(samples.dump(tmp_path / f"{name}.json", report), scope="baseline")
        assert ("repeated_prompts" in codes(verdict, Severity.FLAG)) is (name == "same")
