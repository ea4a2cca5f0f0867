"""The configuration of a run (``run.json``), validated before any server is launched."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from bankable.graph.llm import Llm
from bankable.tools.evidence.records import Guard, Limit, Scalar, Workload
from bankable.tools.measurement.executor import ExecutorName


class RunConfig(BaseModel):
    """``run.json``: the settings of one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Model folder, or Hugging Face id."""
    budget_minutes: float = Field(default=19.0, gt=0, le=10_000)
    """Wall time of the whole run. No step starts that would not fit; only the validation may end later."""
    quick: bool = False
    """Fewer rounds and trials: a demonstration that can decide large effects only."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of plans and searches. In a live run the recorder draws the seeds of the prompts."""
    auditor: bool = True
    """False: the same producers without audits."""
    executor: ExecutorName = "local"
    """Execution target for the kernel author's candidates."""
    engine_python: str | None = None
    """Interpreter of the environment with sglang; ``None`` to detect it."""
    server_url: str | None = None
    """Address of a server that is already running: only the read-only steps are run."""
    replay: str | None = None
    """A recorded run that answers every launch in place of servers."""
    replay_draw: int | None = None
    """Seed to draw recorded legs at random instead of by name."""
    device: Literal["auto", "cpu", "cuda", "rocm"] = "auto"
    """``cpu``, ``cuda`` or ``rocm``; ``None`` for what the engine detects."""
    flags: dict[str, Scalar] = {}
    """Engine flags of the true baseline, in addition to the defaults of the machine."""
    workload: Workload = Workload()
    """The workload of every comparison."""
    loads: tuple[Workload, ...] = ()
    """Loads of the ladder, in ascending order; empty for a run at one load."""
    contenders: tuple[dict[str, Scalar], ...] = ()
    """Settings of further configurations on the ladder, each laid over the baseline."""
    questions_path: str | None = None
    """GSM8K-format questions for the accuracy probe; the shipped set otherwise."""
    questions: int = Field(default=80, ge=1, le=10_000)
    """Number of questions of the accuracy probe in each leg."""
    launch_plan: Literal["auto", "alternating", "coresident"] = "auto"
    """Whether the two servers of a block run at the same time (co-resident) or in turns."""
    looks: tuple[int, ...] = (5, 7, 10)
    """Looks: numbers of blocks after which a comparison may be decided."""
    control_blocks: int = Field(default=3, ge=1, le=100)
    """Number of blocks of the first control."""
    rounds_per_leg: int = Field(default=4, ge=1, le=100)
    """Number of timed rounds of each launch."""
    control_rounds: int | None = Field(default=None, ge=1, le=100)
    """Number of timed rounds of each launch of the control; ``None`` for as many as ``rounds_per_leg``."""
    floor: float = Field(default=0.01, ge=0, le=1)
    """Floor: the minimum effect that counts, as a fraction."""
    allow_pickle: bool = False
    """Whether weights in a pickle format may be loaded."""
    trust_remote_code: bool = False
    """Whether code that comes with the model may be run."""
    tracks: tuple[Literal["kernels", "config"], ...] = ("kernels", "config")
    """What is searched: faster operators, settings of the server, or both."""
    only: dict[str, Scalar] | None = None
    """Try only this lever instead of searching; an empty one makes the whole run an A/A test."""

    llm: Llm | None = None
    """Language models that judge and propose; ``None``, and left out of ``run.json``, without any."""

    approve: Literal["never", "bank", "bundle"] = "never"
    """Wait for a person's approval before each lever is banked, or before the bundle is published."""

    objective: Literal["throughput", "goodput", "latency"] = "throughput"
    """What is to improve: output tokens per second, requests within the limits per second, or the median end-to-end
    latency."""
    limits: tuple[Limit, ...] = ()
    """Latency limits of a good request."""
    guards: tuple[Guard, ...] = ()
    """Figures that no accepted change may make worse by more than a margin."""
    price: float | None = Field(default=None, gt=0, le=1e6)
    """Dollars for an hour of one device, for the report's costs; ``None`` without costs."""

    memory: str | None = None
    """Store of what earlier runs verified: a prior of the search, and this run is remembered in it at its end."""

    @model_serializer(mode="wrap")
    def _quiet(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out unset optional fields, so that ``run.json`` has the same bytes as before these fields existed."""
        fields: dict[str, Any] = handler(self)
        unset = {
            "llm": self.llm is None,
            "approve": self.approve == "never",
            "objective": self.objective == "throughput",
            "limits": not self.limits,
            "guards": not self.guards,
            "price": self.price is None,
            "control_rounds": self.control_rounds is None,
            "memory": self.memory is None,
            "loads": not self.loads,
            "contenders": not self.contenders,
        }
        quiet = {name for name, off in unset.items() if off}
        return {name: value for name, value in fields.items() if name not in quiet}

    def out(self) -> Path:
        """Default folder of a run of this model."""
        return Path("runs") / Path(self.model).name
