"""Traces steps of the state machine as spans through LangGraph's callbacks; the machine does not depend on tracing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langgraph.errors import GraphInterrupt
from langsmith import uuid7

from bankable.graph.findings import read_findings
from bankable.graph.state import Judged
from bankable.graph.trace_attributes import (
    AUDITS,
    PRODUCERS,
    Attributes,
    answer_attributes,
    audit_attributes,
    call_attributes,
    describe_failure,
    step_attributes,
    tags,
)
from bankable.tools.errors import UserError
from bankable.tools.llm.ledger import CallLine, read_ledger
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.serving.driver import StopRequested
from bankable.tools.tracing.span import SCORES, Span, SpanScore, now

KEPT = frozenset({"block", "trial", "verdict", "decision", "note"})
"""Events that are sent to a trace; single rounds and launches would be too many."""
MOST_LINES = 200
ANSWERED = ("measure_patch", "integrator", "eject")
"""Steps that end the responses to a verdict on a lever; what follows is an audit, or another lever."""


class Steps(BaseCallbackHandler):
    """Sends a span for each step, the audit within it, and the calls of language models within that."""

    def __init__(self, send: Callable[[Span], None], root: Span, run: Path, calls: Path | None) -> None:
        self._send, self._root, self._run, self._calls = send, root, run, calls
        self._lock = threading.RLock()
        self._seen, self._size = len(self._lines()), 0
        self._node: Span | None = None
        self._audit: Span | None = None
        self._state: Mapping[str, Any] = {}
        self._told: list[str] = []
        self._open: Judged | None = None
        """The verdict that the current steps respond to."""
        self._first, self._last = True, ""
        self.faults = 0
        """Steps that could not be traced: a defect of the trace never stops the run."""

    def heard(self, event: ProgressEvent) -> None:
        """Attach an event of the run to the span of the current step; calls are sent as soon as they are known."""
        with self._lock:
            if self._node is not None and event.kind in KEPT and len(self._told) < MOST_LINES:
                self._told.append(event.text)
            self._guarded(self._pass_on_calls)

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Start the span of a step; routing functions and the graph itself have none."""
        node_metadata = metadata or {}
        if node_metadata.get("langgraph_node") == more.get("name") and isinstance(inputs, Mapping):
            with self._lock:
                self._guarded(
                    lambda: self._begin(run_id, str(more["name"]), int(node_metadata["langgraph_step"]), inputs)
                )

    def on_chain_end(
        self, outputs: dict[str, Any], *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any
    ) -> None:
        """End the span of a step."""
        with self._lock:
            if self._node is not None and run_id == self._node.id:
                self._guarded(lambda: self._end(outputs if isinstance(outputs, Mapping) else {}))

    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any
    ) -> None:
        """End the span of an interrupted step: by a question to a person, by a stop, or by a failure."""
        with self._lock:
            if self._node is not None and run_id == self._node.id:
                self._guarded(lambda: self._end({}, error))

    def _begin(self, number: UUID, node: str, step: int, state: Mapping[str, Any]) -> None:
        if self._first and isinstance(state.get("judged"), Judged):
            self._open = state["judged"]  # this process continues after a verdict of an earlier one
        self._first = False
        if self._open is not None and node not in AUDITS and not self._answers(node, self._open):
            self._open = None
        self._last = node
        self._state, self._told = state, []
        self._node = self._made(number, "node", node, step_attributes(node, step, state), self._root)
        if self._open is not None and node in PRODUCERS[self._open.scope]:
            held = read_findings(self._run, self._open.folder) if self._open.folder else []
            self._node = replace(self._node, inputs={"answers": audit_attributes(self._open), "findings": held})
        self._send(self._node)
        if node in AUDITS:
            name = f"{node.replace('_', ' ')}"
            self._audit = self._made(uuid7(), "audit", name, {"scope": AUDITS[node]}, self._node)
            self._send(self._audit)

    def _answers(self, node: str, judged: Judged) -> bool:
        return node in PRODUCERS[judged.scope] and self._last not in ANSWERED

    def _end(self, changed: Mapping[str, Any], error: BaseException | None = None) -> None:
        assert self._node is not None
        self._pass_on_calls()
        node, ended = self._node.name, now()
        if self._audit is not None:
            self._end_audit(changed.get("frontier") or changed.get("judged"), ended, error)
        step = self._node.attributes["step"]
        attributes = step_attributes(node, int(str(step)), self._state, None if error else changed)
        outputs: dict[str, object] = {"said": list(self._told)} if self._told else {}
        decisions = [decision.model_dump(mode="json") for decision in changed.get("decisions") or ()]
        outputs |= {"decisions": decisions} if decisions else {}
        self._finish(self._node, attributes, outputs, ended, error)
        self._node = self._audit = None
        judged = changed.get("judged")
        if isinstance(judged, Judged):
            self._open = judged

    def _end_audit(self, judged: object, ended: datetime, error: BaseException | None) -> None:
        assert self._audit is not None
        if not isinstance(judged, Judged):
            self._finish(self._audit, {}, {}, ended, error)
            return
        span = replace(self._audit, name=f"{self._audit.name}: {judged.subject}")
        held = read_findings(self._run, judged.folder) if judged.folder else []
        if judged.verdict in SCORES:
            comment = "\n".join([judged.headline, *held])
            span = replace(
                span, score=SpanScore(f"verdict.{judged.scope}", SCORES[judged.verdict], judged.verdict, comment)
            )
        outputs = {"verdict": judged.verdict, "action": judged.action, "headline": judged.headline, "findings": held}
        self._finish(span, audit_attributes(judged), outputs, ended, error)

    def _finish(
        self,
        span: Span,
        attributes: Attributes,
        outputs: Mapping[str, object],
        ended: datetime,
        error: BaseException | None,
    ) -> None:
        merged: Attributes = {**span.attributes, **attributes}
        kinds = ((GraphInterrupt, "waiting"), (StopRequested, "stopped"))
        more = tuple(word for kind, word in kinds if isinstance(error, kind))
        broken = "" if error is None or more else type(error).__name__
        self._send(
            replace(
                span,
                ended=ended,
                attributes=merged,
                outputs=outputs,
                error=f"{broken}: {error}" if broken else "",
                tags=tags(span.kind, merged, more),
            )
        )

    def _made(self, number: UUID, kind: Any, name: str, attributes: Attributes, around: Span) -> Span:
        merged: Attributes = {**self._of_run(), **attributes}
        if kind == "node" and self._open is not None and name in PRODUCERS[self._open.scope]:
            merged |= answer_attributes(self._open)
        return Span(
            id=number,
            kind=kind,
            name=name,
            began=now(),
            session=self._root.session,
            trail=around.within,
            attributes=merged,
            tags=tags(kind, merged),
        )

    def _of_run(self) -> Attributes:
        return {
            name: value
            for name, value in self._root.attributes.items()
            if name in ("run_id", "session_id", "replay", "resumed")
        }

    def _pass_on_calls(self) -> None:
        around = self._audit or self._node
        if around is None:
            return
        size = self._calls.stat().st_size if self._calls is not None and self._calls.exists() else 0
        if size == self._size:
            return
        lines = self._lines()
        for line in lines[self._seen :]:
            self._send(_call(line, around, self._of_run()))
        self._seen, self._size = max(self._seen, len(lines)), size

    def _lines(self) -> list[CallLine]:
        if self._calls is None or not self._calls.exists():
            return []
        try:
            return read_ledger(self._calls)
        except (OSError, UserError):
            return []

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:  # no failure of a trace is a reason to lose a measurement
            self.faults += 1


def _call(line: CallLine, around: Span, of_run: Attributes) -> Span:
    merged = {**of_run, **call_attributes(line)}
    ended = datetime.fromtimestamp(line.at, UTC)
    began = max(around.began, datetime.fromtimestamp(line.at - line.latency_s, UTC))
    return Span(
        id=uuid7(),
        kind="llm",
        name=f"{line.role}: {line.model}",
        began=min(began, ended),
        ended=ended,
        session=around.session,
        trail=around.within,
        attributes=merged,
        tags=tags("llm", merged),
        error=describe_failure(line),
    )
