"""The claim of a load ladder as a producer wrote it: every field may be missing or wrong."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Bounds = tuple[float | None, float | None]
MOST = 1000
"""Points that are read."""


class ReportedPoint(BaseModel):
    """Figures of one configuration at one load."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    contender: str = Field(max_length=200)
    """Name of the configuration."""
    load: str = Field(max_length=200)
    """Name of the load."""
    launches: int | None = None
    """Launches that served this load."""
    throughput: float | None = None
    """Output tokens per second and device."""
    throughput_interval: Bounds | None = None
    """Bounds of ``throughput``."""
    interactivity: float | None = None
    """Output tokens per second of one user."""
    interactivity_interval: Bounds | None = None
    """Bounds of ``interactivity``."""
    goodput: float | None = None
    """Good requests per second and device."""
    attainment: float | None = None
    """Good requests as a share of those sent."""
    dominated_by: tuple[str, ...] = Field(default=(), max_length=MOST)
    """Points that are said to dominate this one."""


class ReportedOperatingPoint(BaseModel):
    """The configuration named for one load."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    load: str = Field(max_length=200)
    """Name of the load."""
    contender: str = Field(max_length=200)
    """Name of the configuration."""
    config: dict[str, Any] = {}
    """Its flags and environment."""
    undecided: tuple[str, ...] = Field(default=(), max_length=MOST)
    """Configurations that nothing proves to be worse here."""


class ReportedFrontier(BaseModel):
    """``claim.json`` of a ladder."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str | None = None
    """Nonce of the run."""
    points: tuple[ReportedPoint, ...] = Field(default=(), max_length=MOST)
    """Every measured point."""
    operating_points: tuple[ReportedOperatingPoint, ...] = Field(default=(), max_length=MOST)
    """One configuration for each load."""
    best: str | None = None
    """Load of the best operating point."""
    headline: str = ""
    """The sentence that the producer would print."""
