"""What may be asked of language models on the command line, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.graph.config import RunConfig
from bankable.graph.llm import Llm, llm_options
from bankable.tools.errors import UserError
from bankable.tools.llm.settings import Budget, Price
from tests.graph.conftest import RECORDING, Bankable

LOCAL = "http://127.0.0.1:9/v1"


def asked(
    *,
    llm: str = "openai:m",
    roles: tuple[str, ...] = (),
    budgets: tuple[str, ...] = (),
    prices: tuple[str, ...] = (),
    votes: int | None = None,
) -> Llm:
    found = llm_options(llm, LOCAL, roles, budgets, prices, votes)
    assert found is not None
    return found


def test_everything_that_may_be_said() -> None:
    found = asked(
        roles=("judge=org/big=v2", "config_tuner=other@https://elsewhere.example/v1"),
        budgets=("tokens=200000", "calls=50", "usd=1.5", "judge.calls=20"),
        prices=("openai:m=0.4,1.6", "org/big=v2=1,2", "other=1,2"),
        votes=5,
    )
    settings = found.settings
    assert (settings.endpoint.model, settings.endpoint.base_url, found.votes) == ("m", LOCAL, 5)
    assert (settings.of("judge").model, settings.of("judge").base_url) == ("org/big=v2", LOCAL)
    assert settings.of("config_tuner").base_url == "https://elsewhere.example/v1"
    assert settings.budget == Budget(tokens=200_000, calls=50, money=1.5)
    assert settings.role_budgets == {"judge": Budget(calls=20)}
    assert settings.prices["m"] == Price(prompt=0.4, completion=1.6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"roles": ("clerk=m",)}, "no role 'clerk'"),
        ({"roles": ("judge",)}, "'judge' is not name=value"),
        ({"budgets": ("euros=3",)}, "no budget 'euros'"),
        ({"budgets": ("tokens=many",)}, "'many' is not a whole number for tokens"),
        ({"budgets": ("calls=5", "calls=6")}, "'calls' is given twice"),
        ({"budgets": ("usd=1",)}, "no price for m"),
        ({"prices": ("m=1",)}, "not two prices"),
        ({"prices": ("m=1,x",)}, "'x' is not an amount for m"),
        ({"prices": ("m=1,2", "openai:m=3,4")}, "'m' is given twice"),
        ({"votes": 0}, "invalid value 0 for --judge-votes"),
        ({"votes": 16}, "invalid value 16 for --judge-votes"),
        ({"llm": "openai:"}, "missing model name"),
        ({"roles": ("judge=m@http://far.example/v1",)}, "plain http to another machine"),
    ],
)
def test_a_mistake_is_one_sentence(words: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        asked(**words)


def test_options_without_a_model_are_a_mistake() -> None:
    with pytest.raises(UserError, match="no language model is given"):
        llm_options(None, None, [], ["calls=1"], [], None)
    assert llm_options(None, None, [], [], [], None) is None


def test_a_run_without_a_model_says_nothing_of_models() -> None:
    assert "llm" not in RunConfig(model="m").model_dump(mode="json")
    config = RunConfig(model="m", llm=asked(roles=("judge=x",), votes=1))
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_key_is_asked_for_at_the_start_and_is_never_written_down(
    bankable: Bankable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANKABLE_LLM_KEY", raising=False)
    out = tmp_path / "run"
    done = bankable("run", "--replay", RECORDING, "--out", out, "--llm", "m", "--llm-base-url", "https://no.example/v1")
    assert (done.code, out.exists()) == (2, False)
    assert "Cannot ask the language model: no key" in done.err
    assert len(done.err.strip().splitlines()) == 1
