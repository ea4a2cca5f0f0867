"""Each tool's files are recognised by content, read into the right figures, and never certified beyond themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.importers import formats
from bankable.nodes.auditor.importers.intake import Intake
from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.measured import values
from bankable.nodes.auditor.pair import audit_loads, audit_pair
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.verdict import Severity, Verdict, Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Side
from tests.nodes.auditor.builders import hits, server_log

INFO = {"model_path": "tiny", "version": "0.5.23", "schedule_policy": "fcfs", "random_seed": 7}


def read(tmp_path: Path, source: Path) -> tuple[ImportedLeg, ...]:
    intake = Intake(tmp_path / "sealed")
    launches = formats.take(intake, source, "reference")
    return formats.read(Reader(intake.root, intake.digests), {Side.REFERENCE: launches})[Side.REFERENCE]


def not_shown(verdict: Verdict) -> set[str]:
    return {finding.observed.removeprefix("not shown: ") for finding in verdict.findings if finding.code == "not_shown"}


def _sglang(path: Path, rate: float, seed: int) -> Path:
    return samples.dump(path / "out.jsonl", samples.sglang(rate, seed, INFO))


def _sglang_bare(path: Path, rate: float, seed: int) -> Path:
    return samples.dump(path / "out.jsonl", samples.sglang(rate, seed, INFO, details=False))


def _vllm(path: Path, rate: float, seed: int) -> Path:
    return samples.dump(path / "result.json", samples.vllm(rate, seed))


def _vllm_bare(path: Path, rate: float, seed: int) -> Path:
    return samples.dump(path / "result.json", samples.vllm(rate, seed, details=False), pretty=True)


def _aiperf(path: Path, rate: float, seed: int) -> Path:
    return samples.dump(path / "profile_export.jsonl", *samples.aiperf_records(rate, seed))


def _aiperf_summary(path: Path, rate: float, seed: int) -> Path:
    return samples.dump(path / "profile_export_aiperf.json", samples.aiperf_summary(rate, seed), pretty=True)


def _aiperf_csv(path: Path, rate: float, seed: int) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "table.csv").write_text(samples.aiperf_csv(rate))
    return path / "table.csv"


def _guidellm(path: Path, rate: float, seed: int) -> Path:
    return samples.dump(path / "benchmarks.json", samples.guidellm(rate, seed))


WRITERS: dict[str, tuple[Callable[[Path, float, int], Path], str, bool]] = {
    "sglang": (_sglang, "sglang serving benchmark", True),
    "sglang-bare": (_sglang_bare, "sglang serving benchmark", False),
    "vllm": (_vllm, "vLLM bench serve", True),
    "vllm-bare": (_vllm_bare, "vLLM bench serve", False),
    "aiperf": (_aiperf, "AIPerf records", True),
    "aiperf-summary": (_aiperf_summary, "AIPerf or GenAI-Perf summary", False),
    "aiperf-csv": (_aiperf_csv, "AIPerf or GenAI-Perf summary", False),
    "guidellm": (_guidellm, "GuideLLM report", True),
}
each = pytest.mark.parametrize("tool", sorted(WRITERS))


@each
def test_the_format_is_known_whatever_the_file_is_called(tmp_path: Path, tool: str) -> None:
    write, name, _ = WRITERS[tool]
    path = write(tmp_path / "in", 400.0, 1)
    legs = read(tmp_path, path.rename(path.with_name("anything.bin")))
    assert [(leg.format, len(leg.rows)) for leg in legs] == [(name, 1)]


@each
def test_figures_are_recomputed_where_requests_are_recorded(tmp_path: Path, tool: str) -> None:
    write, _, detailed = WRITERS[tool]
    only = read(tmp_path, write(tmp_path / "in", 400.0, 1))[0].rows[0]
    sample = samples.simulate(400.0, 1)
    assert only.figure("output_throughput") == pytest.approx(400.0, rel=1e-4)
    assert only.figure("median_ttft_ms") == pytest.approx(1000 * sorted(sample.ttfts)[6], rel=0.02)
    assert ("output_throughput" in only.raw) is detailed


@each
def test_a_clear_gain_is_flagged_and_what_is_missing_has_a_name(tmp_path: Path, tool: str) -> None:
    write, _, detailed = WRITERS[tool]
    verdict = audit_pair(write(tmp_path / "a", 400.0, 1), write(tmp_path / "b", 500.0, 2))
    assert verdict.verdict is Word.FLAG, [(finding.rule, finding.observed) for finding in verdict.findings]
    assert hits(verdict, "real_delta", Severity.FLAG)[0].observed.startswith("+2")
    missing = not_shown(verdict)
    assert {"server log", "greedy outputs of both legs"} <= missing
    assert any("per-request" in text for text in missing) is not detailed
    assert any("resolved server arguments" in text for text in missing) is (not tool.startswith("sglang"))
    notes = {note.text for note in verdict.notes if note.kind == "unverifiable"}
    assert {f"missing: {text}" for text in missing} <= notes


@each
def test_no_gain_is_a_fail_and_a_loss_too(tmp_path: Path, tool: str) -> None:
    write, _, _ = WRITERS[tool]
    for number, rate in enumerate((400.0, 404.0, 300.0)):
        verdict = audit_pair(write(tmp_path / f"a{number}", 400.0, 1), write(tmp_path / f"b{number}", rate, 2))
        assert verdict.verdict is Word.FAIL
        assert hits(verdict, "real_delta", Severity.FAIL)


@each
def test_the_same_files_give_the_same_bytes(tmp_path: Path, tool: str) -> None:
    write, _, _ = WRITERS[tool]
    first = audit_pair(write(tmp_path / "a", 400.0, 1), write(tmp_path / "b", 500.0, 2))
    again = audit_pair(write(tmp_path / "c", 400.0, 1), write(tmp_path / "d", 500.0, 2))
    assert first.to_bytes() == again.to_bytes()


@pytest.mark.parametrize("tool", ["vllm", "sglang", "vllm-bare"])
def test_a_figure_that_its_own_requests_contradict(tmp_path: Path, tool: str) -> None:
    write, _, _ = WRITERS[tool]
    path = write(tmp_path / "b", 500.0, 2)
    record = json.loads(path.read_text())
    record["output_throughput"] *= 1.004
    verdict = audit_pair(write(tmp_path / "a", 400.0, 1), samples.dump(path, record))
    assert [hit.code for hit in hits(verdict, "reported_vs_raw", Severity.FAIL)] == ["reported_differs"]


def test_a_guidellm_mean_that_its_requests_contradict(tmp_path: Path) -> None:
    report = samples.guidellm(500.0, 2)
    report["benchmarks"][0]["metrics"]["time_to_first_token_ms"]["successful"]["mean"] *= 0.9
    verdict = audit_pair(_guidellm(tmp_path / "a", 400.0, 1), samples.dump(tmp_path / "b.json", report))
    assert "mean_ttft_ms" in hits(verdict, "reported_vs_raw", Severity.FAIL)[0].observed


def test_an_aiperf_aggregate_beside_its_records_is_a_claim(tmp_path: Path) -> None:
    for name, rate, told in (("a", 400.0, 400.0), ("b", 500.0, 600.0)):
        _aiperf(tmp_path / name, rate, 1)
        _aiperf_summary(tmp_path / name, told, 1)
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    found = hits(verdict, "reported_vs_raw", Severity.FAIL)
    assert {entry.evidence[0].file for entry in found} == {"candidate/profile_export_aiperf.json"}


@pytest.mark.parametrize("change", ["json", "array", "concatenated", "marked"])
def test_every_way_to_put_runs_into_a_file(tmp_path: Path, change: str) -> None:
    records = [samples.vllm(400.0 + index, index) for index in range(3)]
    texts = {
        "json": "\n".join(json.dumps(one) for one in records),
        "array": json.dumps(records, indent=1),
        "concatenated": "".join(json.dumps(one, indent=2) for one in records),
        "marked": "\ufeff" + json.dumps(records[0]) + "\r\n" + "\r\n".join(json.dumps(one) for one in records[1:]),
    }
    (tmp_path / "runs").write_text(texts[change], encoding="utf-8", newline="")
    legs = read(tmp_path, tmp_path / "runs")
    assert [len(leg.rows) for leg in legs] == [3]
    assert values(legs[0], "output_throughput") == pytest.approx([400.0, 401.0, 402.0])


def test_files_of_a_folder_are_launches(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 430.0)):
        for index in range(4):
            samples.dump(tmp_path / side / f"run{index}.json", samples.vllm(rate + index, index))
    (tmp_path / "a" / "notes.json").write_text('{"hello": 1}')
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "4 and 4 launches" in verdict.headline
    assert "(launches)" in hits(verdict, "real_delta", Severity.INFO)[0].observed


def test_a_log_and_arguments_beside_a_result_close_gaps(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 500.0)):
        path = _vllm(tmp_path / side, rate, 1)
        (path.parent / "server.log").write_text(server_log(4, 0.1))
        (path.parent / "server_info.json").write_text(json.dumps({**INFO, "tp_size": 1}))
    missing = not_shown(audit_pair(tmp_path / "a", tmp_path / "b"))
    assert missing == {"greedy outputs of both legs"}


def test_another_workload_is_no_gain(tmp_path: Path) -> None:
    fewer = samples.vllm(500.0, 2, num_prompts=11, max_concurrency=8)
    verdict = audit_pair(_vllm(tmp_path / "a", 400.0, 1), samples.dump(tmp_path / "b.json", fewer))
    assert any(hit.code == "different_workload" for hit in hits(verdict, "same_workload", Severity.FAIL))


def test_failed_requests_are_found_in_a_bare_summary(tmp_path: Path) -> None:
    record = samples.vllm(500.0, 2, details=False, failed=3, completed=samples.PROMPTS - 3)
    verdict = audit_pair(_vllm_bare(tmp_path / "a", 400.0, 1), samples.dump(tmp_path / "b.json", record))
    assert [hit.code for hit in hits(verdict, "rows_complete") if hit.severity is Severity.FAIL] == ["failed_requests"]
    assert {entry.code for entry in hits(verdict, "same_workload")} == {"different_workload"}


def test_missing_arguments_weigh_more_where_the_tool_writes_them(tmp_path: Path) -> None:
    before = samples.dump(tmp_path / "a.jsonl", samples.sglang(400.0, 1, INFO))
    after = samples.dump(tmp_path / "b.jsonl", samples.sglang(500.0, 2, None))
    assert hits(audit_pair(before, after), "same_conditions", Severity.FAIL)


def test_arguments_that_change_between_rounds(tmp_path: Path) -> None:
    before = samples.dump(tmp_path / "a.jsonl", samples.sglang(400.0, 1, INFO), samples.sglang(401.0, 2, INFO))
    moved = {**INFO, "schedule_policy": "lpm"}
    after = samples.dump(tmp_path / "b.jsonl", samples.sglang(500.0, 1, INFO), samples.sglang(501.0, 2, moved))
    assert "moved_in_flight" in {hit.code for hit in hits(audit_pair(before, after), "same_conditions")}


def test_aiperf_counts_cancelled_and_warm_up_requests_apart(tmp_path: Path) -> None:
    records = samples.aiperf_records(500.0, 2)
    warm = {**records[0], "metadata": {**records[0]["metadata"], "benchmark_phase": "warmup"}}
    lost: dict[str, Any] = {"metadata": records[0]["metadata"], "metrics": {}, "error": {"code": 499}}
    path = samples.dump(tmp_path / "b.jsonl", warm, *records, lost)
    only = read(tmp_path, path)[0].rows[0]
    assert (only.completed, only.failed, only.issued) == (samples.PROMPTS, 1, samples.PROMPTS + 1)


def test_older_guidellm_reports(tmp_path: Path) -> None:
    """Before 0.4: ``args`` for the strategy, other names for the times of a request, no totals."""
    report = samples.guidellm(400.0, 1)
    entry = report["benchmarks"][0]
    entry["args"] = {"strategy": entry.pop("config")["strategy"]}
    del entry["metrics"]["request_totals"]
    for one in entry["requests"]["successful"]:
        one["start_time"], one["end_time"] = one.pop("request_start_time"), one.pop("request_end_time")
    only = read(tmp_path, samples.dump(tmp_path / "in.json", report))[0].rows[0]
    assert only.raw["output_throughput"] == pytest.approx(400.0)
    assert only.completed == samples.PROMPTS


def test_a_sample_of_guidellms_requests_recomputes_nothing(tmp_path: Path) -> None:
    report = samples.guidellm(400.0, 1)
    del report["benchmarks"][0]["requests"]["successful"][3:]
    leg = read(tmp_path, samples.dump(tmp_path / "in.json", report))[0]
    assert leg.rows[0].raw == {}
    assert "every request's record" in {record.what for record in leg.absent}


def _guidellm_sweep(path: Path, rates: dict[str, float]) -> Path:
    """One report with a benchmark for each strategy; a sweep's own rates differ between servers."""
    report = samples.guidellm(1.0)
    report["benchmarks"] = [
        benchmark
        for seed, (name, rate) in enumerate(rates.items())
        for benchmark in samples.guidellm(rate, seed, _strategy(name, rate))["benchmarks"]
    ]
    return samples.dump(path / "benchmarks.json", report)


