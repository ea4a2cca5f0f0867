"""Exports spans to LangSmith as runs, in batches by the client's multipart upload; verdicts as feedback scores."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal
from uuid import UUID, uuid5

import requests
from langsmith import Client
from langsmith.utils import LangSmithError, LangSmithUserError, LangSmithWarning
from pydantic import ValidationError
from urllib3.util.retry import Retry

from bankable.tools.errors import UserError
from bankable.tools.tracing.outbox import SendError
from bankable.tools.tracing.span import Span
from bankable.tools.tracing.target import OPTION, TraceTarget

TIMEOUT_MS = (3000, 8000)
"""To connect, and to be answered."""
RUN_TYPES: dict[str, Literal["chain", "llm"]] = {"run": "chain", "node": "chain", "audit": "chain", "llm": "llm"}


class LangSmithExporter:
    """One project in one LangSmith."""

    name = "LangSmith"

    def __init__(self, target: TraceTarget, anonymizer: Callable[[Any], Any] | None = None) -> None:
        """Raises ``UserError`` where the library finds the environment at odds with itself."""
        # On a failure it would print addresses and a part of the key; the outbox reports failures.
        # LANGCHAIN_LOG makes the library set its level again when it is used first: nothing is passed on in any case.
        logger = logging.getLogger("langsmith")
        logger.setLevel(logging.CRITICAL)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
        warnings.filterwarnings("ignore", category=LangSmithWarning)
        self._session = requests.Session()
        self._session.trust_env = not target.local
        self._session.max_redirects = 0
        self._failed: list[Exception] = []
        try:
            # What the library would take from the environment or from a profile is set here, except for
            # LANGSMITH_HIDE_INPUTS and similar variables, with which a user sends less.
            self._client = Client(
                api_url=target.url,
                api_key=target.key,
                workspace_id=target.workspace or "",
                session=self._session,
                retry_config=Retry(total=0),
                timeout_ms=TIMEOUT_MS,
                auto_batch_tracing=False,
                anonymizer=anonymizer,
                omit_traced_runtime_info=True,
                tracing_mode="langsmith",
                tracing_sampling_rate=1.0,
                disable_prompt_cache=True,
                tracing_error_callback=self._failed.append,
            )
        except LangSmithUserError as problem:
            raise UserError(
                f"Cannot trace to LangSmith with the environment's settings: {problem}",
                OPTION,
                "correct the LANGSMITH_* variables",
            ) from None
        self._project = target.project
        self._project_id: UUID | None = None
        self._known: set[UUID] = set()
        self._scored: set[UUID] = set()

    def send(self, spans: Sequence[Span]) -> None:
        """Runs first, then the scores of those that have ended."""
        self._failed.clear()
        fresh = [self._run(span) for span in spans if span.id not in self._known]
        changed = [self._run(span) for span in spans if span.id in self._known]
        try:
            self._client.multipart_ingest(create=fresh, update=changed)
        except (LangSmithError, requests.RequestException) as problem:
            raise SendError(_describe(problem)) from None
        if self._failed:  # the upload does not raise: it reports
            raise SendError(_describe(self._failed[0]))
        self._known.update(span.id for span in spans)
        scored = [span for span in spans if span.score is not None and span.id not in self._scored]
        for index, span in enumerate(scored):
            try:
                self._give_score(span)
            except (LangSmithError, requests.RequestException, ValidationError) as problem:
                raise SendError(f"scores: {_describe(problem)}", scored[index:]) from None

    def interrupt(self) -> None:
        """Close the connections."""
        self._session.close()

    def _run(self, span: Span) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            name: ", ".join(value) if isinstance(value, tuple) else value for name, value in span.attributes.items()
        }
        metadata["session_id"] = span.session
        outputs = dict(span.outputs)
        if span.kind == "llm":
            metadata |= {"ls_provider": "openai", "ls_model_type": "chat", "ls_model_name": metadata["model"]}
            outputs["usage_metadata"] = _usage(metadata)
        return {
            "id": span.id,
            "trace_id": span.root,
            "parent_run_id": span.parent,
            "dotted_order": ".".join(f"{at.strftime('%Y%m%dT%H%M%S%fZ')}{who}" for at, who in span.within),
            "session_name": self._project,
            "name": span.name,
            "run_type": RUN_TYPES[span.kind],
            "start_time": span.began,
            "end_time": span.ended,
            "inputs": dict(span.inputs),
            "outputs": outputs if span.ended is not None else None,
            "error": span.error or None,
            "tags": list(span.tags),
            "extra": {"metadata": metadata},
        }

    def _give_score(self, span: Span) -> None:
        assert span.score is not None
        if self._project_id is None:
            self._project_id = self._client.read_project(project_name=self._project).id
        self._client.create_feedback(
            span.id,
            span.score.key,
            score=span.score.value,
            value=span.score.label,
            comment=span.score.comment,
            trace_id=span.root,
            session_id=self._project_id,
            start_time=span.began,
            stop_after_attempt=1,
            # The same verdict sent again is the same feedback.
            feedback_id=uuid5(span.id, span.score.key),
            # A score is no reason to keep, and charge for, a trace longer.
            extend_trace_retention=False,
        )
        self._scored.add(span.id)


def _usage(metadata: dict[str, Any]) -> dict[str, Any]:
    used = {"input_tokens": metadata["input_tokens"], "output_tokens": metadata["output_tokens"]}
    usage: dict[str, Any] = {**used, "total_tokens": sum(used.values())}
    return usage | ({"total_cost": metadata["cost_usd"]} if "cost_usd" in metadata else {})


def _describe(problem: Exception) -> str:
    """A server's and a library's words may repeat keys and addresses: only the kind of failure is passed on."""
    return type(problem).__name__.removeprefix("LangSmith").removesuffix("Error") or "an error"
