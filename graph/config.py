"""What a user may ask of a run, checked before anything is launched."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from bankable.graph.llm import Llm
from bankable.tools.evidence.records import Scalar, Workload
from bankable.tools.measurement.executor import ExecutorName


class RunConfig(BaseModel):
    """``run.json``: the settings of one run. Everything that is random in a run follows from ``seed``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Model folder."""
    budget_minutes: float = Field(default=19.0, gt=0, le=10_000)
    """Wall time of the whole run. Nothing is begun that would not fit; only the validation may end later."""
    quick: bool = False
    """Fewer rounds and trials: shows the machine at work, decides large effects only."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Everything random in the run follows from it."""
    auditor: bool = True
    """False: the same producers without audits."""
    executor: ExecutorName = "local"
    """Where the kernel author's candidates are evaluated."""
    engine_python: str | None = None
    """Interpreter of the environment with sglang; ``None`` for the one that is found."""
    server_url: str | None = None
    """A server that is already running: only the read-only parts are run."""
    replay: str | None = None
    """A recorded run that answers every launch."""
    replay_draw: int | None = None
    """Draw recorded legs at random with this seed instead of by name."""
    device: Literal["auto", "cpu", "cuda", "rocm"] = "auto"
    """``cpu``, ``cuda`` or ``rocm``; ``None`` for what the engine sees."""
    flags: dict[str, Scalar] = {}
    """Engine flags of the true baseline, over the defaults of the machine."""
    workload: Workload = Workload()
    """The load that every comparison is measured under."""
    questions_path: str | None = None
    """GSM8K-format questions for the accuracy probe; the shipped set otherwise."""
    questions: int = Field(default=80, ge=1, le=10_000)
    """Questions of the accuracy probe in each leg."""
    launch_plan: Literal["auto", "alternating", "coresident"] = "auto"
    """How the two servers of a block share the machine."""
    looks: tuple[int, ...] = (5, 7, 10)
    """Numbers of blocks after which a comparison may be decided."""
    control_blocks: int = Field(default=3, ge=1, le=100)
    """Blocks of the first control."""
    rounds_per_leg: int = Field(default=4, ge=1, le=100)
    """Timed rounds of each launch."""
    floor: float = Field(default=0.01, ge=0, le=1)
    """Smallest gain that counts, as a fraction."""
    allow_pickle: bool = False
    """Weights in a pickle format may be loaded."""
    trust_remote_code: bool = False
    """Code that comes with the model may be run."""
    tracks: tuple[Literal["kernels", "config"], ...] = ("kernels", "config")
    """What is searched: faster operators, settings of the server, or both."""
    only: dict[str, Scalar] | None = None
    """Try just this lever instead of searching; an empty one makes the whole run an A/A test."""

    llm: Llm | None = None
    """Language models that judge and propose; ``None``, and not written down, without any."""

    approve: Literal["never", "bank", "bundle"] = "never"
    """Wait for a person before each lever is banked, or before the bundle is published."""

    @model_serializer(mode="wrap")
    def _quiet(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was not asked for is not said: such a run is, byte for byte, what it was before there was this."""
        fields: dict[str, Any] = handler(self)
        quiet = {name for name, off in (("llm", self.llm is None), ("approve", self.approve == "never")) if off}
        return {name: value for name, value in fields.items() if name not in quiet}

    def out(self) -> Path:
        """Default folder of a run of this model."""
        return Path("runs") / Path(self.model).name
