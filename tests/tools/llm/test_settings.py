"""Who is asked, where, and with which key; and that the key stays where it is."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.llm.address import OPENAI, check_address, is_loopback
from bankable.tools.llm.client import Client
from bankable.tools.llm.key import key_for
from bankable.tools.llm.ledger import CallLedger
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, ScriptedEndpoint, error, page, says
from bankable.tools.llm.settings import Budget, CallLimits, EndpointSettings, Price, endpoint
from bankable.tools.llm.settings import Endpoint as Place
from bankable.tools.llm.wire import HEADERS
from tests.tools.llm.test_attempt import GOOD, QUESTION, Colour

ROOT = Path(__file__).resolve().parents[3]
CANARY = "sk-canary-4f1d0c77"


@pytest.mark.parametrize(
    "url", ["https://api.example.com/v1", "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1", "http://localhost:1/v1"]
)
def test_addresses_that_may_be_used(url: str) -> None:
    assert check_address(url + "/") == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://api.example.com/v1", "plain http to another machine"),
        ("http://127.0.0.1.example.com/v1", "plain http to another machine"),
        ("http://localhost.example.com/v1", "plain http to another machine"),
        (f"https://user:{CANARY}@host/v1", "a user, a query or a fragment"),
        (f"https://host/v1?key={CANARY}", "a user, a query or a fragment"),
        ("ftp://host/v1", "invalid URL"),
        ("host/v1", "invalid URL"),
        ("https:///v1", "invalid URL"),
        ("http://127.0.0.1:99999/v1", "invalid URL"),
        ("https://ho st/v1", "invalid URL"),
        ("https://host/\nx", "invalid URL"),
        ("", "invalid URL"),
    ],
)
def test_addresses_that_may_not(url: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        endpoint("m", url)
    assert "\n" not in str(caught.value)
    assert CANARY not in str(caught.value)


def test_plain_http_can_be_asked_for() -> None:
    assert endpoint("m", "http://10.0.0.7:8000/v1", plain_http=True).base_url == "http://10.0.0.7:8000/v1"
    assert not is_loopback("http://10.0.0.7:8000/v1")


def test_names_of_models() -> None:
    assert endpoint("openai:gpt-x") == Place(model="gpt-x", base_url=OPENAI)
    assert endpoint("llama3:8b", "http://127.0.0.1:1/v1").model == "llama3:8b"
    for name in ("", "openai:", "a\nb"):
        with pytest.raises(UserError, match="missing model name"):
            endpoint(name)


def test_a_budget_in_money_needs_a_price() -> None:
    with pytest.raises(UserError, match="no price for m"):
        EndpointSettings(endpoint=endpoint("m"), budget=Budget(money=1))
    priced = {"m": Price(prompt=1, completion=2)}
    EndpointSettings(endpoint=endpoint("m"), budget=Budget(money=1), prices=priced)
    other = {"judge": endpoint("n")}
    with pytest.raises(UserError, match="no price for n"):
        EndpointSettings(endpoint=endpoint("m"), roles=other, role_budgets={"judge": Budget(money=1)}, prices=priced)
    EndpointSettings(endpoint=endpoint("m"), roles=other, role_budgets={"a": Budget(money=1)}, prices=priced)


def test_whose_key_goes_where() -> None:
    theirs, here, elsewhere = endpoint("m"), endpoint("m", "http://127.0.0.1:1"), endpoint("m", "https://host/v1")
    every = {"OPENAI_API_KEY": "theirs", "BANKABLE_LLM_KEY": "ours", "BANKABLE_LLM_KEY_JUDGE": "judge"}
    assert key_for("judge", elsewhere, every).get_secret_value() == "judge"
    assert key_for("tuner", elsewhere, every).get_secret_value() == "ours"
    only = {"OPENAI_API_KEY": "theirs"}
    assert key_for("judge", theirs, only).get_secret_value() == "theirs"
    assert key_for("judge", here, only).get_secret_value() == "none"
    with pytest.raises(UserError, match="Set BANKABLE_LLM_KEY in the environment"):
        key_for("judge", elsewhere, only)
    with pytest.raises(UserError, match="Set OPENAI_API_KEY in the environment"):
        key_for("judge", theirs, {})


@pytest.mark.parametrize("key", [f"{CANARY}\nX-Other: 1", f"{CANARY}ü", f"{CANARY} x", "  "])
def test_a_key_that_is_none_is_not_repeated(key: str) -> None:
    with pytest.raises(UserError) as caught:
        key_for("judge", endpoint("m"), {"BANKABLE_LLM_KEY": key})
    assert CANARY not in str(caught.value)


def _echo(status: int) -> ChatReply:
    """A server that repeats the key wherever it can."""
    told = error(status, f"wrong key {CANARY}", code=CANARY)
    return ChatReply(
        told.status, told.body, {"x-request-id": CANARY, "www-authenticate": CANARY, "retry-after": CANARY}
    )


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # filtered by the client; pytest resets filters
@pytest.mark.parametrize(
    "reply",
    [
        says(GOOD),
        page(f"<html>{CANARY}</html>"),
        _echo(401),
        _echo(429),
        _echo(500),
        _echo(200),
        says(CANARY),
        says({**GOOD, CANARY: CANARY}),
        says(GOOD, usage={"prompt_tokens": CANARY, "completion_tokens": 1}),
        ChatReply(body=CANARY.encode(), cut_after=3),
    ],
)
def test_the_key_reaches_the_server_and_nothing_else(
    reply: ChatReply, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    ledger = CallLedger(tmp_path / "calls.jsonl")
    with ScriptedEndpoint(reply) as served:
        settings = EndpointSettings(
            endpoint=endpoint("m", served.url), limits=CallLimits(attempts=2, attempt_s=20, call_s=40, pause_s=0.01)
        )
        client = Client(settings, ledger, environ={"BANKABLE_LLM_KEY": CANARY})
        found = client.ask_now("judge", QUESTION, Colour)
    assert {request.headers["authorization"] for request in served.requests} == {f"Bearer {CANARY}"}
    assert all(CANARY not in entry.raw.decode() for entry in served.requests)
    written = (tmp_path / "calls.jsonl").read_text()
    assert written.count("\n") == len(served.requests)
    shown = "".join(capfd.readouterr())
    for place in (written, repr(found), repr(settings), settings.model_dump_json(), caplog.text, shown):
        assert CANARY not in place


def test_the_libraries_do_not_print_what_a_server_sends() -> None:
    """In a process of its own, because pytest has filters of warnings of its own."""
    code = (
        "import sys\nfrom tests.tools.llm.test_attempt import QUESTION, Colour\n"
        "from bankable.tools.llm.client import Client\n"
        "from bankable.tools.llm.settings import EndpointSettings, endpoint, CallLimits\n"
        "settings = EndpointSettings(endpoint=endpoint('m', sys.argv[1]), limits=CallLimits(attempts=1))\n"
        "print(Client(settings, environ={}).ask_now('judge', QUESTION, Colour).kind)"
    )
    with ScriptedEndpoint(says(GOOD, usage={"prompt_tokens": CANARY, "completion_tokens": 1})) as served:
        done = subprocess.run(
            [sys.executable, "-c", code, served.url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
        )
    assert (done.stdout, done.stderr) == ("malformed\n", "")


def test_debug_logs_do_not_hold_the_key_either(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedEndpoint(says(GOOD)) as served:
        client = Client(EndpointSettings(endpoint=endpoint("m", served.url)), environ={"BANKABLE_LLM_KEY": CANARY})
        assert client.ask_now("judge", QUESTION, Colour).kind is Kind.ANSWERED
    assert caplog.records
    assert CANARY not in caplog.text


def test_a_redirect_takes_neither_prompt_nor_key_along() -> None:
    with ScriptedEndpoint(says(GOOD)) as elsewhere:
        to = f"{elsewhere.url}/chat/completions"
        with ScriptedEndpoint(lambda _: ChatReply(307, headers={"location": to})) as served:
            client = Client(EndpointSettings(endpoint=endpoint("m", served.url)), environ={"BANKABLE_LLM_KEY": CANARY})
            assert client.ask_now("judge", QUESTION, Colour).kind is Kind.REJECTED
        assert elsewhere.requests == []


def test_nothing_of_the_environment_or_the_machine_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_ORG_ID",
        "OPENAI_ORGANIZATION",
        "OPENAI_PROJECT_ID",
        "OPENAI_CUSTOM_HEADERS",
        "OPENAI_API_KEY",
        "OPENAI_API_BASE",
        "OPENAI_BASE_URL",
    ):
        monkeypatch.setenv(name, f"X-Told: {CANARY}" if name == "OPENAI_CUSTOM_HEADERS" else CANARY)
    with ScriptedEndpoint(says(GOOD)) as served:
        client = Client(EndpointSettings(endpoint=endpoint("m", served.url)))
        assert client.ask_now("judge", QUESTION, Colour).kind is Kind.ANSWERED
    (sent,) = served.requests
    assert CANARY not in sent.everything
    assert sent.headers.keys() <= HEADERS
    assert sent.headers["authorization"] == "Bearer none"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: ChatRequest) -> ChatReply:
        raise AssertionError

    with ScriptedEndpoint(refuse) as proxy, ScriptedEndpoint(says(GOOD)) as served:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        client = Client(EndpointSettings(endpoint=endpoint("m", served.url)), environ={})
        assert client.ask_now("judge", QUESTION, Colour).kind is Kind.ANSWERED
        assert proxy.requests == []
