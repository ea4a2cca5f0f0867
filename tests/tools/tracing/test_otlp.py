"""Spans arrive at a real collector, decoded from its protobuf."""

from __future__ import annotations

import pytest

from bankable.tools.tracing.otlp import OtlpExporter
from bankable.tools.tracing.outbox import Outbox
from bankable.tools.tracing.target import targets
from tests.tools.tracing.servers import Collector, attributes
from tests.tools.tracing.spans import BEGAN, ENDED, audit_in, call_in, ended, run_of, within


def exporter(server: Collector) -> OtlpExporter:
    return OtlpExporter(targets([f"otlp={server.url}"], {})[0])


def test_spans_arrive_nested_in_one_request_and_only_ended_ones() -> None:
    with Collector() as server:
        run = run_of()
        node = within(run)
        out = exporter(server)
        out.send([run, node])
        assert server.requests == []
        out.send([ended(run), ended(node), audit_in(node)])
    assert [request.headers["content-type"] for request in server.requests] == ["application/x-protobuf"]
    root, step, audit = server.spans
    assert [entry.name for entry in (root, step, audit)] == ["bankable run", "audit_patch", "audit patch: x"]
    assert (root.parent_span_id, step.parent_span_id, audit.parent_span_id) == (b"", root.span_id, step.span_id)
    assert len({span.trace_id for span in server.spans}) == 1
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (
        int(BEGAN.timestamp() * 1e6) * 1000,
        int(ENDED.timestamp() * 1e6) * 1000,
    )
    told = attributes(audit)
    assert (told["bankable.scope"], told["bankable.rules"], told["bankable.attempt"]) == ("patch", ["a", "b"], 2)
    assert told["bankable.tags"] == ["scope:patch", "verdict:FAIL"]
    (event,) = audit.events
    assert (event.name, attributes(event)["gen_ai.evaluation.score.value"]) == ("gen_ai.evaluation.result", 0.0)


def test_a_request_to_a_model_follows_the_conventions_of_genai() -> None:
    with Collector() as server:
        run = run_of()
        exporter(server).send([call_in(run), call_in(run, error="refused: the model refused")])
    good, bad = server.spans
    assert (good.name, good.kind) == ("chat m1", 3)
    told = attributes(good)
    assert {name: told[name] for name in told if name.startswith("gen_ai")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m1",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.agent.name": "judge",
    }
    assert (bad.status.code, bad.status.message) == (2, "refused: the model refused")


def test_a_resumed_run_joins_the_same_trace_and_another_run_does_not() -> None:
    with Collector() as server:
        exporter(server).send([ended(run_of("r1"))])
        exporter(server).send([ended(run_of("r1"))])
        exporter(server).send([ended(run_of("r2"))])
    assert len({span.trace_id for span in server.spans}) == 2
    assert len({entry.span_id for entry in server.spans}) == 3


def test_nothing_of_the_environment_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=canary")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "canary")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with Collector() as server:
        exporter(server).send([ended(run_of())])
    assert len(server.spans) == 1
    assert b"canary" not in server.everything


@pytest.mark.parametrize(("status", "delay_s"), [(500, 0.0), (503, 0.0), (200, 60.0)])
def test_a_broken_collector_is_told_in_one_line(status: int, delay_s: float, capfd: pytest.CaptureFixture[str]) -> None:
    with Collector(status, delay_s) as server:
        box = Outbox(exporter(server), flush_s=1.0)
        box.put(ended(run_of()))
        line = box.close()
    assert line.startswith("OpenTelemetry: 1 of 1 records of the trace were not sent: ")
    assert capfd.readouterr().err == ""
