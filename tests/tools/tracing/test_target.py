"""What may be typed after ``--trace``, and what the environment adds to it."""

from __future__ import annotations

import pytest

from bankable.tools.errors import UserError
from bankable.tools.tracing.target import LANGSMITH, TraceTarget, targets

KEY = {"LANGSMITH_API_KEY": "lsv2_pt_x"}


def test_the_environment_alone_asks_for_nothing() -> None:
    env = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_ENDPOINT": "https://a.example"}
    assert targets([], KEY | env) == ()


def test_the_environment_names_address_project_and_key_of_what_was_asked_for() -> None:
    assert targets(["langsmith"], KEY) == (TraceTarget("langsmith", LANGSMITH, "lsv2_pt_x", "bankable"),)
    env = {"LANGCHAIN_API_KEY": "k", "LANGCHAIN_ENDPOINT": "https://ls.example/api/", "LANGSMITH_PROJECT": "p"}
    assert targets(["langsmith"], env) == (TraceTarget("langsmith", "https://ls.example/api", "k", "p"),)
    assert targets(["langsmith=https://other.example"], env)[0].url == "https://other.example"


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("otlp=http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("otlp=http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("otlp=https://c.example/otlp/v1/traces", "https://c.example/otlp/v1/traces"),
    ],
)
def test_the_path_of_traces_is_added_where_it_is_missing(typed: str, url: str) -> None:
    assert targets([typed], {}) == (TraceTarget("otlp", url),)


@pytest.mark.parametrize(
    ("typed", "env", "why"),
    [
        (["jaeger"], {}, "invalid or repeated target"),
        (["langsmith", "langsmith"], KEY, "invalid or repeated target"),
        (["otlp"], {}, "invalid URL"),
        (["otlp=ftp://h/x"], {}, "invalid URL"),
        (["otlp=http://10.0.0.7:4318"], {}, "plain http to another machine"),
        (["langsmith=http://ls.example"], KEY, "plain http to another machine"),
        (["otlp=https://me:pw@c.example"], {}, "a user, a query or a fragment"),
        (["otlp=https://c.example/?key=1"], {}, "a user, a query or a fragment"),
        (["langsmith"], {}, "Cannot trace to LangSmith: no key"),
        (["langsmith"], {"LANGSMITH_API_KEY": "a\nb"}, "not printable ASCII"),
        (["langsmith"], KEY | {"LANGSMITH_ENDPOINT": "http://ls.example"}, "plain http to another machine"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_option(typed: list[str], env: dict[str, str], why: str) -> None:
    with pytest.raises(UserError) as told:
        targets(typed, env)
    assert why in str(told.value)
    assert "--trace" in str(told.value) or "LANGSMITH_API_KEY" in str(told.value)
    assert "pw" not in str(told.value)


def test_a_server_on_this_machine_needs_no_key_and_no_target_shows_one() -> None:
    (target,) = targets(["langsmith=http://127.0.0.1:1984"], {})
    assert (target.key, target.local) == ("", True)
    assert "lsv2" not in repr(targets(["langsmith"], KEY))
