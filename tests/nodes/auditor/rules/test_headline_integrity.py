"""A headline does not hide that throughput was gained at the cost of latency."""

from __future__ import annotations

from pathlib import Path

from bankable.nodes.auditor.verdict import Severity
from tests.nodes.auditor.builders import Json, add_summary, edit_each, hits, judge, legs

RULE = "headline_integrity"


def _slow(run: Path, name: str, factor: float) -> set[str]:
    def change(row: Json) -> None:
        row[name] = [[v * factor for v in value] if isinstance(value, list) else value * factor for value in row[name]]
        row.update(add_summary({key: value for key, value in row.items() if key != "bankable"}))

    for leg in legs(run, side="candidate"):
        edit_each(leg / "bench_runs.jsonl", change)
    found = hits(judge(run), RULE)
    assert {item.severity for item in found} <= {Severity.FLAG}
    assert {element.action.value for element in found} <= {"downgrade_headline"}
    return {entry.expected.split()[0] for entry in found}


def test_better_latencies_pass(run: Path) -> None:
    assert _slow(run, "ttfts", 1.0) == set()


def test_slightly_worse_latencies_pass(run: Path) -> None:
    assert _slow(run, "ttfts", 1.35) == set()


def test_a_doubled_first_token_time_is_flagged(run: Path) -> None:
    """D13: TTFT 4283 → 9446 ms."""
    assert _slow(run, "ttfts", 2.9) == {"median_ttft_ms", "p99_ttft_ms"}


def test_bursts_are_flagged(run: Path) -> None:
    assert _slow(run, "itls", 1.9) == {"median_tpot_ms", "median_itl_ms", "p99_itl_ms"}
