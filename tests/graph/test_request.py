"""From what was typed to a configuration."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bankable.graph.request import RunOptions, build_config, free_folder
from bankable.tools.errors import UserError

NOTHING = RunOptions(**dict.fromkeys(RunOptions.__dataclass_fields__, None))
ASKED = replace(
    NOTHING,
    model=Path("m"),
    executor="local",
    quick=False,
    no_auditor=False,
    allow_pickle=False,
    trust_remote_code=False,
)


def test_flags_are_typed_and_dashes_become_underscores() -> None:
    config = build_config(
        replace(ASKED, flag=["stream-interval=8", "disable_radix_cache=true", "dtype=float32", "x=0.5"])
    )
    assert config.flags == {"stream_interval": 8, "disable_radix_cache": True, "dtype": "float32", "x": 0.5}


def test_quick_halves_the_requests_and_shortens_the_protocol() -> None:
    quick, normal = build_config(replace(ASKED, quick=True)), build_config(ASKED)
    assert quick.workload.num_prompts * 2 == normal.workload.num_prompts
    assert quick.rounds_per_leg < normal.rounds_per_leg
    assert quick.looks == normal.looks


@pytest.mark.parametrize(("budget", "rounds"), [(None, 2), (23.9, 2), (24.0, None)])
def test_the_control_of_a_short_run_has_fewer_rounds(budget: float | None, rounds: int | None) -> None:
    config = build_config(replace(ASKED, budget=budget))
    assert config.control_rounds == rounds
    assert ("control_rounds" in config.model_dump()) == (rounds is not None), "older files have the same bytes"


def test_what_was_typed_wins_over_quick() -> None:
    config = build_config(replace(ASKED, quick=True, num_prompts=50, budget=3.0))
    assert (config.workload.num_prompts, config.budget_minutes) == (50, 3.0)


@pytest.mark.parametrize("pair", ["stream_interval", "=8", ""])
def test_a_flag_that_is_no_pair_is_one_line(pair: str) -> None:
    with pytest.raises(UserError, match=r"invalid value .* for --.* Use name=value"):
        build_config(replace(ASKED, flag=[pair]))


def test_a_missing_model_says_what_to_give() -> None:
    with pytest.raises(UserError, match=r"no model.*tools/model/shipped"):
        build_config(replace(ASKED, model=None))


def test_an_executor_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UserError, match=r"invalid value 'slurm' for --executor.*Use one of local, ray"):
        build_config(replace(ASKED, executor="slurm"))


def test_an_executor_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match="Ray is not installed"):
        build_config(replace(ASKED, executor="ray"))


def test_kernels_go_where_the_user_wants_them() -> None:
    pytest.importorskip("ray")
    assert [build_config(replace(ASKED, executor=entry)).executor for entry in ("local", "ray")] == ["local", "ray"]


def test_limits_and_guards_are_part_of_the_configuration() -> None:
    config = build_config(replace(ASKED, slo="ttft=500,tpot=20", guard=["median_tpot=+5%"]))
    assert config.objective == "goodput"
    assert [limit.key for limit in config.limits] == ["ttft", "tpot"]
    assert [(guard.metric, guard.margin) for guard in config.guards] == [("median_tpot_ms", 0.05)]
    plain = build_config(ASKED).model_dump(mode="json")
    assert {"objective", "limits", "guards"}.isdisjoint(plain)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"slo": "ttft=soon"}, r"invalid value 'ttft=soon' for --slo.*Write limits in milliseconds"),
        ({"slo": "speed=5"}, r"latencies are ttft, tpot, e2e"),
        ({"slo": "ttft=-5"}, r"for --slo"),
        ({"objective": "happiness"}, r"invalid value 'happiness' for --objective.*Use one of throughput"),
        ({"objective": "goodput"}, r"Cannot measure goodput: no latency limits \(--slo\)"),
        ({"guard": ["median_tpot=5"]}, r"for --guard.*Write a guard as"),
        ({"price": -1.0}, r"invalid value -1.0 for --price.*Give dollars for an hour of one device"),
        ({"price": float("nan")}, r"for --price"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        build_config(replace(ASKED, **options))


def test_a_folder_that_holds_a_run_is_passed_over(tmp_path: Path) -> None:
    for name in ("m", "m-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text("{}")
    assert free_folder(tmp_path / "m") == tmp_path / "m-3"


def test_how_servers_share_the_machine_can_be_asked_for() -> None:
    assert build_config(ASKED).launch_plan == "auto"
    assert build_config(replace(ASKED, launch_plan="alternating")).launch_plan == "alternating"
    with pytest.raises(UserError, match=r"invalid value 'both' for --launch-plan.*Use one of auto, alternating"):
        build_config(replace(ASKED, launch_plan="both"))


def test_several_concurrencies_make_a_ladder_in_ascending_order() -> None:
    config = build_config(replace(ASKED, concurrency="8,1, 4", contender=["stream-interval=8,dtype=float32"]))
    assert [load.concurrency for load in config.loads] == [1, 4, 8]
    assert [load.num_prompts for load in config.loads] == [8, 32, 48]
    assert config.workload == config.loads[-1], "throughput decides, at the highest load"
    assert config.contenders == ({"stream_interval": 8, "dtype": "float32"},)
    assert build_config(replace(ASKED, concurrency="1,2,4", slo="ttft=500")).workload.concurrency == 2
    assert build_config(replace(ASKED, concurrency="1,2,4", objective="latency")).workload.concurrency == 1


def test_several_request_rates_make_a_ladder() -> None:
    config = build_config(replace(ASKED, concurrency=16, request_rate="2,0.5", num_prompts=20))
    assert [(load.request_rate, load.concurrency, load.num_prompts) for load in config.loads] == [
        (0.5, 16, 20),
        (2.0, 16, 20),
    ]


def test_a_named_workload_keeps_its_requests_for_each_one_in_flight_on_a_ladder() -> None:
    config = build_config(replace(ASKED, concurrency="1,2", workload="inferencex-1k1k/16"))
    assert [(load.name, load.num_prompts) for load in config.loads] == [
        ("inferencex-1k1k/16", 10),
        ("inferencex-1k1k/16", 20),
    ]


def test_a_run_at_one_load_has_no_ladder_and_is_written_as_it_always_was() -> None:
    config = build_config(replace(ASKED, concurrency="4"))
    assert config == build_config(replace(ASKED, concurrency=4))
    assert (config.loads, config.workload.concurrency) == ((), 4)
    assert not {"loads", "contenders"} & config.model_dump().keys()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"concurrency": "1,2,2"}, "2 is given twice"),
        ({"concurrency": "1,two"}, "invalid value 'two' for --concurrency"),
        ({"concurrency": "1,,2"}, "invalid value '' for --concurrency"),
        ({"concurrency": "0"}, "invalid value '0' for --concurrency"),
        ({"request_rate": "1,nan"}, "invalid value 'nan' for --request-rate"),
        ({"request_rate": "inf"}, "invalid value 'inf' for --request-rate"),
        ({"concurrency": ",".join(map(str, range(1, 20)))}, "19 loads"),
        ({"concurrency": "1,2", "request_rate": "1,2"}, "several concurrencies and several request rates"),
        ({"contender": ["a=1"]}, "needs several loads"),
        ({"concurrency": "1,2", "contender": ["a"]}, "invalid value 'a' for --contender"),
    ],
)
def test_loads_that_make_no_ladder_are_one_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        build_config(replace(ASKED, **options))
