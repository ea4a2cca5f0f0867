"""Tools in a conversation over real HTTP: answered, bounded, and every misuse told to the model and counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.llm.attempt import Prompt
from bankable.tools.llm.client import Client
from bankable.tools.llm.ledger import CallLedger, read_ledger, totals
from bankable.tools.llm.outcome import CallOutcome, Kind
from bankable.tools.llm.scripted_endpoint import (
    ChatReply,
    ChatRequest,
    ScriptedEndpoint,
    error,
    says,
    tool_call,
    tool_calls,
)
from bankable.tools.llm.settings import Budget, CallLimits, EndpointSettings, endpoint
from bankable.tools.llm.toolbox import MOST_ARGUMENTS, MOST_CALLS, MOST_ROUNDS, Tool
from tests.tools.llm.test_attempt import GOOD, Colour

LIMITS = CallLimits(attempts=2, attempt_s=30, call_s=60, pause_s=0.01)


class Mix(Record):
    """Arguments of a tool."""

    first: str = Field(max_length=20)
    second: str


def mixed(asked: Mix) -> str:
    if asked.first == asked.second:
        raise UserError("Cannot mix one colour", asked.first, "give two")
    return f"{asked.first} and {asked.second} make brown"


TOOLS = (Tool("mix", "What two colours make.", Mix, mixed),)


def ask(served: ScriptedEndpoint, path: Path, **options: object) -> CallOutcome[Colour]:
    settings = EndpointSettings(endpoint=endpoint("m", served.url), **{"limits": LIMITS, **options})
    prompt = Prompt("You name colours.", "Which one?", TOOLS)
    return Client(settings, CallLedger(path), environ={}).ask_now("strategist", prompt, Colour)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def test_a_call_is_answered_and_the_answer_still_has_its_shape(ledger: Path) -> None:
    with ScriptedEndpoint([tool_call("mix", {"first": "red", "second": "green"}), says(GOOD)]) as served:
        found = ask(served, ledger)
    first, second = served.requests
    assert (found.kind, found.answer, found.attempts) == (Kind.ANSWERED, Colour(word="red", number=3), 2)
    assert (first.offered, first.told) == (["mix"], [])
    assert second.told == ["red and green make brown"]
    assert first.body["tools"][0]["function"]["strict"] is True
    assert second.body["response_format"]["json_schema"]["strict"] is True
    lines = read_ledger(ledger)
    assert [(line.outcome, line.detail, line.tool_calls, line.tool_faults) for line in lines] == [
        (Kind.CALLED_TOOLS, "mix", 1, 0),
        (Kind.ANSWERED, "", 0, 0),
    ]
    (summed,) = totals(lines)
    assert (summed.requests, summed.tool_calls, summed.other) == (2, 1, "1 called_tools, 1 tool calls")


WRONG: dict[str, tuple[ChatReply, str, str]] = {
    "unknown tool": (tool_call("delete_everything", {"path": "/"}), "there is no tool of this name", "unknown tool"),
    "a name that is none": (tool_call("../../mix; rm -rf"), "there is no tool of this name", "unknown tool"),
    "too large": (
        tool_call("mix", {"first": "red", "second": "x" * MOST_ARGUMENTS}),
        "bytes of arguments",
        "oversized arguments",
    ),
    "another type": (tool_call("mix", {"first": 3, "second": "red"}), "first: string type", "wrong arguments"),
    "an argument too many": (
        tool_call("mix", {"first": "red", "second": "blue", "third": "x"}),
        "extra forbidden",
        "wrong arguments",
    ),
    "an argument too few": (tool_call("mix", {"first": "red"}), "second: missing", "wrong arguments"),
    "not to be answered": (tool_call("mix", {"first": "red", "second": "red"}), "one colour", "failed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_misuse_is_told_counted_and_survived(name: str, ledger: Path) -> None:
    reply, said, fault = WRONG[name]
    with ScriptedEndpoint([reply, says(GOOD)]) as served:
        found = ask(served, ledger)
    assert found.kind is Kind.ANSWERED
    (told,) = served.requests[1].told
    assert told.startswith("error: ")
    assert said in told
    line = read_ledger(ledger)[0]
    assert (line.outcome, line.detail, line.tool_calls, line.tool_faults) == (Kind.CALLED_TOOLS, fault, 1, 1)
    assert "1 of them refused" in totals(read_ledger(ledger))[0].other
    assert b"xxxxxxxxxx" not in served.requests[1].raw  # what was too large is not sent back
    assert b"rm -rf" not in served.requests[1].raw


def test_arguments_that_are_no_json_are_asked_for_again(ledger: Path) -> None:
    with ScriptedEndpoint([tool_call("mix", '{"first": "re'), says(GOOD)]) as served:
        found = ask(served, ledger)
    assert (found.kind, found.attempts) == (Kind.ANSWERED, 2)
    assert read_ledger(ledger)[0].outcome in (Kind.MALFORMED, Kind.CALLED_TOOLS)


def test_calls_of_one_round_are_bounded(ledger: Path) -> None:
    many = [("mix", {"first": "red", "second": str(number)}) for number in range(MOST_CALLS + 30)]
    with ScriptedEndpoint([tool_calls(*many), says(GOOD)]) as served:
        assert ask(served, ledger).kind is Kind.ANSWERED
    told = served.requests[1].told
    assert len(told) == MOST_CALLS + 1
    assert told[-1] == f"error: at most {MOST_CALLS} calls at a time"


def test_rounds_are_bounded_and_then_the_tools_are_gone(ledger: Path) -> None:
    def never_content(asked: ChatRequest) -> ChatReply:
        return tool_call("mix", {"first": "red", "second": "blue"}) if asked.offered else says(GOOD)

    with ScriptedEndpoint(never_content) as served:
        found = ask(served, ledger)
    assert (found.kind, len(served.requests)) == (Kind.ANSWERED, MOST_ROUNDS + 1)
    assert [len(request.told) for request in served.requests] == list(range(MOST_ROUNDS + 1))
    assert served.requests[-1].offered == []


def test_a_model_that_only_calls_tools_ends_malformed(ledger: Path) -> None:
    with ScriptedEndpoint(tool_call("mix", {"first": "red", "second": "blue"})) as served:
        found = ask(served, ledger)
    assert (found.kind, found.detail) == (Kind.MALFORMED, "a call of a tool that it was not given")
    assert len(served.requests) == MOST_ROUNDS + LIMITS.attempts


def test_every_round_is_paid_from_the_budget(ledger: Path) -> None:
    with ScriptedEndpoint(tool_call("mix", {"first": "red", "second": "blue"})) as served:
        found = ask(served, ledger, budget=Budget(calls=2))
    assert (found.kind, found.detail, len(served.requests)) == (Kind.OVER_BUDGET, "calls would run out", 2)


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_tools_is_asked_without(status: int, ledger: Path) -> None:
    with ScriptedEndpoint(lambda asked: error(status) if asked.offered else says(GOOD)) as served:
        found = ask(served, ledger)
    assert (found.kind, [request.offered for request in served.requests]) == (Kind.ANSWERED, [["mix"], []])
    assert [entry.outcome for entry in read_ledger(ledger)] == [Kind.REJECTED, Kind.ANSWERED]


def test_a_refusal_beside_a_call_is_a_refusal(ledger: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "mix", "arguments": "{}"}}
    from bankable.tools.llm.scripted_endpoint import completion

    with ScriptedEndpoint(completion(None, refusal="no", tool_calls=[call])) as served:
        assert ask(served, ledger).kind is Kind.REFUSED
