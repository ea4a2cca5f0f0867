"""Which files are launches of their own, and what few or unequal ones show; honest and fraudulent twins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import hits, server_log
from tests.nodes.auditor.importers.reports import Json, N, codes, pair, remarks
from tests.nodes.auditor.importers.test_formats import INFO, not_shown

# What counts as a launch.


def test_a_run_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 450.0)):
        runs = [samples.vllm(rate + index, index, details=False) for index in range(2)]
        for index, run in enumerate(runs):
            samples.dump(tmp_path / side / f"run={index}.json", run)
        (tmp_path / side / "summary.json").write_text(json.dumps([{**run, "run_number": 0} for run in runs]))
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "on 2 and 2 launches" in verdict.headline
    assert "summary: the same runs once more, counted once" in remarks(verdict)


def test_a_table_beside_its_json_is_the_same_run(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 450.0)):
        samples.dump(tmp_path / side / "profile_export_aiperf.json", samples.aiperf_summary(rate))
        (tmp_path / side / "profile_export_aiperf.csv").write_text(samples.aiperf_csv(rate))
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "on 1 and 1 launches" in verdict.headline
    assert "profile_export_aiperf.csv (the same run as profile_export_aiperf.json)" in remarks(verdict)
    assert not codes(verdict, Severity.FAIL)


def _started(side: str, folder: Path, rate: float, times: list[float]) -> None:
    for index, started in enumerate(times):
        record = samples.sglang(rate + index, index, {**INFO, "startup_time": started})
        samples.dump(folder / side / f"run{index}.jsonl", record)


def test_files_of_one_server_are_one_launch(tmp_path: Path) -> None:
    _started("a", tmp_path, 400.0, [31.172] * 5)
    _started("b", tmp_path, 450.0, [29.518] * 5)
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "on 1 and 1 launches, undecided" in verdict.headline
    assert "one_launch" in codes(verdict, Severity.FLAG)
    assert "equal start-up time" in remarks(verdict)


def test_files_of_five_servers_are_five_launches(tmp_path: Path) -> None:
    _started("a", tmp_path, 400.0, [31.172, 30.5, 29.75, 31.1, 30.2])
    _started("b", tmp_path, 450.0, [29.518, 31.3, 28.4, 30.9, 30.4])
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "on 5 and 5 launches, real" in verdict.headline


def test_the_callers_word_makes_files_one_launch(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 450.0)):
        for index in range(3):
            samples.dump(tmp_path / side / f"run{index}.json", samples.vllm(rate + index, index))
    assert "on 3 and 3 launches" in audit_pair(tmp_path / "a", tmp_path / "b").headline
    assert "on 1 and 1 launches" in audit_pair(tmp_path / "a", tmp_path / "b", one_server=True).headline


def _aiperf_at(path: Path, rate: float, seed: int, start_s: float) -> None:
    records = samples.aiperf_records(rate, seed)
    first = records[0]["metadata"]["request_start_ns"]
    for record in records:
        for name in ("request_start_ns", "request_end_ns"):
            record["metadata"][name] += int(start_s * 1e9) - first
    samples.dump(path, *records)


@pytest.mark.parametrize(("apart", "launches"), [(1.0, 1), (300.0, 3)])
def test_times_that_touch_are_one_server(tmp_path: Path, apart: float, launches: int) -> None:
    for side, rate in (("a", 400.0), ("b", 450.0)):
        for index in range(3):
            place = tmp_path / side / f"launch-{index}" / "profile_export.jsonl"
            _aiperf_at(place, rate + index, index, 1.7e9 + index * apart)
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert f"on {launches} and {launches} launches" in verdict.headline


def test_aiperfs_profile_runs_are_rounds_of_one_server(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 450.0)):
        for index in range(3):
            place = tmp_path / side / "profile_runs" / f"run_000{index + 1}" / "profile_export.jsonl"
            _aiperf_at(place, rate + index, index, 1.7e9 + 300 * index)
        samples.dump(tmp_path / side / "aggregate" / "profile_export_aiperf.json", samples.aiperf_summary(rate))
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "on 1 and 1 launches" in verdict.headline
    assert "aggregate (figures over several runs)" in remarks(verdict)


def test_one_process_on_both_legs_proves_nothing(tmp_path: Path) -> None:
    _started("a", tmp_path, 400.0, [31.172, 30.5, 29.75])
    _started("b", tmp_path, 450.0, [31.172, 31.3, 28.4])
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "one_process" in codes(verdict, Severity.FAIL)
    assert "A/A comparison" in remarks(verdict)


def test_records_of_a_folder_above_hold_for_every_launch(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 450.0)):
        for index in range(2):
            samples.dump(tmp_path / side / f"launch-{index}" / "result.json", samples.vllm(rate + index, index))
        (tmp_path / side / "server.log").write_text(server_log(4, 0.1))
        (tmp_path / side / "server_info.json").write_text(json.dumps({**INFO, "tp_size": 1}))
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "on 2 and 2 launches" in verdict.headline
    assert not_shown(verdict) == {"greedy outputs of both legs"}


# Spread, warm-up, unequal legs.


def test_launches_that_differ_by_a_factor_are_named_and_nothing_is_real(tmp_path: Path) -> None:
    for side, rates in (("a", (96.0, 201.0)), ("b", (194.0, 192.0))):
        for index, rate in enumerate(rates):
            samples.dump(tmp_path / side / f"run={index}.json", samples.vllm(rate, index, details=False))
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert (verdict.verdict, "undecided" in verdict.headline) == (Word.FAIL, True)
    assert "a factor of 2.09" in hits(verdict, "faulted_rounds")[0].observed
    metric = next(each for each in verdict.metrics if each.name == "output_throughput")
    assert metric.interval is not None
    assert metric.delta is not None
    assert metric.interval.lower < metric.delta < metric.interval.upper
    alone = audit_pair(tmp_path / "a", scope="baseline")
    assert "launches_apart" in codes(alone, Severity.FLAG)


def test_rounds_of_one_launch_that_disagree_prove_nothing(tmp_path: Path) -> None:
    for side, rates in (("a", (96.0, 201.0)), ("b", (194.0, 192.0))):
        samples.dump(tmp_path / f"{side}.json", *(samples.vllm(rate, 1, details=False) for rate in rates))
    verdict = audit_pair(tmp_path / "a.json", tmp_path / "b.json")
    assert (verdict.verdict, "undecided" in verdict.headline) == (Word.FAIL, True)


def _cold(record: Json, wait: float) -> Json:
    """The same round, whose first batch waited."""
    cold = {**record, "ttfts": [ttft + wait * (index < 4) for index, ttft in enumerate(record["ttfts"])]}
    cold["duration"] = record["duration"] + wait
    for name, count in (("output_throughput", N * samples.OUTPUT), ("request_throughput", N)):
        cold[name] = count / cold["duration"]
    for name, q in (("median_ttft_ms", 50), ("p99_ttft_ms", 99)):
        cold[name] = 1000 * samples.percentile(cold["ttfts"], q)
    return cold


def test_a_cold_first_batch_is_no_gain(tmp_path: Path) -> None:
    warm = samples.vllm(400.0, 2)
    verdict = pair(tmp_path / "cold", _cold(samples.vllm(400.0, 1), 0.5), warm)
    assert "cold_start" in codes(verdict, Severity.FAIL)
    assert "add a warm-up" in hits(verdict, "cold_start")[0].advice
    better = pair(tmp_path / "better", _cold(samples.vllm(300.0, 1), 0.5), warm)
    assert "cold_start" in codes(better, Severity.FLAG)
    assert "cold_start" not in codes(better, Severity.FAIL)
    assert not hits(pair(tmp_path / "warm", samples.vllm(300.0, 1), warm), "cold_start")


def test_legs_that_were_measured_unequally_are_said_to_be(tmp_path: Path) -> None:
    for side, rate, launches in (("a", 400.0, 2), ("b", 450.0, 4)):
        for index in range(launches):
            samples.dump(tmp_path / side / f"run{index}.json", samples.vllm(rate + index, index))
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert "unequal_legs" in codes(verdict, Severity.FLAG)
