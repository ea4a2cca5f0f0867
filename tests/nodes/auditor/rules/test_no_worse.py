"""Margins of a change that is no gain; undecided, disproved and slower are told apart; latencies have intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.options import AuditOptions, parse_margins, parse_metric
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Action, Severity, Verdict, Word
from bankable.tools.errors import UserError
from tests.nodes.auditor.builders import hits


def _leg(folder: Path, rate: float, spread: float = 0.005, n: int = 5, ttft: float = 1.0) -> Path:
    for index in range(n):
        record = samples.vllm(rate * (1.0 + spread * (index - (n - 1) / 2)), index, details=False)
        for name in ("median_ttft_ms", "p99_ttft_ms"):
            record[name] = ttft * 40.0 * (1.0 + 0.01 * (index % 3))
        samples.dump(folder / f"run{index}.json", record)
    return folder


def _judge(tmp_path: Path, rate: float, margins: str = "", **more: float) -> Verdict:
    options = AuditOptions(no_worse=parse_margins(margins) if margins else ())
    reference = _leg(tmp_path / "a", 400.0, more.get("spread", 0.005))
    return audit_pair(reference, _leg(tmp_path / "b", rate, **more), options=options)  # type: ignore[arg-type]  # numbers by name


@pytest.mark.parametrize(
    ("rate", "more", "word", "code", "action"),
    [
        (399.0, {}, "no worse", "no_worse", None),
        (360.0, {}, "worse", "worse", Action.EJECT),
        (396.0, {"spread": 0.02}, "undecided", "undecided", Action.REMEASURE),
        (399.0, {"ttft": 1.45}, "worse", "worse", Action.EJECT),
    ],
)
def test_three_outcomes_against_margins(
    tmp_path: Path, rate: float, more: dict[str, float], word: str, code: str, action: Action | None
) -> None:
    verdict = _judge(tmp_path, rate, "throughput=2%,ttft=5%", **more)
    assert verdict.headline.removesuffix(" (withheld)").endswith(f"launches, {word}")
    found = [finding for finding in verdict.findings if finding.rule == "no_worse"]
    assert code in {finding.code for finding in found}
    fails = [finding for finding in found if finding.severity is Severity.FAIL]
    assert {finding.action for finding in fails} == ({action} if action else set())
    assert verdict.verdict is (Word.FAIL if fails else Word.FLAG)
    assert not hits(verdict, "real_delta", Severity.FAIL)
    if word == "undecided":
        assert "launches a side in all" in fails[0].advice


@pytest.mark.parametrize(
    ("rate", "spread", "code", "action"),
    [
        (402.0, 0.02, "undecided", Action.REMEASURE),
        (401.0, 0.001, "disproved", Action.EJECT),
        (380.0, 0.001, "slower", Action.REVERT),
    ],
)
def test_what_is_not_real_has_three_words_and_actions(
    tmp_path: Path, rate: float, spread: float, code: str, action: Action
) -> None:
    verdict = _judge(tmp_path, rate, spread=spread)
    found = hits(verdict, "real_delta", Severity.FAIL)
    assert [(finding.code, finding.action) for finding in found] == [(code, action)]
    assert f"launches, {code}" in verdict.headline


def test_a_latency_that_is_proven_worse_is_a_finding(tmp_path: Path) -> None:
    """TTFT +45 % over five runs, with a gain in throughput; +45 % on one launch alone is not proven."""
    verdict = _judge(tmp_path, 450.0, ttft=1.45)
    found = hits(verdict, "headline_integrity", Severity.FLAG)
    assert {finding.code for finding in found} == {"latency_worse"}
    metric = next(each for each in verdict.metrics if each.name == "median_ttft_ms")
    assert metric.interval is not None
    assert metric.delta is not None
    assert 0.4 < metric.interval.lower < metric.delta < metric.interval.upper < 0.5
    alone = _judge(tmp_path / "one", 450.0, ttft=1.45, n=1)
    assert not hits(alone, "headline_integrity", Severity.FLAG)


def test_another_rate_may_decide(tmp_path: Path) -> None:
    reference, candidate = _leg(tmp_path / "a", 400.0), _leg(tmp_path / "b", 450.0)
    verdict = audit_pair(reference, candidate, options=AuditOptions(parse_metric("requests")))
    assert verdict.headline.startswith("request_throughput +12.5%")


@pytest.mark.parametrize(
    "text", ["", "ttft", "ttft=5", "speed=2%", "ttft=5%,ttft=6%", "ttft=0%", "ttft=-2%", "itl=200%"]
)
def test_margins_that_are_none_are_a_user_error(text: str) -> None:
    with pytest.raises(UserError, match="no-worse"):
        parse_margins(text)


def test_a_latency_is_no_deciding_rate() -> None:
    with pytest.raises(UserError, match="--metric"):
        parse_metric("ttft")
