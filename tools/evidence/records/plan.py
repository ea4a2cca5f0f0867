"""``plan.json``: everything about a comparison that is decided before its first launch."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records.base import SCHEMA_VERSION, Record
from bankable.tools.evidence.records.ladder import Ladder
from bankable.tools.evidence.records.lever import Lever, ServerConfig
from bankable.tools.evidence.records.objective import Guard, Limit
from bankable.tools.evidence.records.workload import Workload


class Side(StrEnum):
    """Which of the two legs of a comparison a launch belongs to."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"


class ComparisonKind(StrEnum):
    """What a comparison is for. A control compares the reference with itself, a ladder serves several loads."""

    CONTROL = "control"
    PATCH = "patch"
    BUNDLE = "bundle"
    LADDER = "ladder"


class LaunchPlan(StrEnum):
    """How the two servers of a block share the machine (``statistics.md``)."""

    ALTERNATING = "alternating"
    """One server at a time: launch, measure, stop, then the other. The default on a GPU."""
    CORESIDENT = "coresident"
    """Both up, one loaded at a time, rounds alternate. The default on a CPU."""


class Block(Record):
    """One block of a comparison: a fresh reference and a fresh candidate."""

    index: int = Field(ge=0)
    """Place in the plan, 0-based."""
    order: tuple[Side, Side]
    """Launch order."""
    rounds: tuple[Side, ...]
    """Order of the timed rounds; alternating plans list all rounds of the first leg, then all of the second."""
    seeds: tuple[int, ...]
    """Data seed of the k-th timed round of a leg: both legs of a block see the same prompts."""
    warmup_seed: int
    """Data seed of the warm-up rounds of both legs."""


class ReferenceChoice(Record):
    """How the reference was chosen: from the machine, the engine, and the number of servers beside each other."""

    cores: int = Field(gt=0)
    """CPU cores that this run may use."""
    servers: int = Field(gt=0)
    """Servers that are up at the same time."""
    threads: int = Field(gt=0)
    """Threads of one server: its share of the cores."""
    kernels: str
    """Kernel package that the engine dispatches to, name and version; empty where it has none."""
    reasons: dict[str, str]
    """Why each setting has its value, by the name of the setting."""


class Plan(Record):
    """The declaration of a comparison, written before its first launch."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    name: str
    """Folder name of the comparison, such as ``control`` or ``patch-stream_interval``."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    kind: ComparisonKind
    """What the comparison is for."""
    model: str
    """Path or name of the model that both sides serve."""
    reference: ServerConfig
    """Configuration of the reference."""
    lever: Lever
    """The candidate is ``reference`` with this laid over it."""
    workload: Workload
    """Load of every round."""
    metric: str = "output_throughput"
    """Name of the figure that decides: one of ``bench_runs.jsonl``, or ``goodput`` or ``request_speed``."""
    limits: tuple[Limit, ...] = Field(default=(), max_length=20)
    """Latency limits of a good request; empty where none were asked for."""
    guards: tuple[Guard, ...] = Field(default=(), max_length=20)
    """Other figures that must not get worse by more than a margin; empty where none were asked for."""
    launch_plan: LaunchPlan
    """How the two servers of a block share the machine."""
    rounds_per_leg: int = Field(gt=0)
    """Timed rounds of each launch."""
    warmup_rounds: int = Field(default=1, ge=1)
    """Full rounds that each launch discards before its first timed one."""
    looks: tuple[int, ...]
    """Block counts at which the comparison may stop, ascending; one entry means a fixed n."""
    alpha: float = Field(gt=0, lt=1)
    """One-sided level of each look."""
    floor: float = Field(default=0.01, ge=0)
    """Smallest gain worth banking, as a fraction (δ₀ = log(1 + floor))."""
    blocks: tuple[Block, ...]
    """All blocks up to the last look, in order."""
    seed: int
    """From which every order and data seed of this plan was drawn."""
    chosen: ReferenceChoice | None = None
    """How the true baseline was chosen; ``None`` where this project did not choose it."""
    ladder: Ladder | None = None
    """Configurations and loads of a load ladder; ``None`` for a comparison of two configurations at one load."""

    @model_serializer(mode="wrap")
    def _without_absent_choices(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A plan without them is written as it always was, so that older run folders can be resumed."""
        written: dict[str, Any] = dump(self)
        for name in ("chosen", "limits", "guards", "ladder"):
            if not getattr(self, name):
                written.pop(name, None)
        return written
