"""``claim.json``: the producer's reported result. The auditor derives every number again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bankable.tools.evidence.records.base import SCHEMA_VERSION, Record
from bankable.tools.evidence.records.lever import Lever


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
    delta: float
    """Mean gain as a fraction: exp(d̄) − 1."""
    interval: tuple[float, float]
    """One-sided bounds L and U of the deciding look, as fractions."""
    blocks: int
    """Blocks that the decision rests on."""
    decision: Literal["real", "not_real", "undecided"]
    """Result of the deciding look."""
    headline: str
    """The sentence that the producer would print."""
    isolated: dict[str, float] = Field(default={})
    """Isolated speed-ups that the headline leans on, by operator: ratio of served-weighted times."""
