"""A load ladder: several configurations served at several loads, and the frontier that they form.

Throughput is output tokens per second and device, interactivity is 1000 / median TPOT: output tokens per second that
one user sees.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records.base import SCHEMA_VERSION, Record
from bankable.tools.evidence.records.lever import ServerConfig
from bankable.tools.evidence.records.workload import Workload

MOST_CONTENDERS, MOST_LOADS = 12, 12
NAME = r"^[A-Za-z0-9][A-Za-z0-9._=+-]{0,80}$"


class LoadPoint(Record):
    """One load of a ladder."""

    name: str = Field(pattern=NAME)
    """Name of the load: ``c8`` for 8 requests in flight, ``r2.5`` for 2.5 requests per second."""
    workload: Workload
    """What each round at this load asks of the server."""


class Contender(Record):
    """One configuration of a ladder."""

    name: str = Field(pattern=NAME)
    """Name of the configuration, unique in the ladder."""
    config: ServerConfig
    """Flags and environment of its server."""


class Ladder(Record):
    """Part of a plan: declared before the first launch."""

    contenders: tuple[Contender, ...] = Field(min_length=1, max_length=MOST_CONTENDERS)
    """Configurations, the reference first."""
    loads: tuple[LoadPoint, ...] = Field(min_length=1, max_length=MOST_LOADS)
    """Loads in the order in which a launch serves them."""
    rounds_per_load: int = Field(gt=0, le=100)
    """Timed rounds of a launch at each load. Round k at the l-th load has index l · rounds_per_load + k."""
    orders: tuple[tuple[int, ...], ...]
    """By block: order of the contenders, as places in ``contenders``. Rounds take turns in it, then in its mirror."""

    @property
    def count_points(self) -> int:
        """Operating points: configurations times loads."""
        return len(self.contenders) * len(self.loads)

    @property
    def family(self) -> int:
        """Hypotheses "this point dominates that one": ordered pairs of different points."""
        return self.count_points * (self.count_points - 1)


class PointClaim(Record):
    """Figures of one configuration at one load."""

    contender: str
    """Name of the configuration."""
    load: str
    """Name of the load."""
    launches: int
    """Launches that served this load."""
    throughput: float
    """Output tokens per second and device: geometric mean over launches of the median over rounds."""
    throughput_interval: tuple[float, float] | None
    """Two-sided 95 % bounds of ``throughput``; ``None`` for one launch."""
    interactivity: float
    """Output tokens per second of one user, 1000 / median TPOT in ms: geometric mean over launches."""
    interactivity_interval: tuple[float, float] | None
    """Two-sided 95 % bounds of ``interactivity``; ``None`` for one launch."""
    goodput: float | None = None
    """Requests within all limits, per second and device: mean over launches; ``None`` without limits."""
    attainment: float | None = None
    """Good requests as a share of those that were sent, 0–1; ``None`` without limits."""
    dominated_by: tuple[str, ...] = ()
    """Points (``configuration@load``) that are proven to dominate this one; empty for a point of the frontier."""

    @property
    def key(self) -> str:
        """``configuration@load``."""
        return point_key(self.contender, self.load)


class OperatingPoint(Record):
    """The configuration that is named for one load."""

    load: str
    """Name of the load, and of the operating point: ``launch.sh --point c8``."""
    contender: str
    """Name of the configuration."""
    config: ServerConfig
    """Flags and environment of its server."""
    undecided: tuple[str, ...] = ()
    """Other configurations that nothing proves to be worse at this load; empty where the choice is proven."""


class FrontierClaim(Record):
    """``claim.json`` of a ladder. The auditor derives all of it again from the records of the requests."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    comparison: str
    """Folder name of the ladder."""
    run_id: str
    """Nonce of the run."""
    blocks: int
    """Blocks that were measured."""
    points: tuple[PointClaim, ...]
    """Every point that was measured, in the order of the plan."""
    operating_points: tuple[OperatingPoint, ...]
    """One configuration for each load, in the order of the plan."""
    best: str
    """Load whose named configuration has the largest deciding figure: goodput with limits, else throughput."""
    headline: str
    """The result in one sentence."""

    @model_serializer(mode="wrap")
    def _without_absent_limits(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without limits there is neither goodput nor attainment."""
        written: dict[str, Any] = dump(self)
        for point in written.get("points", ()):
            for name in ("goodput", "attainment"):
                if point.get(name) is None:
                    point.pop(name, None)
        return written


def point_key(contender: str, load: str) -> str:
    """``configuration@load``."""
    return f"{contender}@{load}"
