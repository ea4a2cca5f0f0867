"""The records that evidence is made of, one model per file kind.

Times are Unix seconds (float), durations seconds, rates per second, latencies milliseconds, unless a field says
otherwise. Every model is frozen; unknown fields of records that an engine wrote survive a round trip.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

SCHEMA_VERSION = 1
"""Version of the run folder. A folder with a higher number was written by a newer version and is refused."""

Scalar = bool | int | float | str
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""sha256, lower-case hexadecimal."""


class Record(BaseModel):
    """Base of everything that this project writes: frozen, and strict about what it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    """Built when first used: most audits use few of them, and building all takes longer than such an audit."""


class Side(StrEnum):
    """Which of the two legs of a comparison a launch belongs to."""

    REFERENCE = "reference"
    CANDIDATE = "candidate"


class ComparisonKind(StrEnum):
    """What a comparison is for. A control compares the reference with itself."""

    CONTROL = "control"
    PATCH = "patch"
    BUNDLE = "bundle"


class LaunchPlan(StrEnum):
    """How the two servers of a block share the machine (``statistics.md``)."""

    ALTERNATING = "alternating"
    """One server at a time: launch, measure, stop, then the other. The default on a GPU."""
    CORESIDENT = "coresident"
    """Both up, one loaded at a time, rounds alternate. The default on a CPU."""


class ServerConfig(Record):
    """A server configuration: engine flags by their long name with underscores, and environment variables."""

    flags: dict[str, Scalar] = {}
    """``{"chunked_prefill_size": 32, "disable_radix_cache": True}``; ``True`` is a bare flag, ``False`` is absent."""
    env: dict[str, str] = {}

    def with_lever(self, lever: Lever) -> ServerConfig:
        """This configuration with the lever's values laid over it."""
        return ServerConfig(flags={**self.flags, **lever.flags}, env={**self.env, **lever.env})


class OverlayPart(Record):
    """One operator that an overlay replaces, as the plan declares it before the first launch."""

    implementation: str
    """Id of the implementation, as in the rows of its operator benchmark."""
    digest: Digest
    """Over the files of the overlay folder."""
    source_digest: Digest
    """Of the source file that the operator's patch point must resolve to on the candidate."""
    parameters: dict[str, Scalar] = {}
    """Launch parameters as tuned; the live ones must be these (E02)."""
    table: bool = False
    """Parameters come from a table keyed by shape, so that look-ups have to hit (E03)."""
    bench: int = Field(default=1, ge=1)
    """Attempt of the operator benchmark that the implementation comes from."""


