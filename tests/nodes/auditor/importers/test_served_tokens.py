"""What a server did, as its files show it: chunks, texts, cached tokens, capacities; honest and fraudulent twins."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import hits
from tests.nodes.auditor.importers.reports import POOL, Json, N, chunked, codes, pair, remarks
from tests.nodes.auditor.importers.test_formats import INFO, not_shown

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
