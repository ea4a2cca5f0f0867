"""Files that other projects' load generators wrote about real servers are read as what the server did."""

from __future__ import annotations

import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bankable.nodes.auditor.pair import audit_loads, audit_pair
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.verdict import Severity, Verdict
from tests.nodes.auditor.importers.test_formats import not_shown, read

HERE = Path(__file__).parent
RECORDED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "client_runs.toml").read_text())
"""Version, command and tokens that the server counted, by tool."""
RUNS = {tool: run for tool, run in RECORDED.items() if "plain" in run["generated"]}
REQUESTS, PROMPT, REFUSED = 36, 64, 7
FORMATS = {
    "sglang": "sglang serving benchmark",
    "guidellm": "GuideLLM report",
    "aiperf": "AIPerf records",
    "evalscope": "evalscope perf summary",
    "inference-perf": "inference-perf report",
}
each = pytest.mark.parametrize("tool", sorted(RUNS))
every = pytest.mark.parametrize(
    ("tool", "kind"), [(tool, kind) for tool in sorted(RUNS) for kind in RUNS[tool]["generated"]]
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client-runs")
    with tarfile.open(HERE / "client_runs.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return folder


def read_round(tmp_path: Path, folder: Path, tool: str) -> BenchRound:
    legs = read(tmp_path, folder)
    assert [(leg.format, len(leg.rows)) for leg in legs] == [(FORMATS[tool], 1)]
    return legs[0].rows[0]


def fails(verdict: Verdict) -> set[str]:
    return {finding.code or finding.rule for finding in verdict.findings if finding.severity is Severity.FAIL}


@every
def test_counts_are_the_servers(runs: Path, tmp_path: Path, tool: str, kind: str) -> None:
    row = read_round(tmp_path, runs / tool / kind, tool)
    refused = REFUSED if kind == "failing" else 0
    assert (row.completed, row.failed) == (REQUESTS - refused, refused)
    assert row.output_tokens == RUNS[tool]["generated"][kind]
    assert row.input_tokens is not None
    assert row.input_tokens >= (REQUESTS - refused) * PROMPT
    rate, seconds = row.figure("output_throughput"), row.figure("median_ttft_ms")
    assert rate is not None
    assert 50 < rate < 200
    assert seconds is not None
    assert 500 < seconds < 10_000
    requests = row.figure("request_throughput")
    assert requests is not None
    assert rate / requests == pytest.approx(row.output_tokens / (REQUESTS - refused), rel=0.002)


@every
def test_an_honest_run_is_accused_of_its_failures_alone(runs: Path, tool: str, kind: str) -> None:
    verdict = audit_pair(runs / tool / kind, scope="baseline")
    assert fails(verdict) == ({"failed_requests"} if kind == "failing" else set())


@each
def test_the_load_is_read_and_no_measured_figure_is_taken_for_it(runs: Path, tmp_path: Path, tool: str) -> None:
    """Two runs at one load state the same arguments, so that they are one workload."""
    plain, failing = (read_round(tmp_path / kind, runs / tool / kind, tool) for kind in ("plain", "failing"))
    assert plain.arguments == failing.arguments
    assert "12" in dict(plain.arguments).values()
    assert ("shipped" in dict(plain.arguments).values()) is (tool in ("aiperf", "guidellm", "evalscope"))


@each
def test_one_launch_a_side_is_no_win_and_what_is_missing_is_named(runs: Path, tool: str) -> None:
    verdict = audit_pair(runs / tool / "plain", runs / tool / "plain")
    assert ", real" not in verdict.headline
    assert not any("per-request" in text for text in not_shown(verdict))
    assert any("resolved server arguments" in text for text in not_shown(verdict)) is (tool != "sglang")


def test_two_launches_with_a_higher_cap_are_a_win_and_two_of_one_cap_are_not(runs: Path) -> None:
    legs = runs / "evalscope" / "legs"
    assert "on 2 and 2 launches, real" in audit_pair(legs / "capped", legs / "wide").headline
    for cap in ("capped", "wide"):
        verdict = audit_pair(legs / cap / "launch-0", legs / cap / "launch-1")
        assert "on 1 and 1 launches, undecided" in verdict.headline


def test_requested_tokens_that_are_credited_are_doubted(runs: Path, tmp_path: Path) -> None:
    """96 tokens for each answer, however early it ended: the stream and the text agree on a quarter less."""
    folder = runs / "sglang-oai" / "early"
    row = read(tmp_path, folder)[0].rows[0]
    assert row.output_tokens is not None
    assert row.output_tokens > 1.25 * RECORDED["sglang-oai"]["generated"]["early"]
    verdict = audit_pair(folder, scope="baseline")
    assert [finding.modes for finding in verdict.findings if "credited tokens" in finding.expected] == [("Q08",)]


def test_each_load_of_a_real_sweep_is_read(runs: Path) -> None:
    sweep = runs / "guidellm" / "sweep"
    loads = [name for name, _ in audit_loads(sweep, sweep)]
    assert [name.rpartition("type_=")[2] for name in loads] == ["synchronous", "throughput", "constant"]


def test_early_ends_are_another_amount_of_work(runs: Path) -> None:
    verdict = audit_pair(runs / "sglang" / "plain", runs / "sglang" / "early")
    assert "undecided" in verdict.headline or "slower" in verdict.headline
    assert fails(verdict) <= {"undecided", "slower", "disproved"}


def test_the_rate_of_inference_perf_follows_from_its_own_count_of_the_text(runs: Path, tmp_path: Path) -> None:
    row = read_round(tmp_path, runs / "inference-perf" / "early", "inference-perf")
    assert (row.output_tokens, row.retokenized) == (1147, 1149)
    assert [check.reported for check in row.checks] == pytest.approx([check.true for check in row.checks])


@pytest.mark.parametrize("kind", ["plain", "failing", "early"])
@pytest.mark.parametrize("tool", ["evalscope", "inference-perf"])
def test_a_summary_follows_from_the_requests_beside_it(runs: Path, tmp_path: Path, tool: str, kind: str) -> None:
    row = read_round(tmp_path, runs / tool / kind, tool)
    assert row.output_tokens == RECORDED[tool]["generated"][kind]
    assert row.raw["request_throughput"] == pytest.approx(row.reported["request_throughput"], rel=1e-4)
    assert row.raw["median_ttft_ms"] > row.raw["median_tpot_ms"] > 0.0
    verdict = audit_pair(runs / tool / kind, scope="baseline")
    assert "reported_differs" not in {finding.code for finding in verdict.findings}
