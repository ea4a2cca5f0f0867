"""``claim.json``: the producer's reported result. The auditor derives every number again."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records.base import SCHEMA_VERSION, Record
from bankable.tools.evidence.records.lever import Lever
from bankable.tools.evidence.records.objective import GuardClaim, ServiceClaim


class LatencySummary(Record):
    """Figures of one side: medians over launches of per-launch medians over rounds."""

    output_throughput: float
    """Output tokens per second."""
    request_throughput: float
    """Finished requests per second."""
    median_ttft_ms: float
    """Median time to the first token, milliseconds."""
    median_tpot_ms: float
    """Median time per output token after the first, milliseconds."""
    median_itl_ms: float
    """Median time between two tokens, milliseconds."""
    p99_ttft_ms: float
    """99th percentile of the time to the first token, milliseconds."""
    p99_itl_ms: float
    """99th percentile of the time between two tokens, milliseconds."""


class Claim(Record):
    """The producer's claim about one comparison."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    comparison: str
    """Folder name of the comparison."""
    run_id: str
    """Nonce of the run."""
    lever: Lever
    """What the candidate has and the reference has not."""
    metric: str
    """Name of the figure that ``delta`` and ``interval`` are about."""
    reference: LatencySummary
    """Figures of the reference."""
    candidate: LatencySummary
    """Figures of the candidate."""
    delta: float | None
    """Mean gain as a fraction: exp(d̄) − 1, of goodput the ratio of the mean rates − 1; ``None`` over a reference
    whose goodput is not above zero beyond its noise."""
    interval: tuple[float, float] | None
    """One-sided bounds L and U of the deciding look, as fractions; ``None`` where ``delta`` is."""
    blocks: int
    """Blocks that the decision rests on."""
    decision: Literal["real", "not_real", "undecided"]
    """Result of the deciding look."""
    headline: str
    """The sentence that the producer would print."""
    isolated: dict[str, float] = Field(default={})
    """Isolated speed-ups that the headline leans on, by operator: ratio of served-weighted times."""
    service: ServiceClaim | None = None
    """Goodput and attainment of both sides; ``None`` for a plan without limits."""
    guards: tuple[GuardClaim, ...] = ()
    """One entry for each guard of the plan, in its order."""

    @model_serializer(mode="wrap")
    def _without_absent_objective(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A claim without limits and guards is written as it always was."""
        written: dict[str, Any] = dump(self)
        for name in ("service", "guards"):
            if not getattr(self, name):
                written.pop(name, None)
        return written
