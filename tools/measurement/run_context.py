"""The context of a run that every role needs to measure: driver, run folder, settings, and observer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag

from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.records import (
    ComparisonKind,
    Guard,
    LaunchPlan,
    Lever,
    Limit,
    Plan,
    ReferenceChoice,
    ServerConfig,
    Workload,
)
from bankable.tools.evidence.threads import BIND, count_threads
from bankable.tools.levers import Situation
from bankable.tools.llm.advisor import Advisor
from bankable.tools.measurement.executor import ExecutorName
from bankable.tools.measurement.plan import make_plan
from bankable.tools.measurement.progress import ProgressEvent, Watcher, silent
from bankable.tools.serving.driver import AccuracyQuestion, Driver, ProbePrompt, StopRequested
from bankable.tools.store.memory import SearchMemory

LARGE_GAIN = 0.5
"""Expected gain (a fraction) that is ten times what the noise of rounds hides."""
FEW_ROUNDS = 2
"""Even, so that a linear drift within a block cancels."""


@dataclass(frozen=True)
class MeasurementProtocol:
    """How comparisons of this run are made; see ``statistics.md`` for where the numbers come from."""

    launch_plan: LaunchPlan
    looks: tuple[int, ...]
    control_blocks: int
    control_rounds: int
    """Timed rounds per leg of the control."""
    rounds_per_leg: int
    floor: float
    seed: int
    metric: str = "output_throughput"
    """Figure that decides."""
    limits: tuple[Limit, ...] = ()
    """Latency limits of a good request."""
    guards: tuple[Guard, ...] = ()
    """Figures that must not get worse."""

    def count_rounds(self, gain: float) -> int:
        """Timed rounds per leg of a comparison whose candidate is expected to gain this much (a fraction).

        A large gain is decided by the number of launches: with more rounds than two of each, it takes longer only.
        """
        return min(self.rounds_per_leg, FEW_ROUNDS) if gain >= LARGE_GAIN else self.rounds_per_leg


@dataclass(frozen=True)
class RunContext:
    """Handed to every role. It holds no decisions, only means."""

    run_id: str
    model: str
    driver: Driver
    folder: RunFolder
    workload: Workload
    protocol: MeasurementProtocol
    base: ServerConfig
    """The configuration that the user would run today: the true baseline."""
    prompts: Sequence[ProbePrompt]
    questions: Sequence[AccuracyQuestion]
    known_flags: frozenset[str]
    """Server-argument names that this engine has."""
    cores: int
    """CPU cores of the machine that serves."""
    deadline: float
    """Driver-clock time by which the run should be over."""
    chosen: ReferenceChoice | None = None
    """How ``base`` was chosen; ``None`` where this project did not choose it."""
    kernels: str = ""
    """Which kernels the engine runs, in a few words; empty where nothing is known."""
    engine_python: Path | None = None
    """Interpreter of the engine, for kernels; ``None`` where no engine of ours is at hand."""
    executor: ExecutorName = "local"
    """Where candidate kernels are evaluated."""
    recorded: Path | None = None
    """Folder of the recorded run that is replayed."""
    loads: tuple[Workload, ...] = ()
    """Loads of the ladder, in ascending order; empty for a run at one load."""
    contenders: tuple[ServerConfig, ...] = ()
    """Configurations that the user wants on the ladder beside the run's own."""
    ladder_s: float = 0.0
    """Time after ``deadline`` that is kept for the ladder, driver-clock seconds."""
    advisor: Advisor | None = None
    """Asks language models for proposals; ``None`` without any."""
    memory: SearchMemory | None = None
    """What earlier runs verified at this place; ``None`` where none is kept. A prior of the search, never evidence."""
    watch: Watcher = silent
    stop: Flag = field(default_factory=Flag)

    @property
    def threads(self) -> int:
        """OpenMP threads of a server: what an operator is measured with, too."""
        return count_threads(self.base.env, binds=BIND in self.base.env) or 1

    def tell(self, event: ProgressEvent) -> None:
        """Report an event, and stop here if a stop was requested: between two steps no work is incomplete."""
        self.watch(event)
        self.check()

    def check(self) -> None:
        """Raise ``StopRequested`` when a clean stop was requested."""
        if self.stop.is_set():
            raise StopRequested

    def seconds_left(self) -> float:
        """Driver-clock seconds until the deadline; negative when it has passed."""
        return self.deadline - self.driver.clock()

    def plan(
        self,
        name: str,
        kind: ComparisonKind,
        *,
        reference: ServerConfig,
        lever: Lever,
        seed: int,
        looks: tuple[int, ...] | None = None,
        alpha: float | None = None,
        gain: float = 0.0,
        rounds: int | None = None,
    ) -> Plan:
        """A comparison by this run's protocol; ``seed`` counts from the run's own, ``gain`` is what is expected.

        ``rounds`` are timed rounds per leg; ``None`` for as many as the expected gain needs.
        """
        return make_plan(
            name=name,
            run_id=self.run_id,
            kind=kind,
            model=self.model,
            reference=reference,
            lever=lever,
            workload=self.workload,
            launch_plan=self.protocol.launch_plan,
            seed=self.protocol.seed + seed,
            looks=self.protocol.looks if looks is None else looks,
            rounds_per_leg=self.protocol.count_rounds(gain) if rounds is None else rounds,
            alpha=alpha,
            floor=self.protocol.floor,
            chosen=self.chosen,
            metric=self.protocol.metric,
            limits=self.protocol.limits,
            guards=self.protocol.guards,
        )

    def situation(self) -> Situation:
        """What the candidate values of knobs depend on."""
        return Situation(
            device=self.driver.device,
            cores=self.cores,
            input_len=self.workload.input_len,
            output_len=self.workload.output_len,
            num_prompts=self.workload.num_prompts,
            concurrency=self.workload.concurrency,
            bound_to=self.base.env.get(BIND, ""),
        )
