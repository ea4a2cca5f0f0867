"""Runs with latency limits and guards, over the recording of a run whose throughput winner costs time per token.

``max_running_requests=12`` more than doubles the throughput of its baseline, brings the first token from 800 to 100 ms,
and the time per output token from 7.6 to 11.4 ms: what it is worth depends on the limits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.graph.request import RunOptions, build_config
from bankable.graph.session import session
from bankable.nodes.config_tuner import confirm
from bankable.tools.evidence.ledger import read_ledger
from bankable.tools.evidence.records import Claim
from bankable.tools.levers.settings import lever_of
from bankable.tools.statistics.paired import Decision
from tests.graph.conftest import BANKED, Bankable

LEVER = "max_running_requests=12"
PATCH = "comparisons/patch-max_running_requests-12"


def read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bankable: Bankable) -> Path:
    """Goodput within limits that the candidate meets with every request and the reference with one in four."""
    out = tmp_path_factory.mktemp("goodput") / "run"
    done = bankable(
        *("run", "--replay", BANKED, "--slo", "ttft=500,tpot=20,e2e=2000", "--guard", "p99_e2e=+5%"),
        *("--price", "0.36", "--out", out),
    )
    assert done.code == 0, done.err
    return out


@pytest.fixture
def confirmed(tmp_path: Path) -> Callable[..., tuple[Claim, Decision]]:
    """The lever confirmed under other options, without the rest of a run: its claim and its decision."""

    def confirm_with(**options: Any) -> tuple[Claim, Decision]:
        config = build_config(RunOptions(replay=BANKED, only=[LEVER], no_auditor=True, **options))
        with session(config, tmp_path / "run", resume=False) as context:
            measured = confirm(context, lever_of({"max_running_requests": 12}), context.base, 1, 0.0)
        assert measured.claim is not None
        assert measured.decision is not None
        return measured.claim, measured.decision

    return confirm_with


def test_the_objective_is_declared_before_the_first_launch(served: Path) -> None:
    for name in ("control", "patch-max_running_requests-12"):
        plan = read(served / "comparisons" / name / "plan.json")
        assert plan["metric"] == "goodput"
        assert [(limit["metric"], limit["statistic"], limit["ms"]) for limit in plan["limits"]] == [
            ("ttft", "request", 500.0),
            ("tpot", "request", 20.0),
            ("e2e", "request", 2000.0),
        ]
        assert plan["guards"] == [{"metric": "p99_e2e_ms", "margin": 0.05}]
        entered = [entry.path for entry in read_ledger(served) if entry.path.startswith(f"comparisons/{name}/")]
        assert entered[0].endswith("plan.json")
    config = read(served / "run.json")["config"]
    assert (config["objective"], len(config["limits"])) == ("goodput", 3)


def test_the_gain_in_goodput_is_verified_and_named_with_its_limits(served: Path) -> None:
    outcome, claim = read(served / "outcome.json"), read(served / PATCH / "claim.json")
    assert outcome["verdict"].startswith("verified gain")
    assert [accepted["flags"] for accepted in outcome["accepted"]] == [{"max_running_requests": 12}]
    before, after = (claim["service"][side] for side in ("reference", "candidate"))
    assert outcome["delta"] == pytest.approx(after["goodput"] / before["goodput"] - 1.0)
    assert (before["attainment"], after["attainment"]) == (pytest.approx(0.25, abs=0.02), 1.0)
    assert after["goodput"] > 23.0
    assert claim["interval"][0] > 7.0
    for text in (outcome["headline"], claim["headline"]):
        assert "(within TTFT 500 ms, TPOT 20 ms, e2e 2000 ms) over 5 blocks" in text
    assert [guard["outcome"] for guard in claim["guards"]] == ["held"]


def test_the_auditor_comes_to_the_same_figures(served: Path) -> None:
    claim = read(served / PATCH / "claim.json")
    verdict = read(served / "audits" / "patch-patch-max_running_requests-12-1" / "verdict.json")
    metrics = {metric["name"]: metric for metric in verdict["metrics"]}
    assert metrics["goodput"]["candidate"] == pytest.approx(claim["service"]["candidate"]["goodput"], rel=1e-6)
    assert metrics["goodput"]["delta"] == pytest.approx(claim["delta"], rel=1e-6)
    assert metrics["attainment"]["reference"] == pytest.approx(claim["service"]["reference"]["attainment"], rel=1e-6)
    rules = {finding["rule"] for finding in verdict["findings"]}
    assert {"service_level", "guards_held"} <= rules
    assert verdict["verdict"] in ("PASS", "FLAG")
    assert not verdict["degraded"]


def test_screening_follows_the_objective(served: Path) -> None:
    """Of the screened settings only the one that lets waiting requests in is worth a confirmation."""
    trials = [orjson.loads(line) for line in (served / "search" / "trials.jsonl").read_bytes().splitlines()]
    scores = {str(trial["flags"]): trial["score"] for trial in trials if trial["score"] is not None}
    assert max(scores, key=lambda name: scores[name]) == str({"max_running_requests": 12})
    assert max(scores.values()) > 1.5


def test_every_verdict_comes_out_again(served: Path, bankable: Bankable) -> None:
    done = bankable("verify", served / "bundle")
    assert done.code == 0, done.out
    assert "all bytes equal" in done.out


def test_report_and_bundle_name_the_limits(served: Path) -> None:
    page = (served / "report.html").read_text()
    assert "goodput within TTFT 500 ms, TPOT 20 ms, e2e 2000 ms" in page
    assert "Requests within the limits" in page
    assert "Guarded figures" in page
    claim = read(served / PATCH / "claim.json")
    cost = 0.36 / (claim["candidate"]["output_throughput"] * 0.0036)
    assert f"${cost:.4g} a million output tokens" in page
    assert "within TTFT 500 ms" in (served / "bundle" / "launch.sh").read_text().splitlines()[1]
    assert read(served / "bundle" / "manifest.json")["claim"]["metric"] == "goodput"


def test_the_winner_in_throughput_loses_within_a_sharper_limit(confirmed: Any) -> None:
    claim, decision = confirmed(slo="tpot=10")
    assert claim.candidate.output_throughput > 2 * claim.reference.output_throughput
    assert (claim.decision, decision.verdict) == ("not_real", "not_real")
    assert claim.service.candidate.goodput < 0.1 * claim.service.reference.goodput


def test_over_a_reference_without_a_good_request_a_difference_is_claimed(confirmed: Any) -> None:
    claim, _ = confirmed(slo="p50_ttft=300,e2e=2000")
    assert (claim.decision, claim.delta, claim.interval) == ("real", None, None)
    assert claim.service.reference.goodput == 0.0
    assert claim.service.difference_interval[0] > 20.0
    assert "%" not in claim.headline
    assert "goodput 0.00 → " in claim.headline


def test_a_guard_that_breaks_withholds_the_gain(confirmed: Any) -> None:
    claim, decision = confirmed(guard=["median_tpot=+5%"])
    assert claim.metric == "output_throughput"
    assert claim.delta > 1.0
    assert (claim.decision, claim.guards[0].outcome) == ("not_real", "broken")
    assert claim.guards[0].interval[0] > 0.3
    assert "guards broken: median_tpot_ms" in claim.headline
    assert decision.reason.startswith("guard broken: median_tpot_ms")


def test_the_latency_objective_decides_on_the_median_request(confirmed: Any) -> None:
    claim, _ = confirmed(objective="latency")
    assert (claim.metric, claim.decision) == ("request_speed", "real")
    assert 1.0 < claim.delta < 1.6  # from 1070 to 460 ms
    assert claim.headline.startswith(f"{LEVER}: request speed, 1 / median e2e latency, +")


def test_limits_beside_another_objective_only_inform(confirmed: Any) -> None:
    claim, _ = confirmed(slo="ttft=500", objective="throughput")
    assert (claim.metric, claim.decision) == ("output_throughput", "real")
    assert claim.service.candidate.attainment == 1.0
    assert claim.headline.startswith(f"{LEVER}: output throughput +")


def test_without_options_nothing_new_is_written(confirmed: Any, tmp_path: Path) -> None:
    claim, _ = confirmed()
    assert {"limits", "guards"}.isdisjoint(read(tmp_path / "run" / PATCH / "plan.json"))
    assert {"service", "guards"}.isdisjoint(read(tmp_path / "run" / PATCH / "claim.json"))
    assert {"objective", "limits", "guards"}.isdisjoint(read(tmp_path / "run" / "run.json")["config"])
    assert claim.decision == "real"
