"""The records that evidence is made of, one model per file kind.

Times are Unix seconds (float), durations seconds, rates per second, latencies milliseconds, unless a field says
otherwise. Every model is frozen; unknown fields of records that an engine wrote survive a round trip.
"""

from bankable.tools.evidence.records.base import SCHEMA_VERSION, Digest, Record, Scalar
from bankable.tools.evidence.records.claim import Claim, LatencySummary
from bankable.tools.evidence.records.ladder import (
    Contender,
    FrontierClaim,
    Ladder,
    LoadPoint,
    OperatingPoint,
    PointClaim,
    point_key,
)
from bankable.tools.evidence.records.leg import EngineIdentity, Failure, KernelPackage, LegRecord, LegSpan
from bankable.tools.evidence.records.lever import Lever, OverlayPart, ServerConfig
from bankable.tools.evidence.records.objective import (
    GOODPUT,
    REQUEST_SPEED,
    Guard,
    GuardClaim,
    GuardedFigure,
    Limit,
    LimitedLatency,
    ServiceClaim,
    ServiceLevel,
    describe_limits,
)
from bankable.tools.evidence.records.plan import (
    Block,
    ComparisonKind,
    LaunchPlan,
    Plan,
    ReferenceChoice,
    Side,
)
from bankable.tools.evidence.records.rounds import (
    Answer,
    BenchRun,
    Engagement,
    Generation,
    HostSample,
    RoundStamp,
    Tenant,
)
from bankable.tools.evidence.records.workload import Workload

__all__ = [
    "GOODPUT",
    "REQUEST_SPEED",
    "SCHEMA_VERSION",
    "Answer",
    "BenchRun",
    "Block",
    "Claim",
    "ComparisonKind",
    "Contender",
    "Digest",
    "Engagement",
    "EngineIdentity",
    "Failure",
    "FrontierClaim",
    "Generation",
    "Guard",
    "GuardClaim",
    "GuardedFigure",
    "HostSample",
    "KernelPackage",
    "Ladder",
    "LatencySummary",
    "LaunchPlan",
    "LegRecord",
    "LegSpan",
    "Lever",
    "Limit",
    "LimitedLatency",
    "LoadPoint",
    "OperatingPoint",
    "OverlayPart",
    "Plan",
    "PointClaim",
    "Record",
    "ReferenceChoice",
    "RoundStamp",
    "Scalar",
    "ServerConfig",
    "ServiceClaim",
    "ServiceLevel",
    "Side",
    "Tenant",
    "Workload",
    "describe_limits",
    "point_key",
]
