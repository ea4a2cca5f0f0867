"""Requests that evalscope and inference-perf record beside their summaries: the summaries are held against them."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.options import AuditOptions
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import GOODPUT
from bankable.tools.slo import parse_limits
from tests.nodes.auditor.builders import hits
from tests.nodes.auditor.importers.test_formats import not_shown, read

INPUT, OUTPUT = 64, 32


@dataclass(frozen=True)
class Request:
    """One request. Times in seconds of one clock."""

    start: float
    ttft: float
    decode: float
    failed: bool = False

    @property
    def end(self) -> float:
        return self.start + self.ttft + self.decode


def simulate(rate: float, failed: int = 0, seed: int = 0) -> list[Request]:
    """Twenty-four requests at about ``rate`` tokens per second, four at a time."""
    rng, free, requests = random.Random(seed), [1000.0] * 4, []
    for index in range(24):
        slot = free.index(min(free))
        seconds = 4 * OUTPUT / rate * rng.uniform(0.95, 1.05)
        requests.append(Request(free[slot], 0.1 * seconds, 0.9 * seconds, failed=index >= 24 - failed))
        free[slot] = requests[-1].end
    return requests


@dataclass(frozen=True)
class Run:
    """What a tool makes of the requests."""

    requests: list[Request]

    @property
    def done(self) -> list[Request]:
        return [request for request in self.requests if not request.failed]

    @property
    def duration(self) -> float:
        return max(request.end for request in self.requests) - min(request.start for request in self.requests)

    @property
    def tokens(self) -> int:
        return OUTPUT * len(self.done)

    @property
    def tpots(self) -> list[float]:
        return [request.decode / (OUTPUT - 1) for request in self.done]


def evalscope(folder: Path, run: Run, **stated: Any) -> Path:
    summary = {
        "Test Duration (s)": round(run.duration, 4),
        "Concurrency": 4,
        "Total Requests": len(run.requests),
        "Success Requests": len(run.done),
        "Failed Requests": len(run.requests) - len(run.done),
        "Req Throughput (req/s)": round(len(run.done) / run.duration, 4),
        "Output Throughput (tok/s)": round(run.tokens / run.duration, 4),
        "Avg Input Tokens": float(INPUT),
        "Avg Output Tokens": float(OUTPUT),
    }
    ttfts, tpots = sorted(request.ttft for request in run.done), sorted(run.tpots)
    nearest = {50: len(ttfts) // 2, 99: len(ttfts) - 1}
    percentiles = [
        {"Percentiles": f"{q}%", "TTFT (ms)": round(1e3 * ttfts[rank], 4), "TPOT (ms)": round(1e3 * tpots[rank], 4)}
        for q, rank in nearest.items()
    ]
    samples.dump(folder / "benchmark_summary.json", {**summary, **stated}, pretty=True)
    samples.dump(folder / "benchmark_percentile.json", percentiles, pretty=True)
    with closing(sqlite3.connect(folder / "benchmark_data.db")) as database:
        database.execute(
            "CREATE TABLE result(request TEXT, start_time REAL, inter_token_latencies TEXT, success INTEGER,"
            " response_messages TEXT, completed_time REAL, latency REAL, first_chunk_latency REAL,"
            " prompt_tokens INTEGER, completion_tokens INTEGER)"
        )
        for request in run.requests:
            gaps = json.dumps([] if request.failed else [request.decode / (OUTPUT - 1)] * (OUTPUT - 1))
            known = (None,) * 4 if request.failed else (request.ttft + request.decode, request.ttft, INPUT, OUTPUT)
            row = ("{}", request.start, gaps, not request.failed, "gASVBQAAAAAAAABdlC4=", request.end, *known)
            database.execute("INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.commit()
    return folder


def inference_perf(folder: Path, run: Run, **stated: Any) -> Path:
    def spread(values: list[float]) -> dict[str, float]:
        return {"mean": fmean(values), "median": median(values), "p99": max(values)}

    own = run.tokens - 4  # its own count of the text
    report = {
        "benchmark_time_seconds": run.duration,
        "load_summary": {"count": len(run.requests), "concurrency": 4},
        "successes": {
            "count": len(run.done),
            "latency": {
                "time_to_first_token": spread([request.ttft for request in run.done]),
                "time_per_output_token": spread(run.tpots),
            },
            "throughput": {
                "output_tokens_per_sec": own / run.duration,
                "requests_per_sec": len(run.done) / run.duration,
                **stated,
            },
            "prompt_tokens": {"mean": float(INPUT)},
            "output_len": {"mean": own / len(run.done)},
            "output_tokens": {"mean": float(OUTPUT)},
        },
        "failures": {"count": len(run.requests) - len(run.done)},
    }
    records = [
        {
            "start_time": request.start,
            "end_time": request.end,
            "request": "{}",
            "response": None if request.failed else "data: {}",
            "info": {
                "input_tokens": INPUT,
                "response_metrics": None
                if request.failed
                else {
                    "output_tokens": OUTPUT,
                    "server_usage": {"prompt_tokens": INPUT, "completion_tokens": OUTPUT},
                    "output_token_times": [
                        request.start + request.ttft + request.decode * index / (OUTPUT - 1) for index in range(OUTPUT)
                    ],
                },
            },
            "error": {"error_type": "HTTP Error 500", "error_msg": "refused"} if request.failed else None,
        }
        for request in run.requests
    ]
    samples.dump(folder / "stage_0_lifecycle_metrics.json", report)
    samples.dump(folder / "summary_lifecycle_metrics.json", report)
    (folder / "per_request_lifecycle_metrics.json").write_text(json.dumps(records))
    return folder


Writer = Callable[..., Path]
WRITERS: dict[str, tuple[Writer, str]] = {
    "evalscope": (evalscope, "Output Throughput (tok/s)"),
    "inference-perf": (inference_perf, "output_tokens_per_sec"),
}
each = pytest.mark.parametrize("tool", sorted(WRITERS))


@each
@pytest.mark.parametrize("failed", [0, 3])
def test_the_figures_are_those_of_the_requests(tmp_path: Path, tool: str, failed: int) -> None:
    run = Run(simulate(400.0, failed))
    (leg,) = read(tmp_path, WRITERS[tool][0](tmp_path / "in", run))
    (row,) = leg.rows
    assert row.raw["output_throughput"] == pytest.approx(run.tokens / run.duration)
    assert row.raw["median_ttft_ms"] == pytest.approx(1e3 * median(request.ttft for request in run.done))
    assert row.raw["median_tpot_ms"] == pytest.approx(1e3 * median(run.tpots))
    assert (row.completed, row.failed, row.output_tokens) == (24 - failed, failed, run.tokens)
    assert row.pieces == run.tokens
    verdict = audit_pair(tmp_path / "in", scope="baseline")
    assert not any(text.startswith("per-request") for text in not_shown(verdict))
    assert hits(verdict, "reported_vs_raw", Severity.FAIL) == []


@each
def test_a_summary_that_its_requests_contradict_is_found(tmp_path: Path, tool: str) -> None:
    write, rate = WRITERS[tool]
    run = Run(simulate(400.0))
    verdict = audit_pair(write(tmp_path / "in", run, **{rate: 1.25 * run.tokens / run.duration}), scope="baseline")
    assert hits(verdict, "reported_vs_raw", Severity.FAIL)


@each
def test_requests_of_another_run_are_not_taken(tmp_path: Path, tool: str) -> None:
    write, _ = WRITERS[tool]
    folder, other = write(tmp_path / "in", Run(simulate(400.0))), write(tmp_path / "other", Run(simulate(900.0, 2)))
    for name in ("benchmark_data.db", "per_request_lifecycle_metrics.json"):
        if (other / name).exists():
            (other / name).rename(folder / name)
    assert "per-request records of the requests that it counts" in " ".join(
        not_shown(audit_pair(folder, scope="baseline"))
    )


@each
def test_goodput_is_counted_from_the_requests(tmp_path: Path, tool: str) -> None:
    write, _ = WRITERS[tool]
    before, after = (write(tmp_path / name, Run(simulate(rate))) for name, rate in (("a", 400.0), ("b", 800.0)))
    limits = parse_limits("ttft=20")
    options = AuditOptions(metric=GOODPUT, limits=limits)
    metric = next(entry for entry in audit_pair(before, after, options=options).metrics if entry.name == GOODPUT)
    assert metric.reference == 0.0
    assert metric.candidate is not None
    assert metric.candidate > 0.0


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE result RENAME TO hidden; CREATE VIEW result AS SELECT * FROM hidden",
        "ALTER TABLE result ADD COLUMN more AS (start_time * 2)",
        "ALTER TABLE result RENAME COLUMN latency TO took",
        "UPDATE result SET latency = 'x'",
        "UPDATE result SET first_chunk_latency = latency + 1",
        "DROP TABLE result",
        "DROP TABLE result; CREATE VIEW result AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
        " SELECT n AS start_time FROM r",
    ],
)
def test_a_database_of_another_form_is_left_alone(tmp_path: Path, statement: str) -> None:
    folder = evalscope(tmp_path / "in", Run(simulate(400.0)))
    with closing(sqlite3.connect(folder / "benchmark_data.db")) as database:
        database.executescript(statement)
    verdict = audit_pair(folder, scope="baseline")
    assert any(text.startswith("per-request records") for text in not_shown(verdict))


def test_a_damaged_database_is_left_alone(tmp_path: Path) -> None:
    folder = evalscope(tmp_path / "in", Run(simulate(400.0)))
    data = (folder / "benchmark_data.db").read_bytes()
    for damaged in (b"", data[:3000], data[:40] + b"\xff" * 200 + data[240:], b"not a database" * 100):
        (folder / "benchmark_data.db").write_bytes(damaged)
        verdict = audit_pair(folder, scope="baseline")
        assert any(text.startswith("per-request records") for text in not_shown(verdict))


def test_a_request_without_its_times_leaves_the_report_alone(tmp_path: Path) -> None:
    requests = simulate(400.0)
    folder = inference_perf(tmp_path / "in", Run([replace(requests[0], ttft=-1.0), *requests[1:]]))
    assert any(text.startswith("per-request records") for text in not_shown(audit_pair(folder, scope="baseline")))
