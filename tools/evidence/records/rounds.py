"""Records of a launch: timed rounds, greedy probes, answers, engagement and host samples."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records.base import Digest, Record


class RoundStamp(Record):
    """What the measurement layer adds to sglang's record of a round, under the key ``bankable``."""

    leg_id: str
    """Leg that the round was measured on."""
    index: int
    """0-based among the timed rounds; warm-up rounds are not written to ``bench_runs.jsonl``."""
    seed: int
    """Data seed of the round."""
    started: float
    """Unix seconds at which the load began."""
    ended: float
    """Unix seconds at which the last answer was in."""
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
    """Seconds from the first request to the last answer."""
    completed: int
    """Requests that were answered."""
    total_input_tokens: int
    """Prompt tokens of all answered requests."""
    total_output_tokens: int
    """Output tokens of all answered requests."""
    output_throughput: float
    """Output tokens per second."""
    request_throughput: float
    """Answered requests per second."""
    median_ttft_ms: float
    """Median time to the first token, milliseconds."""
    median_tpot_ms: float
    """Median time per output token after the first, milliseconds."""
    median_itl_ms: float
    """Median time between two tokens, milliseconds."""
    p99_ttft_ms: float
    """99th percentile of the time to the first token, milliseconds."""
    p99_tpot_ms: float
    """99th percentile of the time per output token, milliseconds."""
    p99_itl_ms: float
    """99th percentile of the time between two tokens, milliseconds."""
    input_lens: list[int]
    """Prompt tokens, one number per request."""
    output_lens: list[int]
    """Output tokens, one number per request."""
    ttfts: list[float]
    """Seconds, one per request."""
    itls: list[list[float]]
    """Seconds, one list per request."""
    generated_texts: list[str] = Field(default=[])
    """Answers, one per request; empty when the engine wrote none."""
    errors: list[str]
    """Error messages, one per request; empty text for an answered one."""
    cached_tokens: list[int] | None = None
    """Prompt tokens taken from the prefix cache, one number per request; ``None`` when not reported."""
    server_info: dict[str, Any]
    """Resolved server arguments and state, as the server reported them with this round."""
    bankable: RoundStamp
    """What the measurement layer adds."""


class Generation(Record):
    """One line of ``outputs.jsonl``: the greedy answer to a probe prompt."""

    prompt_id: str
    """Id of the probe prompt."""
    repeat: int
    """0 or 1: asked twice on the same launch, so that determinism is known."""
    prompt: str
    """Text that was sent."""
    token_ids: list[int]
    """Output tokens."""
    text: str
    """Output text, as the server decoded it."""
    finish_reason: str
    """Why the server stopped, such as ``length`` or ``stop``."""
    error: str | None = None
    """A request error; such a line holds no answer."""


class Answer(Record):
    """One line of ``accuracy.jsonl``: one question, answered greedily after five worked examples."""

    question_id: str
    """Id of the question."""
    expected: str
    """The right number, as text."""
    predicted: str | None
    """``None`` when no number could be read, which is a wrong answer."""
    correct: bool
    """Whether ``predicted`` is ``expected``."""
    text: str
    """The whole answer."""
    error: str | None = None
    """A request error; such a line is neither right nor wrong."""


class Engagement(Record):
    """One line of ``engagement.jsonl``: did a declared change take effect in the running server?"""

    operator: str = "flag"
    """Kind of change: ``flag``, ``variable`` or ``overlay``."""
    name: str
    """Name of the flag, variable or operator."""
    requested: str
    """Value that the lever declares."""
    resolved: str | None
    """As the server reports it; ``None`` when the server does not report this name at all."""
    engaged: bool
    """Whether the running server has the requested value."""
    source: str = "server_info"
    """Where ``resolved`` was read."""


class Tenant(Record):
    """A busy process that belongs neither to the engine nor to the measurement."""

    pid: int
    """Process id."""
    name: str
    """Name of the program."""
    cpu_percent: float
    """Percent of one core."""


class HostSample(Record):
    """One line of ``host.jsonl``: the machine, once a second."""

    t: float
    """Unix seconds."""
    cpu_percent: float
    """Use of all cores together, 0–100."""
    load_1m: float
    """Load average over one minute, in processes."""
    mem_available_bytes: int
    """Memory that programs could still get, bytes."""
    cpu_mhz: float | None = None
    """Mean clock of the cores, megahertz; ``None`` where the system reports none."""
    steal_percent: float | None = None
    """Time that the hypervisor gave to other machines, percent of all processor time."""
    temperature_c: float | None = None
    """Of the processor, degrees Celsius; ``None`` where the system reports none."""
    gpu: list[dict[str, float]] = Field(default=[])
    """One object per GPU: utilisation, clocks, power, memory and temperature, each by a name with its unit."""
    tenants: list[Tenant] = Field(default=[])
    """Busy processes of others, the busiest first."""
    package_joules: float | None = None
    """Energy counter of the processor packages since the sampler began, joules; ``None``, and not written, without
    one."""

    @model_serializer(mode="wrap")
    def _without_absent_meter(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A sample of a machine without a meter is written as it always was."""
        written: dict[str, Any] = dump(self)
        if self.package_joules is None:
            written.pop("package_joules", None)
        return written
