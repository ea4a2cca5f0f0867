"""What a person types, and every way to get it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import UserError
from tools.llm.address import OPENAI
from tools.llm.options import read_prices, settings_from
from tools.llm.settings import Budget, Price
from tools.skills.front_matter import ROLES

HERE = "http://127.0.0.1:8000/v1"


def test_models_by_role() -> None:
    found = settings_from(
        "small", HERE, roles=["judge=openai:large@https://host/v1", "strategist=llama3:8b"], known=ROLES
    )
    assert (found.of("config_tuner").model, found.of("config_tuner").base_url) == ("small", HERE)
    assert (found.of("judge").model, found.of("judge").base_url) == ("large", "https://host/v1")
    assert (found.of("strategist").model, found.of("strategist").base_url) == ("llama3:8b", HERE)
    assert settings_from("openai:x", known=ROLES).endpoint.base_url == OPENAI


def test_a_budget_in_all_and_per_role(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[small]\nprompt = 1.25\ncompletion = 10\n\n["llama3:8b"]\nprompt = 0\ncompletion = 0\n')
    found = settings_from(
        "small", HERE, prices=prices, budget=["calls=100", "money=2.5", "judge:tokens=5e4"], known=ROLES
    )
    assert found.budget == Budget(calls=100, money=2.5)
    assert found.role_budgets == {"judge": Budget(tokens=50_000)}
    assert found.prices == {"small": Price(prompt=1.25, completion=10), "llama3:8b": Price(prompt=0, completion=0)}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"roles": ["juge=x"]}, "no role called 'juge'"),
        ({"roles": ["judge"]}, "a role's model, once"),
        ({"roles": ["judge=x", "judge=y"]}, "a role's model, once"),
        ({"roles": ["judge="]}, "no name of a model"),
        ({"roles": ["judge=x@http://10.0.0.1/v1"]}, "plain http to another machine"),
        ({"budget": ["5"]}, "a bound, once"),
        ({"budget": ["dollars=5"]}, "a bound, once"),
        ({"budget": ["calls=5", "calls=6"]}, "a bound, once"),
        ({"budget": ["calls=many"]}, "not an amount"),
        ({"budget": ["calls=-1"]}, "not an amount"),
        ({"budget": ["calls=nan"]}, "not an amount"),
        ({"budget": ["calls=1e300"]}, "not an amount"),
        ({"budget": ["calls=1.5"]}, "whole numbers"),
        ({"budget": ["judge:"]}, "a bound, once"),
        ({"budget": ["nobody:calls=1"]}, "no role called 'nobody'"),
        ({"budget": ["money=1"]}, "no price for small"),
        ({"prices": Path("/nowhere/prices.toml")}, "no such file of prices"),
    ],
)
def test_mistakes_are_one_line(options: dict[str, object], why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        settings_from("small", HERE, known=ROLES, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["[m]\nprompt = -1\ncompletion = 1\n", "[m]\nprompt = 1\n", "m = 3\n", "[m\n", "\xff", "[m]\nprompt='x'\n"]
)
def test_prices_that_are_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="cannot be read"):
        read_prices(path)
    path.write_text("#" * (1 << 17))
    with pytest.raises(UserError, match="more prices"):
        read_prices(path)
