"""Faults that were seen on other people's files, each kind with an honest and a fraudulent twin."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.render import render_text
from bankable.nodes.auditor.verdict import Severity, Verdict, Word
from bankable.tools.errors import UserError
from tests.nodes.auditor.builders import hits, server_log
from tests.nodes.auditor.importers import samples
from tests.nodes.auditor.importers.test_formats import INFO, not_shown

Json = dict[str, Any]
N = samples.PROMPTS
POOL = {**INFO, "tp_size": 1, "max_total_num_tokens": 400_000, "max_running_requests": 256}


def codes(verdict: Verdict, severity: Severity) -> set[str]:
    return {finding.code for finding in verdict.findings if finding.severity is severity}


def remarks(verdict: Verdict) -> str:
    return "\n".join(note.text for note in verdict.notes if note.kind == "remark")


def chunked(record: Json, size: int) -> Json:
    """The same round, streamed in pieces of several tokens: one gap a piece."""
    itls = [[math.fsum(gaps[at : at + size]) for at in range(0, len(gaps) - size + 1, size)] for gaps in record["itls"]]
    rest = [sum(gaps) - sum(fewer) for gaps, fewer in zip(record["itls"], itls, strict=True)]
    itls = [[*fewer[:-1], fewer[-1] + more] for fewer, more in zip(itls, rest, strict=True)]
    flat = sorted(gap for gaps in itls for gap in gaps)
    figures = {
        "median_itl_ms": 1000 * samples.percentile(flat, 50),
        "p99_itl_ms": 1000 * samples.percentile(flat, 99),
    }
    return {**record, "itls": itls, **figures}


def pair(folder: Path, before: Json, after: Json) -> Verdict:
    return audit_pair(samples.dump(folder / "ref.json", before), samples.dump(folder / "cand.json", after))


# Chunks and speculative decoding.


def test_drafts_that_the_record_states_explain_chunks(tmp_path: Path) -> None:
    for name, accepted, expected in (("stated", 3.0, set()), ("too-few", 1.2, {"rows"})):
        more = {"spec_decode_acceptance_length": accepted}
        legs = [chunked(samples.vllm(rate, seed, **more), 3) for rate, seed in ((400.0, 1), (500.0, 2))]
        assert codes(pair(tmp_path / name, *legs), Severity.FAIL) == expected


def test_chunks_that_nothing_explains_are_not_shown_and_never_real(tmp_path: Path) -> None:
    for side, rate in (("a", 400.0), ("b", 500.0)):
        for launch in range(3):
            record = chunked(samples.vllm(rate + launch, launch), 4)
            samples.dump(tmp_path / side / f"run{launch}.json", record)
    verdict = audit_pair(tmp_path / "a", tmp_path / "b")
    assert verdict.verdict is Word.FLAG
    assert any("source of the token counts" in text for text in not_shown(verdict))
    assert "token_source" in codes(verdict, Severity.FLAG)
    assert "token source not shown" in verdict.headline
    assert not verdict.counts_as_kernel_win


def test_an_interval_of_the_server_explains_chunks(tmp_path: Path) -> None:
    info = {**INFO, "stream_interval": 4, "speculative_algorithm": None}
    legs = [chunked(samples.sglang(rate, seed, info), 4) for rate, seed in ((400.0, 1), (500.0, 2))]
    assert codes(pair(tmp_path / "honest", *legs), Severity.FAIL) == set()
    liar = {**legs[1], "server_info": {**info, "stream_interval": 1}}
    assert "rows" in codes(
        pair(tmp_path / "liar", {**legs[0], "server_info": liar["server_info"]}, liar), Severity.FAIL
    )


def test_gaps_of_tokens_are_not_compared_with_gaps_of_chunks(tmp_path: Path) -> None:
    info = {**INFO, "stream_interval": 4, "speculative_algorithm": None}
    before = samples.sglang(400.0, 1, {**info, "stream_interval": 1})
    verdict = pair(tmp_path, before, chunked(samples.sglang(500.0, 2, info), 4))
    assert "ITL is not compared" in remarks(verdict)
    assert not hits(verdict, "headline_integrity", Severity.FLAG)


# Texts.


@pytest.mark.parametrize("text", [" " * 16, "\n\n", "!" * 40])
def test_answers_without_content_fail_in_a_pair_and_alone(tmp_path: Path, text: str) -> None:
    record = samples.sglang(400.0, 1, INFO)
    record["generated_texts"] = [text] * (N - 1) + ["words"]
    path = samples.dump(tmp_path / "blank.jsonl", record)
    for verdict in (
        audit_pair(path, scope="baseline"),
        audit_pair(path, samples.dump(tmp_path / "b.jsonl", samples.sglang(500.0, 2, INFO))),
    ):
        assert hits(verdict, "answers_of_rounds", Severity.FAIL)[0].modes == ("Q01",)


def test_odd_texts_of_random_prompts_are_no_fault(tmp_path: Path) -> None:
    record = samples.sglang(400.0, 1, INFO)
    record["generated_texts"] = [" ", "!!!!!!!!!!", "7", *(f"odd {index}" for index in range(N - 3))]
    verdict = audit_pair(samples.dump(tmp_path / "odd.jsonl", record), scope="baseline")
    assert not hits(verdict, "answers_of_rounds")


@pytest.mark.parametrize(("retokenized", "fails"), [(N * samples.OUTPUT - 9, False), (N * 4, True)])
def test_credited_tokens_have_to_be_in_the_text(tmp_path: Path, retokenized: int, fails: bool) -> None:
    """A load generator that credits the requested tokens after early ends."""
    record = samples.sglang(400.0, 1, INFO, details=False)
    record["total_output_tokens_retokenized"] = retokenized
    verdict = audit_pair(samples.dump(tmp_path / "a.jsonl", record), scope="baseline")
    assert ("tokens_not_in_text" in codes(verdict, Severity.FAIL)) is fails


# The prefix cache.


@pytest.mark.parametrize("details", [True, False])
def test_cached_tokens_of_both_legs_have_to_agree(tmp_path: Path, details: bool) -> None:
    def leg(rate: float, cached: int) -> Json:
        record = samples.sglang(rate, 1, INFO, details=details)
        report = {"total_prompt_tokens": N * samples.INPUT, "total_cached_tokens": N * cached}
        lists = {"cached_tokens": [cached] * N} if details else {}
        return {**record, "cache_report": report, **lists}

    verdict = pair(tmp_path / "warm", leg(200.0, 0), leg(500.0, 60))
    assert hits(verdict, "same_workload", Severity.FAIL)[0].modes == ("C17",)
    alike = pair(tmp_path / "alike", leg(200.0, 60), leg(500.0, 60))
    assert not hits(alike, "same_workload")
    assert not hits(alike, "prefix_cache")


def test_an_unknown_cache_is_named_and_a_fall_of_ttft_alone_too(tmp_path: Path) -> None:
    before, after = samples.vllm(100.0, 1), samples.vllm(120.0, 1)
    plain = pair(tmp_path / "plain", before, after)
    assert "whether prompts were found in the prefix cache" in not_shown(plain)
    assert codes(plain, Severity.FLAG) & {"cache_suspected"} == set()
    late = {**before, "ttfts": [10 * ttft for ttft in after["ttfts"]]}
    late["duration"] = before["duration"] + max(late["ttfts"])
    for name, count in (("output_throughput", N * samples.OUTPUT), ("request_throughput", N)):
        late[name] = count / late["duration"]
    for name, q in (("median_ttft_ms", 50), ("p99_ttft_ms", 99)):
        late[name] = 1000 * samples.percentile(late["ttfts"], q)
    assert "cache_suspected" in codes(pair(tmp_path / "late", late, after), Severity.FLAG)


def test_a_server_without_a_prefix_cache_needs_no_counts(tmp_path: Path) -> None:
    info = {**INFO, "disable_radix_cache": True}
    verdict = pair(tmp_path, samples.sglang(400.0, 1, info), samples.sglang(500.0, 2, info))
    assert not hits(verdict, "prefix_cache")


# Capacities and nested arguments.


@pytest.mark.parametrize(("pool", "fails"), [(399_960, False), (300_000, False), (700, True)])
def test_a_pool_that_lists_cannot_fill_is_no_confound(tmp_path: Path, pool: int, fails: bool) -> None:
    legs = [samples.sglang(400.0, 1, POOL), samples.sglang(500.0, 2, {**POOL, "max_total_num_tokens": pool})]
    verdict = pair(tmp_path, *legs)
    assert bool(hits(verdict, "same_conditions", Severity.FAIL)) is fails


def test_equal_waits_in_bare_files_are_no_contradiction(tmp_path: Path) -> None:
    """A shortened example may repeat the times of one leg in the other."""
    before = samples.sglang(400.0, 1, POOL)
    verdict = pair(tmp_path, before, {**samples.sglang(500.0, 2, POOL), "ttfts": before["ttfts"]})
    assert not any(finding.rule.startswith("invariants") for finding in verdict.findings)


def test_a_request_cap_above_the_load_never_bound(tmp_path: Path) -> None:
    for cap, fails in ((200, False), (3, True)):
        legs = [samples.sglang(400.0, 1, POOL), samples.sglang(500.0, 2, {**POOL, "max_running_requests": cap})]
        assert bool(hits(pair(tmp_path / str(cap), *legs), "same_conditions", Severity.FAIL)) is fails


def _disaggregated(backend: str, counter: float) -> Json:
    server = {**POOL, "attention_backend": backend, "internal_states": [{"last_gen_throughput": counter}]}
    return {"prefill": [{**POOL, "last_gen_throughput": counter}], "decode": [server], "internal_states": [{}]}


def test_servers_inside_a_server_are_compared_field_by_field(tmp_path: Path) -> None:
    before = samples.sglang(400.0, 1, _disaggregated("fa3", 311.5))
    same = pair(tmp_path / "same", before, samples.sglang(500.0, 2, _disaggregated("fa3", 402.25)))
    assert not hits(same, "same_conditions")
    assert not hits(same, "checks_executed")
    moved = pair(tmp_path / "moved", before, samples.sglang(500.0, 2, _disaggregated("triton", 402.25)))
    assert "decode.attention_backend=triton" in hits(moved, "exactly_one_lever")[0].observed


def test_a_server_without_arguments_to_give_is_not_accused(tmp_path: Path) -> None:
    verdict = pair(tmp_path, samples.sglang(400.0, 1, None), samples.sglang(500.0, 2, None))
    assert "resolved server arguments" in not_shown(verdict)
    assert verdict.verdict is Word.FLAG


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
