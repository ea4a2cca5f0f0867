"""A capacity that moved passes only when the log shows that it never bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import Lever
from tests.nodes.auditor.builders import edit, edit_lines, hits, judge, legs, server_log

RULE = "same_conditions"


def _pool(run: Path, tokens: int, **flags: object) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "server_info.json", lambda info: info.update(max_total_num_tokens=tokens, **flags))
        edit_lines(
            leg / "bench_runs.jsonl",
            lambda rows: [row["server_info"].update(max_total_num_tokens=tokens, **flags) for row in rows],
        )


def test_equal_servers_pass(run: Path) -> None:
    assert judge(run).verdict is Word.PASS


def test_an_inert_larger_pool_passes(run: Path) -> None:
    """C02: the pool grew, and the log shows that it was never used."""
    _pool(run, 90_000)
    verdict = judge(run)
    assert not hits(verdict, RULE)
    assert {hit.code for hit in hits(verdict, RULE, Severity.INFO)} == {"inert_capacity"}


def test_ports_and_clocks_may_differ(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit(
            leg / "server_info.json",
            lambda info: info.update(port=1, nccl_port=2, random_seed=3, startup_time={"x": 1}),
        )
    assert not hits(judge(run), RULE)


def test_a_derived_field_of_the_lever_may_differ(make: Callable[..., Path]) -> None:
    run = make(lever=Lever(flags={"max_running_requests": 64}), info={"pp_max_micro_batch_size": 64})
    assert not hits(judge(run), RULE)


def test_a_larger_pool_that_was_used_fails(run: Path) -> None:
    """C01: mem_fraction_static 0.7225 against 0.85, and the pool was full."""
    _pool(run, 1_156, mem_fraction_static=0.85)
    for leg in legs(run):
        (leg / "server.log").write_text(server_log(running=64, usage=0.97))
    for leg in legs(run, side="reference"):
        edit(leg / "server_info.json", lambda info: info.update(max_total_num_tokens=947))
    found = hits(judge(run), RULE, Severity.FAIL)
    assert {"capacity_differs"} <= {entry.code for entry in found}
    assert any("C01" in item.modes for item in found)


def test_a_moved_pool_without_a_log_is_never_a_pass(run: Path) -> None:
    _pool(run, 90_000)
    for leg in legs(run):
        (leg / "server.log").unlink()
    verdict = judge(run)
    assert verdict.verdict is Word.FAIL
    assert any(note.kind == "unverifiable" and note.rule == RULE for note in verdict.notes)


def test_an_undeclared_argument_fails(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "server_info.json", lambda info: info.update(chunked_prefill_size=64))
    found = hits(judge(run), RULE, Severity.FAIL)
    assert found
    assert "chunked_prefill_size: 64" in found[0].observed


def test_a_configuration_that_moves_between_rounds_fails(run: Path) -> None:
    leg = legs(run, side="candidate")[2]
    edit_lines(leg / "bench_runs.jsonl", lambda rows: rows[1]["server_info"].update(page_size=16))
    found = [hit for hit in hits(judge(run), RULE) if hit.code == "moved_in_flight"]
    assert [(entry.evidence[0].file, entry.evidence[0].line) for entry in found] == [
        ("comparison/legs/b02-candidate/bench_runs.jsonl", 2)
    ]


def test_an_ignored_base_flag_is_flagged(run: Path) -> None:
    for leg in legs(run):
        edit(leg / "server_info.json", lambda info: info.update(attention_backend="intel_amx"))
        edit_lines(
            leg / "bench_runs.jsonl",
            lambda rows: [row["server_info"].update(attention_backend="intel_amx") for row in rows],
        )
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FLAG)] == ["ignored_flag"]