class Lever(Record):
    """A declared change: what the candidate has and the reference has not. Empty for a control."""

    flags: dict[str, Scalar] = {}
    env: dict[str, str] = {}
    overlays: dict[str, OverlayPart] = {}
    """Replaced operators by name."""

    def names(self) -> list[str]:
        """Every flag, variable and operator that the lever changes, sorted."""
        return sorted([*self.flags, *self.env, *self.overlays])

    def settings(self) -> dict[str, Scalar]:
        """Every change by name: flags, variables, and replaced operators with their implementation."""
        return {**self.flags, **self.env, **{name: part.implementation for name, part in self.overlays.items()}}

    def text(self) -> str:
        """``name=value, …``, sorted; empty for a control."""
        return ", ".join(f"{name}={value}" for name, value in sorted(self.settings().items()))

    @model_serializer(mode="wrap")
    def _without_empty_overlays(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A lever of configuration alone is written as it always was, so that older run folders can be resumed."""
        written: dict[str, Any] = dump(self)
        if not self.overlays:
            written.pop("overlays", None)
        return written


class Workload(Record):
    """What a round asks of the server. One workload per comparison; only the seed differs between rounds."""

    dataset: Literal["random-ids", "questions", "sharegpt"] = "random-ids"
    dataset_path: str | None = None
    """Local file for ``questions`` (GSM8K JSONL) and ``sharegpt``; its digest is in ``dataset_digest``."""
    dataset_digest: Digest | None = None
    num_prompts: int = Field(default=48, gt=0)
    input_len: int = Field(default=128, gt=0)
    """Tokens; for random ids the mean when ``range_ratio`` < 1."""
    output_len: int = Field(default=32, gt=0)
    range_ratio: float = Field(default=1.0, ge=0.0, le=1.0)
    """Lengths are drawn from [ratio·len, len]; 1.0 means fixed lengths."""
    request_rate: float | None = Field(default=None, gt=0)
    """Requests per second, Poisson; ``None`` means all at once, bounded by ``concurrency``."""
    concurrency: int = Field(default=12, gt=0)


class Block(Record):
    """One block of a comparison: a fresh reference and a fresh candidate."""

    index: int = Field(ge=0)
    order: tuple[Side, Side]
    """Launch order."""
    rounds: tuple[Side, ...]
    """Order of the timed rounds; alternating plans list all rounds of the first leg, then all of the second."""
    seeds: tuple[int, ...]
    """Data seed of the k-th timed round of a leg: both legs of a block see the same prompts."""
    warmup_seed: int


class Plan(Record):
    """``plan.json``: everything about a comparison that is decided before its first launch."""

    schema_version: int = SCHEMA_VERSION
    name: str
    """Folder name of the comparison, such as ``control`` or ``patch-stream_interval``."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    kind: ComparisonKind
    model: str
    reference: ServerConfig
    lever: Lever
    """The candidate is ``reference`` with this laid over it."""
    workload: Workload
    metric: str = "output_throughput"
    launch_plan: LaunchPlan
    rounds_per_leg: int = Field(gt=0)
    warmup_rounds: int = Field(default=1, ge=1)
    looks: tuple[int, ...]
    """Block counts at which the comparison may stop, ascending; one entry means a fixed n."""
    alpha: float = Field(gt=0, lt=1)
    """One-sided level of each look."""
    floor: float = Field(default=0.01, ge=0)
    """Smallest gain worth banking, as a fraction (δ₀ = log(1 + floor))."""
    blocks: tuple[Block, ...]
    seed: int


class Failure(Record):
    """Why a server did not come up or did not stay up."""

    kind: Literal[
        "out_of_memory",
        "bad_flag",
        "port_taken",
        "died_early",
        "stalled",
        "died_in_round",
        "hung_in_round",
        "not_recorded",
        "unsupported",
    ]
    line: str
    """The log line that shows it, at most 500 characters."""
    line_number: int | None = None


class EngineIdentity(Record):
    """What was launched, independent of its flags."""

    python: str
    """Interpreter version, not its path."""
    sglang: str
    torch: str
    tree_digest: Digest | None
    """Digest over the installed engine package's files (path, size, content of Python sources)."""
    versions: dict[str, str] = {}


class LegSpan(Record):
    """What a launch was busy with, and when."""

    kind: Literal["start", "warmup", "probe", "profile", "round"]
    started: float
    ended: float


class LegRecord(Record):
    """``leg.json``: one launch, from start to stop. Written once, when the launch is over."""

    schema_version: int = SCHEMA_VERSION
    leg_id: str
    """``b03-reference``: block and side; unique in its comparison."""
    comparison: str
    run_id: str
    block: int
    side: Side
    driver: Literal["live", "replay", "attached"]
    lifecycle: Literal["fresh", "attached"]
    model: str
    model_digest: Digest | None
    """Over config.json and the weight files; ``None`` for a server that somebody else started."""
    argv: list[str]
    env: dict[str, str]
    """Allow-listed variables only."""
    config: ServerConfig
    overlay_digest: Digest | None = None
    modules: dict[str, Digest] = {}
    """For each operator under test, on both legs: sha256 of the source file that its patch point resolved to (E08)."""
    engine: EngineIdentity
    device: Literal["cpu", "cuda", "rocm"]
    device_set: list[str]
    host: str
    boot_id: str
    pid: int
    launched_at: float
    ready_at: float | None
    stopped_at: float
    warmups: int
    """Full rounds that were discarded before the first timed one."""
    timed_rounds: int
    status: Literal["complete", "failed"]
    failure: Failure | None = None
    spans: list[LegSpan] = []
    """In order of their end."""
    source: str | None = None
    """For a replayed leg: digest of the recorded leg it came from."""


class RoundStamp(Record):
    """What the measurement layer adds to sglang's record of a round, under the key ``bankable``."""

    leg_id: str
    index: int
    """0-based among the timed rounds; warm-up rounds are not written to ``bench_runs.jsonl``."""
    seed: int
    started: float
    ended: float
    request_digest: Digest
    """Over the sorted prompts and requested lengths of the round."""
    issued: int
    """Requests sent."""
    cpu_s: float
    """CPU seconds that the server's process group used during the round."""
    peer_cpu_s: float | None = None
    """CPU seconds of the idle co-resident server over the same time; ``None`` when there was none."""
    flushed: bool
    """Prefix cache flushed before the round."""


class BenchRun(BaseModel):
    """One line of ``bench_runs.jsonl``: sglang's serving-benchmark record with per-request details and our stamp.

    Only what this project reads is named; everything else that the engine wrote is kept.
    """

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    duration: float
    completed: int
    total_input_tokens: int
    total_output_tokens: int
    output_throughput: float
    request_throughput: float
    median_ttft_ms: float
    median_tpot_ms: float
    median_itl_ms: float
    p99_ttft_ms: float
    p99_tpot_ms: float
    p99_itl_ms: float
    input_lens: list[int]
    output_lens: list[int]
    ttfts: list[float]
    """Seconds, one per request."""
    itls: list[list[float]]
    """Seconds, one list per request."""
    generated_texts: list[str] = []
    errors: list[str]
    cached_tokens: list[int] | None = None
    server_info: dict[str, Any]
    bankable: RoundStamp


class Generation(Record):
    """One line of ``outputs.jsonl``: the greedy answer to a probe prompt."""

    prompt_id: str
    repeat: int
    """0 or 1: asked twice on the same launch, so that determinism is known."""
    prompt: str
    token_ids: list[int]
    text: str
    finish_reason: str
    error: str | None = None


class Answer(Record):
    """One line of ``accuracy.jsonl``: one question, answered greedily after five worked examples."""

    question_id: str
    expected: str
    predicted: str | None
    """``None`` when no number could be read, which is a wrong answer."""
    correct: bool
    text: str
    error: str | None = None
    """A request error; such a line is neither right nor wrong."""


class Engagement(Record):
    """One line of ``engagement.jsonl``: did a declared change take effect in the running server?"""

    operator: str = "flag"
    name: str
    requested: str
    resolved: str | None
    """As the server reports it; ``None`` when the server does not report this name at all."""
    engaged: bool
    source: str = "server_info"


class Tenant(Record):
    """A busy process that belongs neither to the engine nor to the measurement."""

    pid: int
    name: str
    cpu_percent: float
    """Of one core."""


class HostSample(Record):
    """One line of ``host.jsonl``: the machine, once a second."""

    t: float
    cpu_percent: float
    """Whole machine, 0–100."""
    load_1m: float
    mem_available_bytes: int
    cpu_mhz: float | None = None
    steal_percent: float | None = None
    """Time that the hypervisor gave to somebody else."""
    temperature_c: float | None = None
    gpu: list[dict[str, float]] = []
    tenants: list[Tenant] = []


class LatencySummary(Record):
    """Per-leg medians over launches of per-launch medians over rounds."""

    output_throughput: float
    request_throughput: float
    median_ttft_ms: float
    median_tpot_ms: float
    median_itl_ms: float
    p99_ttft_ms: float
    p99_itl_ms: float


class Claim(Record):
    """``claim.json``: what the producer says it measured. The auditor re-derives every number."""

    schema_version: int = SCHEMA_VERSION
    comparison: str
    run_id: str
    lever: Lever
    metric: str
    reference: LatencySummary
    candidate: LatencySummary
    delta: float
    """Mean gain as a fraction: exp(d̄) − 1."""
    interval: tuple[float, float]
    """One-sided bounds L and U of the deciding look, as fractions."""
    blocks: int
    decision: Literal["real", "not_real", "undecided"]
    headline: str
    """The sentence that the producer would print."""
    isolated: dict[str, float] = {}
    """Isolated speed-ups that the headline leans on, by operator: ratio of served-weighted times."""
