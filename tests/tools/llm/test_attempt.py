"""Everything that an endpoint can do wrong, over real HTTP: each has its own end, and its line in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from bankable.tools.evidence.records import Record
from bankable.tools.llm.attempt import Prompt
from bankable.tools.llm.client import Client
from bankable.tools.llm.ledger import CallLedger, read_ledger
from bankable.tools.llm.outcome import CallOutcome, Kind, Usage
from bankable.tools.llm.scripted_endpoint import (
    ChatReply,
    ScriptedEndpoint,
    completion,
    error,
    page,
    refusal,
    says,
    tool_call,
)
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint


class Colour(Record):
    """What the model is asked for."""

    word: Literal["red", "blue"]
    number: int


GOOD = {"word": "red", "number": 3}
QUESTION = Prompt("You name colours.", "Which one?")
ONCE = CallLimits(attempts=1, attempt_s=30.0, call_s=60.0)
BRIEFLY = CallLimits(attempts=1, attempt_s=1.0, call_s=2.0)
COUNTED = Usage(100, 20)

Ask = Callable[..., CallOutcome[Colour]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask once; the one line of the ledger says what the outcome says."""

    def asked(reply: ChatReply, limits: CallLimits = ONCE) -> CallOutcome[Colour]:
        path = tmp_path / "calls.jsonl"
        with ScriptedEndpoint(reply) as served:
            client = Client(
                EndpointSettings(endpoint=endpoint("m", served.url), limits=limits), CallLedger(path), environ={}
            )
            found = client.ask_now("judge", QUESTION, Colour)
        (line,) = read_ledger(path)
        assert (line.role, line.model, line.attempt) == ("judge", "m", 1)
        assert (line.outcome, line.detail) == (found.kind, found.detail)
        assert (line.prompt_tokens, line.completion_tokens) == (found.usage.prompt, found.usage.completion)
        assert (found.answer is not None) == (found.kind is Kind.ANSWERED)
        return found

    return asked


def test_an_answer_of_the_shape_asked_for(ask: Ask) -> None:
    found = ask(says(GOOD))
    assert (found.kind, found.answer, found.usage) == (Kind.ANSWERED, Colour(word="red", number=3), COUNTED)
    assert (found.attempts, found.detail) == (1, "")


