"""Exports spans to OpenTelemetry, by OTLP over HTTP, with the names of the GenAI conventions where they apply."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from bankable.tools.tracing.outbox import SendError
from bankable.tools.tracing.span import Span
from bankable.tools.tracing.target import PROJECT, TraceTarget

TIMEOUT_S = 8.0
PREFIX = "bankable."
LOGGERS = ("opentelemetry.exporter.otlp", "opentelemetry.sdk.trace")


class OtlpExporter:
    """One collector. Only spans that have ended are sent: the protocol knows no others."""

    name = "OpenTelemetry"

    def __init__(self, target: TraceTarget) -> None:
        for name in LOGGERS:  # the outbox reports failures
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        session = requests.Session()
        session.trust_env = not target.local
        session.max_redirects = 0
        self._wire = OTLPSpanExporter(target.url, timeout=TIMEOUT_S, compression=Compression.Gzip, session=session)
        self._ids, self._ended = _Ids(), _Collected()
        # Resource.create would add what variables of the environment say of this machine.
        provider = TracerProvider(
            ALWAYS_ON, Resource({"service.name": PROJECT}), id_generator=self._ids, shutdown_on_exit=False
        )
        provider.add_span_processor(SimpleSpanProcessor(self._ended))
        self._tracer = provider.get_tracer(PROJECT)

    def send(self, spans: Sequence[Span]) -> None:
        """Those that have ended, in one request."""
        self._ended.spans.clear()
        for span in spans:
            if span.ended is not None:
                self._record(span)
        if not self._ended.spans:
            return
        if self._wire.export(self._ended.spans) is not SpanExportResult.SUCCESS:
            raise SendError("the collector rejected them")

    def interrupt(self) -> None:
        """End a pause between two tries."""
        self._wire.shutdown()  # type: ignore[no-untyped-call]  # of the library

    def _record(self, span: Span) -> None:
        assert span.ended is not None
        self._ids.trace, self._ids.span = trace_id(span.session), span_id(span.id)
        around = Context()
        if span.parent is not None:
            outer = SpanContext(self._ids.trace, span_id(span.parent), False, TraceFlags(TraceFlags.SAMPLED))
            around = set_span_in_context(NonRecordingSpan(outer), around)
        made = self._tracer.start_span(
            _name(span),
            around,
            SpanKind.CLIENT if span.kind == "llm" else SpanKind.INTERNAL,
            _attributes(span),
            start_time=_nanoseconds(span.began),
        )
        if span.score is not None:
            made.add_event(
                "gen_ai.evaluation.result",
                {
                    "gen_ai.evaluation.name": span.score.key,
                    "gen_ai.evaluation.score.value": span.score.value,
                    "gen_ai.evaluation.score.label": span.score.label,
                    "gen_ai.evaluation.explanation": span.score.comment,
                },
                _nanoseconds(span.ended),
            )
        if span.error:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(_nanoseconds(span.ended))


def trace_id(session: str) -> int:
    """All processes of a run are one trace."""
    return int.from_bytes(sha256(session.encode()).digest()[:16])


def span_id(run: UUID) -> int:
    """The random end of the number."""
    return run.int & (2**64 - 1)


def _name(span: Span) -> str:
    return f"chat {span.attributes['model']}" if span.kind == "llm" else span.name


def _attributes(span: Span) -> dict[str, str | int | float | bool | Sequence[str]]:
    attributes: dict[str, str | int | float | bool | Sequence[str]] = {
        PREFIX + name: value for name, value in span.attributes.items()
    }
    attributes |= {f"{PREFIX}kind": span.kind, f"{PREFIX}tags": span.tags, f"{PREFIX}session_id": span.session}
    attributes |= {
        f"{PREFIX}{name}": _text(value) for name, value in (("inputs", span.inputs), ("outputs", span.outputs)) if value
    }
    if span.kind == "llm":
        span_attributes = span.attributes
        attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": span_attributes["model"],
            "gen_ai.usage.input_tokens": span_attributes["input_tokens"],
            "gen_ai.usage.output_tokens": span_attributes["output_tokens"],
            "gen_ai.agent.name": span_attributes["role"],
        }
    if span.error:
        attributes["error.type"] = str(span.attributes.get("outcome", span.error.partition(":")[0]))
    return attributes


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


class _Ids(IdGenerator):
    """Gives the numbers that a span has already."""

    trace = 0
    span = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class _Collected(SpanExporter):
    """Keeps what has ended until it is sent together."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS
