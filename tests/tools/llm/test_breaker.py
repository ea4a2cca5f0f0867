"""A server that does not answer is left alone for a while; others are not."""

from __future__ import annotations

import time
from pathlib import Path

from bankable.tools.llm.breaker import IN_A_ROW, REST_S, resting
from bankable.tools.llm.client import Client
from bankable.tools.llm.ledger import CallLedger, CallLine
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.scripted_endpoint import ChatReply, ScriptedEndpoint, says
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint
from tests.tools.llm.test_attempt import GOOD, QUESTION, Colour

ELSEWHERE = endpoint("other", "http://127.0.0.1:2/v1")
SETTINGS = EndpointSettings(endpoint=endpoint("m", "http://127.0.0.1:1/v1"), roles={"judge": ELSEWHERE})


def line(outcome: Kind, role: str = "strategist", at: float = 1000.0, attempt: int = 1) -> CallLine:
    return CallLine(
        at=at,
        role=role,
        model="m",
        attempt=attempt,
        outcome=outcome,
        prompt_tokens=0,
        completion_tokens=0,
        estimated=False,
        latency_s=1.0,
        cost=None,
    )


def test_only_a_row_of_lost_requests_to_the_same_server_counts_and_only_for_a_while() -> None:
    lost = [line(Kind.TIMED_OUT)] * IN_A_ROW
    assert resting(lost, SETTINGS, "integrator", 1001.0) is Kind.TIMED_OUT
    assert resting(lost[1:], SETTINGS, "integrator", 1001.0) is None
    assert resting([*lost[1:], line(Kind.MALFORMED)], SETTINGS, "integrator", 1001.0) is None
    assert resting([*lost, line(Kind.OVER_BUDGET, attempt=0)], SETTINGS, "integrator", 1001.0) is Kind.TIMED_OUT
    assert resting(lost, SETTINGS, "judge", 1001.0) is None  # asked elsewhere
    assert resting([*lost[1:], line(Kind.TIMED_OUT, "judge")], SETTINGS, "integrator", 1001.0) is None
    assert resting(lost, SETTINGS, "integrator", 1000.0 + REST_S) is None


def test_a_silent_server_costs_its_time_once_and_not_for_every_role(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    limits = CallLimits(attempts=IN_A_ROW, attempt_s=1, call_s=9, pause_s=0.01)
    with ScriptedEndpoint(ChatReply(before_s=30)) as served:
        settings = EndpointSettings(endpoint=endpoint("m", served.url), limits=limits)
        first = Client(settings, CallLedger(path), environ={}).ask_now("strategist", QUESTION, Colour)
        sent, begun = len(served.requests), time.monotonic()
        found = Client(settings, CallLedger(path), environ={}).ask_now("integrator", QUESTION, Colour)
    assert (first.kind, sent) == (Kind.TIMED_OUT, IN_A_ROW)
    assert (found.kind, found.attempts, len(served.requests)) == (Kind.TIMED_OUT, 0, sent)
    assert time.monotonic() - begun < 0.3
    last = CallLedger(path).lines[-1]
    assert (last.role, last.attempt, last.detail) == ("integrator", 0, "not asked: the last requests got no answer")


def test_a_question_ends_at_the_callers_wall_too() -> None:
    with ScriptedEndpoint(ChatReply(before_s=30)) as served:
        begun = time.monotonic()
        client = Client(EndpointSettings(endpoint=endpoint("m", served.url)), environ={})
        assert client.ask_now("strategist", QUESTION, Colour, 0.5).kind is Kind.TIMED_OUT
        assert time.monotonic() - begun < 5
    with ScriptedEndpoint(says(GOOD)) as served:
        client = Client(EndpointSettings(endpoint=endpoint("m", served.url)), environ={})
        assert client.ask_now("strategist", QUESTION, Colour, 10).kind is Kind.ANSWERED
