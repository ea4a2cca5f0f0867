"""The records that evidence is made of, one model per file kind.

Times are Unix seconds (float), durations seconds, rates per second, latencies milliseconds, unless a field says
otherwise. Every model is frozen; unknown fields of records that an engine wrote survive a round trip.
"""

from bankable.tools.evidence.records.base import SCHEMA_VERSION, Digest, Record, Scalar
from bankable.tools.evidence.records.claim import Claim, LatencySummary
from bankable.tools.evidence.records.leg import EngineIdentity, Failure, KernelPackage, LegRecord, LegSpan
from bankable.tools.evidence.records.lever import Lever, OverlayPart, ServerConfig
from bankable.tools.evidence.records.plan import (
    Block,
    ComparisonKind,
    LaunchPlan,
    Plan,
    ReferenceChoice,
    Side,
    Workload,
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

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
    "BenchRun",
    "Block",
    "Claim",
    "ComparisonKind",
    "Digest",
    "Engagement",
    "EngineIdentity",
    "Failure",
    "Generation",
    "HostSample",
    "KernelPackage",
    "LatencySummary",
    "LaunchPlan",
    "LegRecord",
    "LegSpan",
    "Lever",
    "OverlayPart",
    "Plan",
    "Record",
    "ReferenceChoice",
    "RoundStamp",
    "Scalar",
    "ServerConfig",
    "Side",
    "Tenant",
    "Workload",
]
