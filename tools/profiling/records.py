"""``profile.json``: what a profiled window was made of.

Durations are microseconds, as the profiler writes them; shares are fractions of 1. Two denominators are used and
always named: *operator time* (sum of self times of all operators inside the window, every thread or stream) and
*wall time* (the window less the time the scheduler was idle).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from bankable.tools.evidence.records import SCHEMA_VERSION, Digest, Record


class StepPhase(StrEnum):
    """What a forward step did."""

    PREFILL = "prefill"
    DECODE = "decode"
    MIXED = "mixed"
    """Prompt chunks and running requests in one batch."""
    OTHER = "other"
    """No step that we can name: before the first marker, or a mode that we do not know."""


class OperatorFamily(StrEnum):
    """Kind of work, as far as an operator's name tells."""

    MATMUL = "matmul"
    ATTENTION = "attention"
    NORM = "norm"
    ELEMENTWISE = "elementwise"
    """Pointwise arithmetic and reductions."""
    COPY = "copy"
    """Copies, casts, gathers, scatters, concatenations: bytes move, nothing is computed."""
    SAMPLING = "sampling"
    COMMUNICATION = "communication"
    HOST = "host"
    """Views, allocations, scalar read-backs: bookkeeping of the host, no arithmetic on tensor data."""
    OTHER = "other"


class TraceSource(Record):
    """One trace file that went in."""

    name: str
    """File name."""
    digest: Digest
    """Over the file as it lies on disk, compressed."""
    bytes: int
    """Size of the file as it lies on disk."""
    events: int
    """Events that could be read."""
    torn: bool = False
    """The file ends early; what came before the tear was used."""
    with_stack: bool = False
    """Python frames were recorded too: the file is larger and host time is inflated."""
    malformed: int = 0
    """Events dropped because a field was missing or not a number."""


class PhaseMix(Record):
    """Steps of one phase inside the window."""

    phase: StepPhase
    """What the steps did."""
    steps: int
    """Number of forward steps."""
    requests: int
    """Sum of the batch sizes; a request that is prefilled in two chunks counts twice."""
    tokens: int
    """New tokens computed: prompt tokens for prefill, one per request for decode."""
    median_batch: float
    """Median number of requests in a step."""
    wall_us: float
    """From the scheduler's preparation of a step to that of the next, less idle time."""
    operator_us: float
    """Self time of all operators in these steps, microseconds."""
    wall_share: float
    """Of the wall time of the window."""


class PhaseShare(Record):
    """Part of an operator that ran in one phase."""

    phase: StepPhase
    """What the steps did."""
    us: float
    """Self time in this phase, microseconds."""
    count: int
    """Calls in this phase."""
    share: float
    """Of the operator time of this phase."""


class ShapeShare(Record):
    """One combination of input shapes and dtypes that an operator was called with."""

    dims: str
    """``[[8,256],[256,512]]``, scalars as ``[]``; empty when it recorded none."""
    dtypes: str
    """``["c10::BFloat16","c10::BFloat16"]``."""
    us: float
    """Self time of these calls, microseconds."""
    count: int
    """Number of these calls."""
    share: float
    """Of the operator's own time."""
    phases: dict[StepPhase, int] = Field(default={})
    """Calls per phase."""


class OpShare(Record):
    """One operator, added up over everything it is called (P01)."""

    op: str
    """Name of the operator, without its arguments."""
    family: OperatorFamily
    """Kind of work."""
    symbols: tuple[str, ...]
    """Full names as the trace has them (P06), largest first."""
    symbols_omitted: int = 0
    """Further names that are not listed."""
    launched_by: tuple[str, ...] = ()
    """On a GPU: framework operators that launched these kernels, where the trace links them."""
    us: float
    """Self time: without nested operators, so that nothing counts twice."""
    count: int
    """Number of calls."""
    share: float
    """Of operator time."""
    wall_share: float
    """Of wall time; shares of concurrent streams can add up to more than 1."""
    mean_us: float
    """Mean self time of a call, microseconds."""
    median_us: float
    """Median self time of a call, microseconds."""
    skew: float
    """mean / median over calls. A collective that spins while it waits for a late rank shows a large one (P02)."""
    settled_share: float
    """Share if every call took the median: what a skewed collective costs without its waiting. Same total below."""
    blank_us: float
    """Part of the self time whose calls carry no shapes (P03)."""
    phases: tuple[PhaseShare, ...]
    """Parts by phase."""
    shapes: tuple[ShapeShare, ...]
    """Parts by input shape, largest first."""
    shapes_omitted: int = 0
    """Further shapes that are not listed."""


