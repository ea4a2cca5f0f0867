"""Spans arrive at a real HTTP server as LangSmith's runs and feedback, and a broken server is told as one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings

import pytest

from bankable.tools.errors import UserError
from bankable.tools.package import START
from bankable.tools.tracing.langsmith import LangSmithExporter
from bankable.tools.tracing.outbox import Outbox, SendError
from bankable.tools.tracing.target import TraceTarget
from tests.tools.tracing.servers import PROJECT_ID, LangSmithServer
from tests.tools.tracing.spans import BEGAN, ENDED, audit_in, call_in, ended, run_of, within

LIBRARY_TRIES = 3
"""How often the library posts one batch of a sending."""


def exporter(url: str) -> LangSmithExporter:
    return LangSmithExporter(TraceTarget("langsmith", url, "lsv2_pt_canary"))


def test_runs_arrive_nested_with_names_tags_and_metadata() -> None:
    with LangSmithServer() as server:
        run = run_of()
        node = within(run)
        audit, call = audit_in(node), call_in(node)
        out = exporter(server.url)
        out.send([run, node])
        out.send([ended(run), ended(node), audit, call])
        found = server.runs
    assert found.keys() == {str(entry.id) for entry in (run, node, audit, call)}
    told = found[str(audit.id)]
    assert (told.name, told.run_type, told.tags) == ("audit patch: x", "chain", ["scope:patch", "verdict:FAIL"])
    assert (told.parent_run_id, told.trace_id) == (str(node.id), str(run.id))
    assert (
        told.dotted_order
        == f"20261122T100000123456Z{run.id}.20261122T100000123456Z{node.id}.20261122T100000123456Z{audit.id}"
    )
    assert told.metadata == {"scope": "patch", "rules": "a, b", "attempt": 2, "session_id": "r1"}
    assert told.outputs == {"findings": ["one"]}
    assert (found[str(run.id)].start_time, found[str(run.id)].end_time) == (BEGAN.isoformat(), ENDED.isoformat())
    assert found[str(run.id)].session_name == "bankable"
    llm = found[str(call.id)]
    assert (llm.run_type, llm.metadata["ls_model_name"], llm.metadata["ls_provider"]) == ("llm", "m1", "openai")
    assert llm.outputs["usage_metadata"] == {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "total_cost": 0.25,
    }
    assert {request.headers["x-api-key"] for request in server.requests} == {"lsv2_pt_canary"}
    assert b"lsv2_pt_canary" not in server.everything
    for detail in (b"sdk_version", b"platform", b"py_implementation"):
        assert detail not in b"".join(item.body for item in server.requests)


def test_a_verdict_is_one_feedback_score_however_often_it_is_sent() -> None:
    with LangSmithServer() as server:
        run = run_of()
        audit = audit_in(run)
        out = exporter(server.url)
        out.send([run, audit])
        out.send([audit])
    (score,) = server.feedback
    assert (score["key"], score["score"], score["value"], score["comment"]) == ("verdict.patch", 0.0, "FAIL", "why")
    assert (score["run_id"], score["trace_id"], score["session_id"]) == (str(audit.id), str(run.id), PROJECT_ID)
    assert score["extend_trace_retention"] is False


def test_a_project_that_is_not_found_yet_keeps_the_score_back_and_nothing_else() -> None:
    with LangSmithServer() as server:
        run, out = run_of(), exporter(server.url)
        audit = audit_in(run)
        server.find_project = False
        with pytest.raises(SendError, match="scores: NotFound") as told:
            out.send([run, audit])
        assert told.value.left == [audit]
        server.find_project = True
        out.send(told.value.left)
    assert [entry["key"] for entry in server.feedback] == ["verdict.patch"]


def test_a_server_that_is_older_than_multipart_is_sent_batches() -> None:
    with LangSmithServer() as server:
        server.multipart = False
        run = run_of()
        exporter(server.url).send([run])
    assert [request.path for request in server.requests] == ["/runs/multipart", "/info", "/runs/batch"]
    assert server.runs.keys() == {str(run.id)}


@pytest.mark.parametrize("trouble", ["down", "error", "slow", "redirect"])
def test_a_broken_server_blocks_nobody_and_is_told_in_one_line_without_the_key(
    trouble: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status = {"error": 500, "redirect": 307}.get(trouble, 200)
    delay_s = 60.0 if trouble == "slow" else 0.0
    with LangSmithServer(status, delay_s) as server, LangSmithServer() as elsewhere, socket.socket() as closed:
        server.location = f"{elsewhere.url}/runs/multipart" if trouble == "redirect" else ""
        closed.bind(("127.0.0.1", 0))
        url = server.url if trouble != "down" else f"http://127.0.0.1:{closed.getsockname()[1]}"
        box = Outbox(exporter(url), flush_s=1.0)
        run = run_of()
        for _ in range(100):
            box.put(within(run))
        line = box.close()
        assert elsewhere.requests == []
        assert len([request for request in server.requests if request.path == "/runs/multipart"]) <= LIBRARY_TRIES
    assert line.startswith("LangSmith: 100 of 100 records of the trace were not sent: ")
    assert "\n" not in line
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    assert "canary" not in line


def test_an_environment_at_odds_with_itself_is_a_mistake_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "https://a.example")
    monkeypatch.setenv("LANGSMITH_RUNS_ENDPOINTS", '{"https://b.example": "k"}')
    with pytest.raises(UserError, match="LANGSMITH_RUNS_ENDPOINTS"):
        exporter("https://a.example")


def test_other_addresses_of_the_environment_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with LangSmithServer() as asked, LangSmithServer() as other:
        monkeypatch.setenv("LANGSMITH_RUNS_ENDPOINTS", f'{{"{other.url}": "k"}}')
        monkeypatch.setenv("LANGSMITH_TRACING_MODE", "otel")
        monkeypatch.setenv("HTTP_PROXY", other.url)
        monkeypatch.setenv("http_proxy", other.url)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            exporter(asked.url).send([run_of()])
    assert len(asked.runs) == 1
    assert other.requests == []


DEAD = """
import runpy, socket, sys
runpy.run_path(sys.argv[1])["register"]()
from bankable.tools.tracing.langsmith import LangSmithExporter
from bankable.tools.tracing.outbox import Outbox
from bankable.tools.tracing.target import TraceTarget
from bankable.tools.tracing.span import Span, now
from langsmith import uuid7
closed = socket.socket()
closed.bind(("127.0.0.1", 0))
url = f"http://127.0.0.1:{closed.getsockname()[1]}"
box = Outbox(LangSmithExporter(TraceTarget("langsmith", url, "lsv2_pt_canary0123456789")))
box.put(Span(id=uuid7(), kind="run", name="x", began=now(), session="s"))
print(box.close())
"""


@pytest.mark.parametrize("log", ["", "info", "debug"])
def test_a_dead_endpoint_shows_nothing_of_the_key_whatever_is_to_be_logged(log: str) -> None:
    env = {**os.environ, "LANGCHAIN_LOG": log, "LANGSMITH_TRACING": "true"}
    done = subprocess.run(
        [sys.executable, "-c", DEAD, str(START)], env=env, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "LangSmith: 1 of 1 records of the trace were not sent: Connection\n"
    assert "lsv2_" not in done.stderr
    assert "API Key" not in done.stderr
