"""A claim as it may arrive: any number may be null, and null is not a lie."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from bankable.tools.evidence.records import Lever, Scalar


class ReportedClaim(BaseModel):
    """``claim.json`` without the promise that every figure is there (D06: nulls over intact raw are recomputed)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    comparison: str | None = None
    run_id: str | None = None
    lever: Lever | None = None
    metric: str | None = None
    reference: dict[str, float | None] = {}
    """Figures of the reference, by name of ``LatencySummary``."""
    candidate: dict[str, float | None] = {}
    delta: float | None = None
    interval: tuple[float | None, float | None] | None = None
    blocks: int | None = None
    decision: str | None = None
    headline: str = ""
    isolated: dict[str, float | None] = {}
    """Isolated speed-ups that the headline leans on, by operator."""
    conditions: dict[str, Scalar | None] = {}
    """Server arguments that the summary says both legs ran with."""
