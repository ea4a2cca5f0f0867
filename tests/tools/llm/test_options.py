"""What a person types, and every way to get it wrong."""

from __future__ import annotations

import pytest

from bankable.tools.errors import UserError
from bankable.tools.llm.address import OPENAI
from bankable.tools.llm.options import check_stray, settings_from
from bankable.tools.llm.settings import Budget, Price
from bankable.tools.skills.front_matter import ROLES

HERE = "http://127.0.0.1:8000/v1"


def test_models_by_role() -> None:
    found = settings_from(
        "small", HERE, roles=["judge=openai:large@https://host/v1", "strategist=org/llama3:8b=q4"], known=ROLES
    )
    assert (found.of("config_tuner").model, found.of("config_tuner").base_url) == ("small", HERE)
    assert (found.of("judge").model, found.of("judge").base_url) == ("large", "https://host/v1")
    assert (found.of("strategist").model, found.of("strategist").base_url) == ("org/llama3:8b=q4", HERE)
    assert settings_from("openai:x", known=ROLES).endpoint.base_url == OPENAI


def test_a_budget_in_all_and_per_role() -> None:
    found = settings_from(
        "small",
        HERE,
        budgets=["calls=100", "usd=2.5", "judge.tokens=5e4"],
        prices=["openai:small=1.25, 10", "llama3:8b=q4=0,0"],
        known=ROLES,
    )
    assert found.budget == Budget(calls=100, money=2.5)
    assert found.role_budgets == {"judge": Budget(tokens=50_000)}
    assert found.prices == {"small": Price(prompt=1.25, completion=10), "llama3:8b=q4": Price(prompt=0, completion=0)}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"roles": ["juge=x"]}, "no role 'juge'"),
        ({"roles": ["judge"]}, "'judge' is not name=value"),
        ({"roles": ["judge=x", "judge=y"]}, "'judge' is given twice"),
        ({"roles": ["judge="]}, "'judge=' is not name=value"),
        ({"roles": ["judge=x@http://10.0.0.1/v1"]}, "plain http to another machine"),
        ({"budgets": ["5"]}, "'5' is not name=value"),
        ({"budgets": ["dollars=5"]}, "no budget 'dollars'"),
        ({"budgets": ["money=5"]}, "no budget 'money'"),
        ({"budgets": ["calls=5", "calls=6"]}, "'calls' is given twice"),
        ({"budgets": ["judge.calls=5", "calls=6", "judge.calls=5"]}, "'calls' is given twice"),
        ({"budgets": ["calls=many"]}, "'many' is not a whole number for calls"),
        ({"budgets": ["calls=-1"]}, "not a whole number"),
        ({"budgets": ["calls=nan"]}, "not a whole number"),
        ({"budgets": ["tokens=inf"]}, "not a whole number"),
        ({"budgets": ["calls=1e300"]}, "not a whole number"),
        ({"budgets": ["judge.calls=1.5"]}, "'1.5' is not a whole number for judge.calls"),
        ({"budgets": ["usd=inf"]}, "'inf' is not an amount for usd"),
        ({"budgets": ["judge.=1"]}, "no budget 'judge.'"),
        ({"budgets": ["nobody.calls=1"]}, "no budget 'nobody.calls'"),
        ({"budgets": ["usd=1"]}, "no price for small"),
        ({"prices": ["small"]}, "'small' is not name=value"),
        ({"prices": ["small=1"]}, "'1' is not two prices"),
        ({"prices": ["small=1,2,3"]}, "'1,2,3' is not two prices"),
        ({"prices": ["small=1,x"]}, "'x' is not an amount for small"),
        ({"prices": ["small=1,"]}, "'' is not an amount for small"),
        ({"prices": ["small=nan,1"]}, "'nan' is not an amount"),
        ({"prices": ["small=-1,1"]}, "'-1' is not an amount"),
        ({"prices": ["small=1,inf"]}, "'inf' is not an amount"),
        ({"prices": ["small=1,2", "openai:small=1,2"]}, "'small' is given twice"),
    ],
)
def test_mistakes_are_one_line(options: dict[str, object], why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        settings_from("small", HERE, known=ROLES, **options)
    assert "\n" not in str(caught.value)


def test_a_name_that_no_model_has_is_one_line() -> None:
    with pytest.raises(UserError, match="at most 200 characters") as caught:
        settings_from("x" * 300, HERE, known=ROLES)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="missing model name"):
        settings_from("openai:", known=ROLES)


def test_options_without_a_model() -> None:
    check_stray([("--llm-price", []), ("--llm-base-url", None)])
    with pytest.raises(UserError, match=r"no language model is given \(--llm-price\)"):
        check_stray([("--llm-base-url", None), ("--llm-price", ["m=1,2"])])
