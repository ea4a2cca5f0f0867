"""The frontier of a load ladder as a report shows it."""

from __future__ import annotations

from bankable.tools.evidence.records import Record

Interval = tuple[float, float]


class ReportPoint(Record):
    """One configuration at one load."""

    contender: str
    """Name of the configuration."""
    load: str
    """Name of the load, such as ``c8``."""
    launches: int
    """Launches that served it."""
    throughput: float
    """Output tokens per second and device."""
    throughput_interval: Interval | None
    """Two-sided 95 % bounds."""
    interactivity: float
    """Output tokens per second of one user."""
    interactivity_interval: Interval | None
    """Two-sided 95 % bounds."""
    goodput: float | None
    """Good requests per second and device; ``None`` without limits."""
    attainment: float | None
    """Good requests as a share of those sent, 0–1; ``None`` without limits."""
    dominated_by: tuple[str, ...]
    """Points that are proven to dominate it."""


class ReportLoad(Record):
    """The configuration that is named for one load."""

    load: str
    """Name of the load."""
    contender: str
    """Name of the configuration."""
    undecided: tuple[str, ...]
    """Configurations that nothing proves to be worse here."""
    best: bool
    """Whether the deciding figure is the largest of all loads."""


class ReportFrontier(Record):
    """A load ladder."""

    headline: str
    """The producer's sentence."""
    verdict: str
    """The auditor's verdict; empty when it was not audited."""
    limits: str
    """Latency limits, in words; empty without any."""
    blocks: int
    """Blocks that were measured."""
    contenders: tuple[str, ...]
    """Names of the configurations, in the order of the plan."""
    points: tuple[ReportPoint, ...]
    """All measured points."""
    loads: tuple[ReportLoad, ...]
    """One configuration for each load."""