WRONG: dict[str, tuple[ChatReply, Kind, str]] = {
    "too many requests": (error(429), Kind.RATE_LIMITED, "HTTP 429: too many requests"),
    "no credit": (error(429, code="insufficient_quota"), Kind.DENIED, "HTTP 429: the account has no credit left"),
    "error of the server": (error(500), Kind.SERVER_ERROR, "HTTP 500: an error of the server"),
    "bad gateway as a page": (
        ChatReply(502, b"<html>bad gateway</html>", content_type="text/html"),
        Kind.SERVER_ERROR,
        "HTTP 502: an error of the server",
    ),
    "a page with status 200": (page(), Kind.MALFORMED, "not an answer of chat completions"),
    "a page that calls itself JSON": (
        ChatReply(body=b"<html></html>"),
        Kind.MALFORMED,
        "not an answer of chat completions",
    ),
    "cut connection": (
        ChatReply(body=says(GOOD).body, cut_after=40),
        Kind.CUT,
        "the connection ended during the answer",
    ),
    "truncated JSON": (
        completion('{"word": "re'),
        Kind.MALFORMED,
        "does not match the schema: the whole: json invalid",
    ),
    "wrong enum": (
        says({"word": "green", "number": 1}),
        Kind.MALFORMED,
        "does not match the schema: word: literal error",
    ),
    "a field too many": (
        says({**GOOD, "rm -rf": 1}),
        Kind.MALFORMED,
        "does not match the schema: the whole: extra forbidden",
    ),
    "a field too few": (says({"word": "red"}), Kind.MALFORMED, "does not match the schema: number: missing"),
    "refusal": (refusal(), Kind.REFUSED, "the model refused"),
    "content filter": (completion("", finish="content_filter"), Kind.REFUSED, "a content filter"),
    "no text": (completion("  \n"), Kind.EMPTY, "no text"),
    "null text": (completion(None), Kind.EMPTY, "no text"),
    "cut at its length": (completion('{"wo', finish="length"), Kind.TOO_LONG, "the answer was cut at the token limit"),
    "prompt too long": (
        error(400, code="context_length_exceeded"),
        Kind.TOO_LONG,
        "HTTP 400: the prompt does not fit the model",
    ),
    "prompt too long for another server": (
        error(400, "The input (7000 tokens) is longer than the model's context length (4096 tokens)."),
        Kind.TOO_LONG,
        "HTTP 400: the prompt does not fit the model",
    ),
    "unknown tool": (tool_call("delete_everything"), Kind.MALFORMED, "a call of a tool that it was not given"),
    "wrong key": (error(401), Kind.DENIED, "HTTP 401: the key is not accepted"),
    "no such model": (error(404), Kind.REJECTED, "HTTP 404: no such model, or no such address"),
    "no structured output": (error(400), Kind.REJECTED, "HTTP 400: the request is not accepted"),
    "redirect": (
        ChatReply(302, headers={"location": "http://127.0.0.1:9/"}),
        Kind.REJECTED,
        "HTTP 302: a redirect, which is not followed",
    ),
    "compressed": (
        ChatReply(body=b"\x1f\x8b", headers={"content-encoding": "gzip"}),
        Kind.MALFORMED,
        "a compressed answer, though none was allowed",
    ),
    "a list": (ChatReply(body=b"[]"), Kind.MALFORMED, "not an answer of chat completions"),
    "no choices": (ChatReply(body=b'{"choices":[]}'), Kind.MALFORMED, "not an answer of chat completions"),
    "null choices": (ChatReply(body=b'{"choices":null}'), Kind.MALFORMED, "not an answer of chat completions"),
    "an error with status 200": (
        ChatReply(body=b'{"error":{"message":"x"}}'),
        Kind.MALFORMED,
        "not an answer of chat completions",
    ),
    "nested beyond reason": (ChatReply(body=b"[" * 100_000), Kind.MALFORMED, "not an answer of chat completions"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_has_its_own_end(name: str, ask: Ask) -> None:
    reply, kind, detail = WRONG[name]
    found = ask(reply)
    assert (found.kind, found.detail) == (kind, detail)


@pytest.mark.parametrize(
    "reply",
    [
        ChatReply(body=says(GOOD).body, drip_s=0.05),
        ChatReply(drip_s=0.05, drip_head=True),
        ChatReply(before_s=30),
    ],
    ids=["body byte by byte", "head byte by byte", "silence"],
)
def test_a_slow_answer_ends_at_the_wall(reply: ChatReply, ask: Ask) -> None:
    begun = time.monotonic()
    found = ask(reply, BRIEFLY)
    assert (found.kind, found.detail) == (Kind.TIMED_OUT, "no complete answer within the time limit")
    assert 0.9 < time.monotonic() - begun < 10  # read to their ends they take 16 s and more


@pytest.mark.parametrize(
    "reply",
    [
        says({**GOOD, "word": "x" * (1 << 20)}),
        ChatReply(body=b"x" * 65536, endless=True),
        ChatReply(body=b"", headers={"content-length": "9" * 17}, endless=True),
    ],
    ids=["one megabyte", "without end", "announced"],
)
def test_an_answer_of_a_megabyte_is_refused(reply: ChatReply, ask: Ask) -> None:
    found = ask(reply)
    assert (found.kind, found.detail) == (Kind.TOO_LONG, "the answer is larger than the limit")


def test_an_answer_just_below_the_bound_is_read(ask: Ask) -> None:
    room = (1 << 20) - len(says(GOOD).body)
    padded = ChatReply(body=says(GOOD).body + b" " * room)
    assert ask(padded).kind is Kind.ANSWERED
    assert len(padded.body) == 1 << 20


def test_nobody_there() -> None:
    served = ScriptedEndpoint(says(GOOD))
    url = served.url
    served._server.server_close()
    found = Client(EndpointSettings(endpoint=endpoint("m", url), limits=ONCE), environ={}).ask_now(
        "judge", QUESTION, Colour
    )
    assert (found.kind, found.usage) == (Kind.UNREACHABLE, Usage())


def test_tokens_that_a_server_does_not_count_are_estimated(ask: Ask) -> None:
    prompt = QUESTION.tokens
    assert ask(says(GOOD, usage=False)).usage == Usage(prompt, 10, estimated=True)


def test_tokens_that_nobody_can_have_used_are_not_believed(ask: Ask) -> None:
    found = ask(says(GOOD, usage={"prompt_tokens": -5, "completion_tokens": 10**12, "total_tokens": 1}))
    assert (found.kind, found.usage.estimated) == (Kind.ANSWERED, True)


def test_an_error_costs_nothing_and_a_lost_answer_its_longest(ask: Ask, tmp_path: Path) -> None:
    assert ask(error(500)).usage == Usage()
    (tmp_path / "calls.jsonl").unlink()
    assert ask(ChatReply(before_s=30), BRIEFLY).usage == Usage(QUESTION.tokens, ONCE.answer_tokens, estimated=True)
