"""Attempts and pauses, budgets and the ledger, and what is really sent."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.llm.attempt import Prompt
from bankable.tools.llm.client import Client, retry_after
from bankable.tools.llm.ledger import CallLedger, CallLine, read_ledger, text, totals
from bankable.tools.llm.outcome import CallOutcome, Kind, Usage
from bankable.tools.llm.scripted_endpoint import ChatReply, ScriptedEndpoint, error, page, refusal, says
from bankable.tools.llm.settings import Budget, CallLimits, EndpointSettings, Price, endpoint
from tests.tools.llm.test_attempt import GOOD, QUESTION, Colour

QUICK = CallLimits(attempts=4, attempt_s=30, call_s=60, pause_s=0.01, answer_tokens=50)
WORST = QUESTION.tokens + QUICK.answer_tokens


def ask(served: ScriptedEndpoint, ledger: CallLedger | None = None, **options: object) -> CallOutcome[Colour]:
    settings = EndpointSettings(endpoint=endpoint("m", served.url), **{"limits": QUICK, **options})
    return Client(settings, ledger, environ={}).ask_now("judge", QUESTION, Colour)


def test_what_passes_is_tried_again_and_every_attempt_is_written_down(tmp_path: Path) -> None:
    ledger = CallLedger(tmp_path / "calls.jsonl")
    with ScriptedEndpoint([error(500), page(), error(429, retry_after="0"), says(GOOD)]) as served:
        found = ask(served, ledger)
    assert (found.kind, found.attempts, len(served.requests)) == (Kind.ANSWERED, 4, 4)
    lines = read_ledger(tmp_path / "calls.jsonl")
    assert [(line.attempt, line.outcome, line.status) for line in lines] == [
        (1, Kind.SERVER_ERROR, 500),
        (2, Kind.MALFORMED, 200),
        (3, Kind.RATE_LIMITED, 429),
        (4, Kind.ANSWERED, 200),
    ]
    assert all(0 < line.latency_s < 5 for line in lines)


def test_attempts_are_bounded() -> None:
    with ScriptedEndpoint(error(500)) as served:
        found = ask(served)
    assert (found.kind, found.attempts, len(served.requests)) == (Kind.SERVER_ERROR, 4, 4)


@pytest.mark.parametrize("reply", [refusal(), error(401), error(404), error(429, code="insufficient_quota")])
def test_what_does_not_pass_is_not_tried_again(reply: ChatReply) -> None:
    with ScriptedEndpoint(reply) as served:
        found = ask(served)
    assert (found.kind is not Kind.ANSWERED, len(served.requests)) == (True, 1)


def test_a_server_that_asks_for_patience_gets_it() -> None:
    with ScriptedEndpoint([error(429, retry_after="0.4"), says(GOOD)]) as served:
        begun = time.monotonic()
        assert ask(served).kind is Kind.ANSWERED
        assert time.monotonic() - begun > 0.4


@pytest.mark.parametrize("asked", ["1.5", "1e300"])
def test_but_not_any_amount_of_it(asked: str) -> None:
    limits = QUICK.model_copy(update={"wait_s": 1.0})
    with ScriptedEndpoint([error(429, retry_after=asked), says(GOOD)]) as served:
        found = ask(served, limits=limits)
    assert (found.kind, len(served.requests)) == (Kind.RATE_LIMITED, 1)


def test_the_wall_holds_over_all_attempts() -> None:
    limits = QUICK.model_copy(update={"attempts": 50, "attempt_s": 0.3, "call_s": 1.0})
    with ScriptedEndpoint(ChatReply(before_s=30)) as served:
        begun = time.monotonic()
        found = ask(served, limits=limits)
        assert time.monotonic() - begun < 10
    assert (found.kind, 1 <= found.attempts <= 4) == (Kind.TIMED_OUT, True)


def test_pauses_are_not_the_same_for_everybody() -> None:
    settings = EndpointSettings(endpoint=endpoint("m", "http://127.0.0.1:1"), limits=CallLimits(pause_s=4, wait_s=20))
    from bankable.tools.llm.attempt import Attempt

    failed = Attempt[Colour](Kind.SERVER_ERROR, "", Usage(), 0.0)
    pauses = [Client(settings, seed=seed)._pause(failed, sent) for seed in range(40) for sent in (1, 2, 3)]
    first, second, third = pauses[::3], pauses[1::3], pauses[2::3]
    assert len(set(first)) == 40
    assert all(2 <= entry <= 6 for entry in first if entry is not None)
    assert all(4 <= item <= 12 for item in second if item is not None)
    assert max(element for element in third if element is not None) == 20


def test_a_time_to_wait_is_a_number_or_a_date() -> None:
    assert retry_after("1.5") == 1.5
    assert retry_after("-3") == 0
    later = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert later == pytest.approx(60, abs=2)
    assert [retry_after(entry) for entry in ("nan", "inf", "soon", "", "Mon, 99 Foo", None)] == [None] * 6


def test_a_budget_of_calls_counts_repeated_ones() -> None:
    with ScriptedEndpoint(error(500)) as served:
        found = ask(served, role_budgets={"judge": Budget(calls=2)})
    assert (found.kind, found.detail, found.attempts) == (Kind.OVER_BUDGET, "calls would run out", 2)
    assert len(served.requests) == 2


def test_a_request_whose_worst_case_does_not_fit_is_not_sent(tmp_path: Path) -> None:
    ledger = CallLedger(tmp_path / "calls.jsonl")
    with ScriptedEndpoint(says(GOOD)) as served:
        found = ask(served, ledger, budget=Budget(tokens=WORST - 1))
        assert (found.kind, found.detail, found.attempts) == (Kind.OVER_BUDGET, "tokens would run out", 0)
        assert ask(served, ledger, budget=Budget(tokens=WORST)).kind is Kind.ANSWERED
    assert len(served.requests) == 1
    assert [(line.attempt, line.outcome) for line in ledger.lines] == [(0, Kind.OVER_BUDGET), (1, Kind.ANSWERED)]


def test_a_budget_in_money() -> None:
    prices = {"m": Price(prompt=1e6, completion=2e6)}  # a dollar a token, two for an answer's
    worst = QUESTION.tokens + 2 * QUICK.answer_tokens
    with ScriptedEndpoint(says(GOOD)) as served:
        ledger = CallLedger()
        assert ask(served, ledger, prices=prices, budget=Budget(money=worst - 1)).detail == "money would run out"
        assert ask(served, ledger, prices=prices, budget=Budget(money=worst)).kind is Kind.ANSWERED
    assert ledger.lines[-1].cost == 100 + 2 * 20


def test_what_was_set_aside_and_not_used_can_be_used() -> None:
    """Each answer uses 120 tokens of the several hundred that a worst case could: ten fit where one worst case does."""
    limits = QUICK.model_copy(update={"answer_tokens": 2000})
    settings = EndpointSettings(
        endpoint=endpoint("m", "http://127.0.0.1:1"), limits=limits, budget=Budget(tokens=2000 + 10 * 120)
    )
    with ScriptedEndpoint(says(GOOD)) as served:
        settings = settings.model_copy(update={"endpoint": endpoint("m", served.url)})
        client = Client(settings, environ={})
        kinds = [client.ask_now("judge", QUESTION, Colour).kind for _ in range(12)]
    assert kinds == [Kind.ANSWERED] * 10 + [Kind.OVER_BUDGET] * 2


def test_questions_side_by_side_do_not_overdraw() -> None:
    with ScriptedEndpoint(says(GOOD)) as served:
        settings = EndpointSettings(endpoint=endpoint("m", served.url), limits=QUICK, budget=Budget(tokens=2 * WORST))
        client = Client(settings, environ={})

        async def all_at_once() -> list[Kind]:
            return [
                entry.kind for entry in await asyncio.gather(*(client.ask("a", QUESTION, Colour) for _ in range(5)))
            ]

        kinds = asyncio.run(all_at_once())
    assert sorted(kinds) == [Kind.ANSWERED] * 2 + [Kind.OVER_BUDGET] * 3
    assert len(served.requests) == 2


def test_a_resumed_run_goes_on_with_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with ScriptedEndpoint(says(GOOD)) as served:
        assert ask(served, CallLedger(path), budget=Budget(calls=1)).kind is Kind.ANSWERED
        path.write_bytes(path.read_bytes() + b'{"at": 1')  # killed while writing
        assert ask(served, CallLedger(path), budget=Budget(calls=1)).kind is Kind.OVER_BUDGET
    assert len(served.requests) == 1


def test_one_role_does_not_pay_for_another() -> None:
    with ScriptedEndpoint(says(GOOD)) as one, ScriptedEndpoint(says(GOOD)) as other:
        settings = EndpointSettings(
            endpoint=endpoint("m", one.url),
            roles={"judge": endpoint("openai:n", other.url)},
            limits=QUICK,
            role_budgets={"judge": Budget(calls=1)},
        )
        client = Client(settings, environ={})
        kinds = [client.ask_now(role, QUESTION, Colour).kind for role in ("judge", "judge", "strategist")]
    assert kinds == [Kind.ANSWERED, Kind.OVER_BUDGET, Kind.ANSWERED]
    assert [request.body["model"] for request in other.requests] == ["n"]
    assert [entry.body["model"] for entry in one.requests] == ["m"]


def test_what_is_sent() -> None:
    with ScriptedEndpoint(says(GOOD)) as served:
        ask(served)
    (sent,) = served.requests
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.body["messages"] == [
        {"role": "system", "content": QUESTION.system},
        {"role": "user", "content": QUESTION.user},
    ]
    assert sent.body["max_completion_tokens"] == 50
    assert "temperature" not in sent.body
    shape = sent.body["response_format"]["json_schema"]
    assert (shape["strict"], shape["schema"]["additionalProperties"]) == (True, False)
    assert shape["schema"]["required"] == ["word", "number"]


def _line(role: str, kind: Kind, cost: float | None, attempt: int = 1) -> CallLine:
    return CallLine(
        at=1.0,
        role=role,
        model="m",
        attempt=attempt,
        outcome=kind,
        prompt_tokens=10,
        completion_tokens=5,
        estimated=False,
        latency_s=0.5,
        cost=cost,
    )


def test_totals_per_role() -> None:
    lines = [
        _line("b", Kind.ANSWERED, 0.25),
        _line("b", Kind.CUT, 0.5),
        _line("a", Kind.ANSWERED, None),
        _line("b", Kind.OVER_BUDGET, None, attempt=0),
    ]
    first, second = totals(lines)
    assert (first.role, first.cost) == ("a", None)
    assert (second.requests, second.prompt_tokens, second.completion_tokens) == (2, 20, 10)
    assert (second.cost, second.seconds) == (0.75, 1.0)
    assert second.outcomes == {"answered": 1, "cut": 1, "over_budget": 1}
    table = text((first, second))
    assert "unknown (no price)" in table.splitlines()[1]
    assert table.splitlines()[2].endswith("$0.7500; 1 cut, 1 over_budget")


def test_a_ledger_that_is_none_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(UserError, match=r"calls.jsonl:1"):
        CallLedger(tmp_path / "calls.jsonl")


def test_a_prompt_is_measured_without_an_encoding() -> None:
    assert Prompt("abc", "abcd").tokens == 1 + 2
    assert Prompt("", "→").tokens == 1
