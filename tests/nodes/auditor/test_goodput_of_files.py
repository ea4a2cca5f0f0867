"""``audit --metric goodput --slo …``: goodput of other tools' files, recounted from the requests that they list."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.options import AuditOptions, parse_metric
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity, Verdict
from bankable.tools.errors import UserError
from bankable.tools.slo import parse_limits
from tests.nodes.auditor.builders import hits


def leg(folder: Path, rate: float, tool: str, *, details: bool = True) -> Path:
    """Four launches: a TTFT of a tenth of the round, give or take a tenth of that."""
    folder.mkdir(parents=True)
    for index in range(4):
        samples.dump(folder / f"run{index}.json", getattr(samples, tool)(rate, index, details=details))
    return folder


def judge(tmp_path: Path, slo: str, tool: str = "vllm", *, details: bool = True) -> Verdict:
    limits = parse_limits(slo)
    options = AuditOptions(parse_metric("goodput", limits), limits=limits)
    reference = leg(tmp_path / "a", 400.0, tool, details=details)
    return audit_pair(reference, leg(tmp_path / "b", 460.0, tool, details=details), options=options)


@pytest.mark.parametrize("tool", ["vllm", "sglang"])
def test_goodput_is_counted_from_the_requests(tmp_path: Path, tool: str) -> None:
    """48 and 42 ms on average against a limit of 50: a part of the reference's requests, all of the candidate's."""
    verdict = judge(tmp_path, "ttft=50,tpot=40", tool)
    metrics = {metric.name: metric for metric in verdict.metrics}
    assert metrics["goodput"].candidate == pytest.approx(samples.PROMPTS / (samples.PROMPTS * samples.OUTPUT / 460.0))
    assert 0.3 < (metrics["goodput"].reference or 0.0) / (samples.PROMPTS * 400.0 / 192.0) < 0.95
    assert verdict.headline.startswith("goodput +")
    assert "(within TTFT 50 ms, TPOT 40 ms) on 4 and 4 launches" in verdict.headline
    assert not verdict.degraded


def test_rounds_without_a_good_request_decide_nothing(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "ttft=20")
    assert "with a good one in each" in hits(verdict, "real_delta", Severity.FAIL)[0].observed


def test_files_without_requests_cannot_show_a_goodput(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "ttft=50", details=False)
    assert hits(verdict, "real_delta", Severity.FAIL)


@pytest.mark.parametrize(
    ("metric", "slo", "told"), [("goodput", "", "no latency limits"), ("requests", "ttft=5", "add|Add")]
)
def test_limits_and_metric_belong_together(metric: str, slo: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse_metric(metric, parse_limits(slo) if slo else ())
