"""The request of an audit: what is to be judged."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records import SCHEMA_VERSION, Record

Scope = Literal["baseline", "profile", "patch", "harness", "bundle", "frontier"]


class Request(Record):
    """``request.json``: what the auditor is asked to judge, and from which folders of the run."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    scope: Scope | Literal["pair"]
    """``pair``: two bare legs that no plan of ours stands behind; never sealed from a run."""
    subject: str
    """What is judged: ``control``, ``patch-stream_interval``, ``bundle``, ``profile``; in scope harness an operator."""
    attempt: int
    """1-based."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    comparison: str | None = None
    """Folder under ``comparisons/`` that was sealed as the subject (scope profile: the profile's own folder; scope
    harness: the folder under ``ops/``, of which the attempt is sealed)."""
    control: str | None = None
    """Folder of the A/A control that counts: its legs are the true baseline."""
    components: tuple[str, ...] = ()
    """Audit folders of the accepted patches (scope bundle)."""
    ledger: int | None = None
    """Lines of the run's ledger that were there (scopes patch, bundle and frontier); ``None`` without a ledger."""
    profile: str | None = None
    """Folder of the profile whose shares bound the gain of a replaced operator (scopes patch and bundle)."""
    recorder: int | None = None
    """Lines of the recorder's chain that were there; 0 when the ledger names a recorder whose chain is gone; ``None``
    for a run without a recorder."""

    @model_serializer(mode="wrap")
    def _without_absent_recorder(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The request of a run without a recorder is written as it always was."""
        written: dict[str, Any] = dump(self)
        if self.recorder is None:
            written.pop("recorder", None)
        return written
