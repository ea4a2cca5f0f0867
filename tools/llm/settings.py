"""Settings of language models: model per role, limits and budget. Holds no key."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.llm.address import OPENAI, check_address

ROLE = r"^[a-z][a-z_]{0,40}$"
PREFIX = "openai:"
Role = Annotated[str, Field(pattern=ROLE)]


class Endpoint(Record):
    """A model and where it is served, in the dialect of chat completions."""

    model: str = Field(min_length=1, max_length=200)
    """Name of the model, as the server knows it."""
    base_url: str = OPENAI
    """Address that the path of chat completions is appended to."""
    plain_http: bool = False
    """Allow http to another machine."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Sampling temperature, without a unit; ``None``: not sent, because some models refuse it."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        check_address(self.base_url, plain_http=self.plain_http)
        return self


class CallLimits(Record):
    """Bounds of one question. Times are seconds of wall time."""

    attempts: int = Field(default=4, ge=1)
    """Requests for one question at most, the first included."""
    attempt_s: float = Field(default=120.0, gt=0)
    """Seconds for one request, from connecting to the last byte, however slowly the bytes come."""
    call_s: float = Field(default=300.0, gt=0)
    """Seconds for the question with all its attempts and pauses."""
    pause_s: float = Field(default=1.0, ge=0)
    """Mean pause before the second attempt, in seconds; doubled for each further one."""
    wait_s: float = Field(default=30.0, ge=0)
    """Longest pause, in seconds. A server that asks for more is not asked again."""
    answer_bytes: int = Field(default=1 << 20, gt=0)
    """Largest answer, in bytes: a longer one is refused, and no more of it is held."""
    answer_tokens: int = Field(default=4096, gt=0)
    """Longest answer, in tokens, as the server is told."""


class Price(Record):
    """US dollars per million tokens."""

    prompt: float = Field(ge=0)
    """US dollars per million tokens of prompts."""
    completion: float = Field(ge=0)
    """US dollars per million tokens of answers."""


class Budget(Record):
    """What may be spent; ``None`` is no bound."""

    calls: int | None = Field(default=None, ge=0)
    """Requests sent, repeated ones too."""
    tokens: int | None = Field(default=None, ge=0)
    """Of prompts and answers together."""
    money: float | None = Field(default=None, ge=0)
    """US dollars, by the prices given."""


class EndpointSettings(Record):
    """All settings of an endpoint except its key."""

    endpoint: Endpoint
    """Model of every role that is not in ``roles``."""
    roles: dict[Role, Endpoint] = Field(default={})
    """Roles that are played by another model."""
    limits: CallLimits = CallLimits()
    """Bounds of each question."""
    budget: Budget = Budget()
    """For all roles together."""
    role_budgets: dict[Role, Budget] = Field(default={})
    """Further bounds of single roles, besides that of all together."""
    prices: dict[str, Price] = Field(default={})
    """By model. Without a price the cost is unknown, and said to be."""

    @model_validator(mode="after")
    def _priced(self) -> Self:
        bounded = [role for role, budget in self.role_budgets.items() if budget.money is not None]
        models = {self.of(role).model for role in bounded}
        if self.budget.money is not None:
            models |= {self.endpoint.model, *(role.model for role in self.roles.values())}
        unpriced = sorted(models - self.prices.keys())
        if unpriced:
            raise UserError(
                f"Cannot keep a budget in money: no price for {unpriced[0]}", "--llm-budget", "give its price"
            )
        return self

    def of(self, role: str) -> Endpoint:
        """Who plays this role."""
        return self.roles.get(role, self.endpoint)


def endpoint(model: str, base_url: str | None = None, *, plain_http: bool = False) -> Endpoint:
    """From ``openai:NAME`` or a plain name. Raises ``UserError`` for an address that must not be used."""
    name = model.removeprefix(PREFIX).strip()
    if not name or not name.isprintable():
        raise UserError("Cannot use --llm: missing model name", "", "give openai:NAME, or NAME with --llm-base-url")
    return Endpoint(
        model=name,
        base_url=OPENAI if base_url is None else check_address(base_url, plain_http=plain_http),
        plain_http=plain_http,
    )
