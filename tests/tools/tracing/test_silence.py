"""The libraries do trace by themselves where the environment says so; inside ``silence_tracing`` they do not.

In a process of its own each: the libraries remember what the environment was.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint, says
from tests.graph.conftest import ROOT
from tests.tools.tracing.servers import LangSmithServer

STEP = """
from contextlib import nullcontext
from typing import TypedDict
from langgraph.graph import END, START, StateGraph
from bankable.tools.tracing.silence import silence_tracing

class State(TypedDict):
    a: int

machine = StateGraph(State)
machine.add_node("step", lambda state: {"a": 1})
machine.add_edge(START, "step")
machine.add_edge("step", END)
with CONTEXT():
    print(machine.compile().invoke({"a": 0}))
"""
ASK = """
import sys
from pydantic import BaseModel
from bankable.tools.llm.attempt import Prompt
from bankable.tools.llm.client import Client
from bankable.tools.llm.settings import EndpointSettings, endpoint

class Answer(BaseModel):
    a: int

client = Client(EndpointSettings(endpoint=endpoint("m", sys.argv[1])))
print(client.ask_now("judge", Prompt("canary", "canary"), Answer).kind)
"""


def run(script: str, langsmith: LangSmithServer, *words: str, **more: str) -> str:
    env = {
        **os.environ,
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_API_KEY": "k",
        "LANGSMITH_ENDPOINT": langsmith.url,
        "PYTHONPATH": str(ROOT),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_machine_is_traced_by_the_environment_but_for_this() -> None:
    with LangSmithServer() as open_, LangSmithServer() as silent:
        assert run(STEP.replace("CONTEXT", "nullcontext"), open_) == "{'a': 1}"
        assert run(STEP.replace("CONTEXT", "silence_tracing"), silent) == "{'a': 1}"
    assert len(open_.requests) > 0
    assert silent.requests == []


@pytest.mark.parametrize("name", ["LANGCHAIN_TRACING", "LANGCHAIN_HANDLER"])
def test_a_variable_of_a_tracer_that_is_gone_breaks_nothing(name: str) -> None:
    with LangSmithServer() as server:
        assert run(STEP.replace("CONTEXT", "silence_tracing"), server, **{name: "true"}) == "{'a': 1}"
    assert server.requests == []


def test_a_question_to_a_model_is_not_traced() -> None:
    with LangSmithServer() as server, ScriptedEndpoint(says({"a": 1})) as endpoint:
        assert run(ASK, server, endpoint.url) == "answered"
    assert len(endpoint.requests) == 1
    assert server.requests == []
