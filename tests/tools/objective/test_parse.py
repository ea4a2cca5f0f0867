"""What may be asked for with ``--slo``, ``--objective`` and ``--guard``, and one line for everything else."""

from __future__ import annotations

import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Guard, Limit
from bankable.tools.objective.parse import check_objective, parse_guards
from bankable.tools.slo import parse_limits

LIMITS = parse_limits("ttft=500")


def test_limits_are_on_each_request_or_on_a_statistic_of_a_round() -> None:
    assert parse_limits("ttft=500, tpot=20,e2e=2000ms,p99_ttft=900.5,mean_tpot=18,median_e2e=1500") == (
        Limit(metric="ttft", ms=500.0),
        Limit(metric="tpot", ms=20.0),
        Limit(metric="e2e", ms=2000.0),
        Limit(metric="ttft", statistic="p99", ms=900.5),
        Limit(metric="tpot", statistic="mean", ms=18.0),
        Limit(metric="e2e", statistic="p50", ms=1500.0),
    )
    assert parse_limits("e2el=2000") == parse_limits("e2e=2000")  # as sglang's own --goodput calls it


@pytest.mark.parametrize(
    "text",
    [
        *("", "ttft", "ttft=", "ttft=fast", "ttft=-1", "ttft=0", "ttft=nan", "ttft=inf", "ttft=1e12", "=5"),
        *("speed=20", "itl=20", "p99=20", "p_ttft=3", "p100_ttft=3", "ttftl=20", "ttft=5,,tpot=3", "ttft=5,ttft=6"),
        *("p50_ttft=3,median_ttft=4", "ttft:500"),
    ],
)
def test_what_is_no_limit_is_a_user_error(text: str) -> None:
    with pytest.raises(UserError, match="for --slo") as told:
        parse_limits(text)
    assert "\n" not in str(told.value)


def test_guards_are_on_rates_and_latencies() -> None:
    assert parse_guards(["median_tpot=+5%,throughput=-2%", "p99_e2e=10%", "ttft=+3.5%"]) == (
        Guard(metric="median_tpot_ms", margin=0.05),
        Guard(metric="output_throughput", margin=0.02),
        Guard(metric="p99_e2e_ms", margin=0.10),
        Guard(metric="median_ttft_ms", margin=0.035),
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "median_tpot", "median_tpot=5", "median_tpot=+5", "speed=+5%", "p95_ttft=+5%", "median_tpot=x%"),
        *("median_tpot=-5%", "throughput=+2%", "throughput=-100%", "median_tpot=0%", "tpot=+5%,median_tpot=+6%"),
    ],
)
def test_what_is_no_guard_is_a_user_error(text: str) -> None:
    with pytest.raises(UserError, match="for --guard") as told:
        parse_guards([text])
    assert "\n" not in str(told.value)


def test_limits_make_goodput_the_objective_unless_another_is_asked_for() -> None:
    assert check_objective(None, (), ()) == "throughput"
    assert check_objective(None, LIMITS, ()) == "goodput"
    assert check_objective("throughput", LIMITS, ()) == "throughput"
    assert check_objective("latency", (), ()) == "latency"


@pytest.mark.parametrize(
    ("objective", "guards", "told"),
    [
        ("speed", "", "use one of|Use one of"),
        ("goodput", "", "no latency limits"),
        (None, "goodput=-5%", "no latency limits"),
        (None, "throughput=-5%", "it is the objective"),
    ],
)
def test_an_objective_that_cannot_be_is_a_user_error(objective: str | None, guards: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        check_objective(objective, (), parse_guards([guards]) if guards else ())
