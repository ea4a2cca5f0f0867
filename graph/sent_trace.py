"""Sends a run's trace: its root span, and the outboxes through which all data leaves, redacted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from langchain_core.callbacks import BaseCallbackHandler
from langsmith import uuid7
from pydantic import ValidationError

from bankable.graph.approval import ApprovalNeeded
from bankable.graph.config import RunConfig
from bankable.graph.run_trace import RunTrace
from bankable.graph.trace_attributes import Attributes, tags
from bankable.graph.trace_steps import Steps
from bankable.nodes.reporter import RunOutcome
from bankable.tools.llm.ledger import CALLS
from bankable.tools.measurement.progress import ProgressEvent, Watcher
from bankable.tools.serving.driver import StopRequested
from bankable.tools.tracing.outbox import Exporter, Outbox
from bankable.tools.tracing.redaction import Redactor
from bankable.tools.tracing.silence import silence_tracing
from bankable.tools.tracing.span import Span, now
from bankable.tools.tracing.target import TraceTarget

NAME = "bankable run"


class SentTrace(RunTrace):
    """Sends a run to every target."""

    def __init__(self, targets: Sequence[TraceTarget], watch: Watcher) -> None:
        super().__init__(watch)
        self._targets = targets
        self._redactor = Redactor()
        self._boxes = [Outbox(self._exporter(target)) for target in targets]
        self._steps: Steps | None = None

    def watch(self, event: ProgressEvent) -> None:
        """Pass on an event, and attach it to the span of its step."""
        super().watch(event)
        if self._steps is not None:
            self._steps.heard(event)

    @contextmanager
    def run(
        self, run_id: str, config: RunConfig, folder: Path, *, resumed: bool
    ) -> Iterator[list[BaseCallbackHandler]]:
        """The root span. Pausing for a person and a requested stop are no errors."""
        root = _root(run_id, config, folder, resumed=resumed)
        for target in self._targets:
            where = f"project {target.project}" if target.kind == "langsmith" else "service bankable"
            self.watch(ProgressEvent("note", f"traced to {target.kind}, {where}: run:{run_id}"))
        self._send(root)
        calls = folder / CALLS if config.llm is not None else None
        self._steps = Steps(self._send, root, folder, calls)
        error, more = "", tuple[str, ...]()
        try:
            with silence_tracing():
                yield [self._steps]
        except ApprovalNeeded:
            more = ("waiting",)
            raise
        except StopRequested:
            more = ("stopped",)
            raise
        except BaseException as problem:
            error = f"{type(problem).__name__}: {problem}"
            raise
        finally:
            self._send(_end_span(root, folder / "outcome.json", error, more))

    def close(self) -> None:
        """Flush the outboxes with a timeout; report in one line each target that did not receive everything."""
        for box in self._boxes:
            box.finish()
        for line in [box.close() for box in self._boxes]:
            if line:
                super().watch(ProgressEvent("note", line))
        if self._steps is not None and self._steps.faults:
            super().watch(ProgressEvent("note", f"{self._steps.faults} steps could not be traced"))

    def _send(self, span: Span) -> None:
        clean = self._redactor.span(span)
        for box in self._boxes:
            box.put(clean)

    def _exporter(self, target: TraceTarget) -> Exporter:
        if target.kind == "langsmith":
            from bankable.tools.tracing.langsmith import LangSmithExporter

            return LangSmithExporter(target, self._redactor.anonymizer)
        from bankable.tools.tracing.otlp import OtlpExporter

        return OtlpExporter(target)


def session_of(run_id: str, config: RunConfig, folder: Path) -> str:
    """What all processes of a run share.

    Replays of one recording have one run id, so the folder distinguishes them.
    """
    if not config.replay:
        return run_id
    return f"{run_id}-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"


def _root(run_id: str, config: RunConfig, folder: Path, *, resumed: bool) -> Span:
    session = session_of(run_id, config, folder)
    attributes: Attributes = {
        "run_id": run_id,
        "session_id": session,
        "replay": config.replay is not None,
        "resumed": resumed,
    }
    inputs = {
        "model": Path(config.model).name,
        "budget_minutes": config.budget_minutes,
        "seed": config.seed,
        "quick": config.quick,
        "tracks": config.tracks,
        "auditor": config.auditor,
        "workload": config.workload.model_dump(mode="json", exclude={"dataset_path"}),
        "flags": config.flags,
        "llm": config.llm.settings.endpoint.model if config.llm is not None else None,
    }
    return Span(
        id=uuid7(),
        kind="run",
        name=NAME,
        began=now(),
        session=session,
        attributes=attributes,
        tags=tags("run", attributes),
        inputs=inputs,
    )


def _end_span(root: Span, outcome: Path, error: str, more: tuple[str, ...]) -> Span:
    ended = replace(root, ended=now(), error=error, tags=(*root.tags, *more))
    try:
        result = RunOutcome.model_validate_json(outcome.read_bytes())
    except (OSError, ValidationError):  # the run has not reached this point yet
        return ended
    outputs = result.model_dump(mode="json", include={"verdict", "headline", "delta", "interval", "accepted"})
    return replace(ended, outputs=outputs, attributes={**root.attributes, "outcome": result.verdict})
