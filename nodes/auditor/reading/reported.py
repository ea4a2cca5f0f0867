"""A producer's claim as it may arrive: any number may be null, which claims nothing."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from bankable.tools.evidence.records import Lever, Limit, Scalar


class ReportedLevel(BaseModel):
    """Claimed goodput and attainment of one side."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    goodput: float | None = None
    """Requests within the limits, per second."""
    attainment: float | None = None
    """Requests within the limits as a share of those that were sent."""
    by_limit: dict[str, float | None] = {}
    """How often each limit was kept, by its key, as a share."""


class ReportedService(BaseModel):
    """Claimed figures about the plan's limits."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    limits: tuple[Limit, ...] = ()
    """Limits that the figures are said to be about."""
    reference: ReportedLevel | None = None
    """Figures of the reference."""
    candidate: ReportedLevel | None = None
    """Figures of the candidate."""
    difference: float | None = None
    """Goodput of the candidate minus that of the reference, requests per second."""
    difference_interval: tuple[float | None, float | None] | None = None
    """Bounds of ``difference``, requests per second."""


class ReportedGuard(BaseModel):
    """Claimed outcome of one guard."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    metric: str | None = None
    """Name of the figure."""
    margin: float | None = None
    """Largest allowed harm, as a fraction."""
    harm: float | None = None
    """Mean harm, as a fraction; positive is worse."""
    interval: tuple[float | None, float | None] | None = None
    """Bounds of ``harm``, as fractions."""
    outcome: str | None = None
    """``held``, ``broken`` or ``undecided``."""


class ReportedClaim(BaseModel):
    """``claim.json`` with every field optional (D06: a null where the raw records are intact is recomputed)."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    comparison: str | None = None
    """Name of the comparison folder."""
    run_id: str | None = None
    """Nonce of the run."""
    lever: Lever | None = None
    """The change under test."""
    metric: str | None = None
    """Name of the metric that ``delta`` is about, such as ``output_throughput``."""
    reference: dict[str, float | None] = {}
    """Figures of the reference, by field name of ``LatencySummary`` and in its units."""
    candidate: dict[str, float | None] = {}
    """Figures of the candidate, as for the reference."""
    delta: float | None = None
    """Relative change of the metric, candidate over reference minus 1."""
    interval: tuple[float | None, float | None] | None = None
    """Bounds of ``delta``, relative."""
    blocks: int | None = None
    """Number of blocks that the figures are over."""
    decision: str | None = None
    """The decision of the statistical rule."""
    headline: str = ""
    """The sentence that would be published."""
    isolated: dict[str, float | None] = {}
    """Isolated speed-ups that the headline quotes, by operator, as ratios reference / candidate."""
    conditions: dict[str, Scalar | None] = {}
    """Server arguments that both legs are said to have run with."""
    service: ReportedService | None = None
    """Goodput and attainment; absent where the plan has no limits."""
    guards: tuple[ReportedGuard, ...] = ()
    """Outcomes of the plan's guards."""