class FamilyShare(Record):
    """Operator time of one family."""

    family: OperatorFamily
    """Kind of work."""
    us: float
    """Self time of its operators, microseconds."""
    share: float
    """Of operator time."""
    count: int
    """Number of calls."""
    phases: dict[StepPhase, float] = Field(default={})
    """Share of each phase's operator time."""


class ChainShare(Record):
    """A run of framework operators that is one operator to a kernel author, such as RMSNorm in seven calls (P01).

    Times include nested calls and the views in between. Chains are a second view of the same time that ``ops`` adds
    up: the two must not be summed.
    """

    name: str
    """Name of the logical operator."""
    family: OperatorFamily
    """Kind of work."""
    us: float
    """Time of all occurrences, nested calls included, microseconds."""
    count: int
    """Number of occurrences."""
    share: float
    """Of operator time."""
    calls_each: float
    """Top-level framework calls that one occurrence takes, views left out."""
    example: tuple[str, ...]
    """The calls of the costliest occurrence, in order, views left out."""
    phases: tuple[PhaseShare, ...]
    """Parts by phase."""
    shapes: tuple[ShapeShare, ...]
    """By the shape of the chain's first arithmetic call."""
    shapes_omitted: int = 0
    """Further shapes that are not listed."""


class Profile(Record):
    """Where the time of one profiled window went."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    traces: tuple[TraceSource, ...]
    """Files that went in."""
    device: Literal["cpu", "gpu"]
    """``gpu`` when the traces hold kernels: operators are then kernels."""
    phase_source: Literal["markers", "shapes", "none"]
    """How steps were found: the engine's own step spans, the token counts of embedding calls, or not at all."""
    window_us: float
    """First step's preparation to the end of the last finished step, summed over traces."""
    idle_us: float
    """Part of the window in which the scheduler had nothing to do."""
    wall_us: float
    """``window_us − idle_us``, in microseconds."""
    operator_us: float
    """Self time of all operators inside the window, every thread or stream, microseconds."""
    covered_us: float
    """Part of the wall time during which at least one operator ran."""
    outside_us: float
    """Operator time outside the window (start-up and shut-down of the profiler), not counted anywhere else."""
    steps: int
    """Forward steps in the window."""
    phases: tuple[PhaseMix, ...]
    """Steps by phase."""
    tokens_per_decoded: float | None
    """Prompt tokens computed per decoded token in the window; compare with input/output length of the load (P07)."""
    first_phase: StepPhase | None
    """Phase of the first step; ``None`` without steps."""
    idle_share: float
    """Of the window."""
    host_share: float
    """Of wall time: no operator ran. Python, scheduling, launch gaps."""
    blank_shape_share: float
    """Of operator time: calls without shapes (P03)."""
    unphased_share: float
    """Of operator time: not inside a known phase."""
    ops: tuple[OpShare, ...]
    """All operators, largest first, up to the limit of the reader."""
    ops_omitted: int = 0
    """Further operators that are not listed."""
    ops_omitted_share: float = 0.0
    """Of operator time: what is not listed."""
    families: tuple[FamilyShare, ...]
    """Operator time by kind of work, largest first."""
    chains: tuple[ChainShare, ...] = ()
    """Logical operators, largest first."""
    notes: tuple[str, ...] = Field(default=())
    """What a reader has to know before trusting this window, in plain words."""

    def top(self, n: int) -> tuple[OpShare, ...]:
        """The ``n`` largest operators."""
        return self.ops[:n]

    def phase(self, phase: StepPhase) -> PhaseMix | None:
        """Steps of that phase, ``None`` when the window has none."""
        return next((mix for mix in self.phases if mix.phase == phase), None)