def _strategy(name: str, rate: float) -> dict[str, Any]:
    return {"type_": name, "rate": rate / samples.OUTPUT} if name == "constant" else {"type_": name}


def test_each_load_of_a_guidellm_sweep_is_compared_with_its_own(tmp_path: Path) -> None:
    before = _guidellm_sweep(tmp_path / "a", {"synchronous": 100.0, "throughput": 400.0, "constant": 250.0})
    after = _guidellm_sweep(tmp_path / "b", {"synchronous": 90.0, "throughput": 500.0, "constant": 300.0})
    verdicts = dict(audit_loads(before, after))
    assert verdicts.keys() == {"type_=synchronous", "type_=throughput"}
    assert "output_throughput -10.0%" in verdicts["type_=synchronous"].headline
    assert "output_throughput +25.0%" in verdicts["type_=throughput"].headline
    remarks = [note.text for note in verdicts["type_=throughput"].notes if note.kind == "remark"]
    assert "ignored: 2 loads of one leg only (rate=15.625, type_=constant; rate=18.75, type_=constant)" in remarks


def test_of_a_sweep_and_one_load_only_the_common_load_is_compared(tmp_path: Path) -> None:
    before = _guidellm_sweep(tmp_path / "a", {"synchronous": 100.0, "throughput": 400.0})
    after = _guidellm_sweep(tmp_path / "b", {"throughput": 500.0})
    assert [name for name, _ in audit_loads(before, after)] == ["type_=throughput"]
    other = _guidellm_sweep(tmp_path / "c", {"constant": 300.0})
    with pytest.raises(UserError, match="no load is in both legs"):
        audit_loads(before, other)


def test_legs_of_two_tools_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two tools"):
        audit_pair(_vllm(tmp_path / "a", 400.0, 1), _guidellm(tmp_path / "b", 500.0, 1))


def test_records_against_a_bare_summary_are_not_one_measure(tmp_path: Path) -> None:
    verdict = audit_pair(_vllm(tmp_path / "a", 400.0, 1), _vllm_bare(tmp_path / "b", 500.0, 1))
    assert "mixed_records" in {hit.code for hit in hits(verdict, "rows_complete", Severity.FAIL)}


def test_a_baseline_alone_is_never_certified_by_one_launch(tmp_path: Path) -> None:
    verdict = audit_pair(_vllm(tmp_path / "a", 400.0, 1), scope="baseline")
    assert verdict.verdict is Word.FLAG
    assert "how launches of the same server differ" in not_shown(verdict)
