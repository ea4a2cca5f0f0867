"""One candidate's evaluation: the line in a search's log, and its two jobs.

A candidate is compiled, screened and checked on all kinds of input, which may run in parallel with others; then it is
timed beside the live implementation, with the machine to itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bankable.kernels.benchmark.benchmark import FLOOR, SAMPLES, WARMUPS
from bankable.kernels.benchmark.candidate import kernel_candidate, live_candidate
from bankable.kernels.benchmark.qualify import TRY, qualify
from bankable.kernels.benchmark.result import score_candidates
from bankable.kernels.benchmark.rounds import MEASURE, Rounds
from bankable.kernels.build.compiler import Compiled, CompileError, Compiler
from bankable.kernels.build.render import KernelSource
from bankable.kernels.diagnosis.record import Diagnosis
from bankable.kernels.operators.family import Choices
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.evidence.harness import TimingProtocol
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import whole_lines

LOG = "search.jsonl"
Origin = Literal["search", "llm"]
EvaluationOutcome = Literal["measured", "compile_error", "wrong", "failed"]
ROUNDS = 2
"""Rounds of each evaluation: enough to rank, too few for a claim."""


class Evaluation(Record):
    """A line of ``search.jsonl``."""

    implementation: str
    """Id of the candidate."""
    choices: dict[str, int]
    """Value of each parameter of the template."""
    outcome: EvaluationOutcome
    """How the evaluation ended."""
    why: str = ""
    """Reason, where it was not measured."""
    log_ratio: float | None = None
    """Mean of log(live / candidate) over the rounds; positive is faster."""
    source: Origin | None = None
    """Who proposed it; not recorded where no language model took part."""
    parent: str | None = None
    """The implementation that it was derived from by one edit; ``None`` for the default template."""
    diagnosis: Diagnosis | None = None
    """What limits it, where that was diagnosed: the next steps depend on it, so a resumed search needs it."""

    def line(self) -> dict[str, Any]:
        """As it stands in the log, without optional fields that are unset."""
        optional = {name for name in ("source", "parent", "diagnosis") if getattr(self, name) is None}
        return self.model_dump(mode="json", exclude=optional)


@dataclass(frozen=True)
class EvaluationJob:
    """A candidate for a worker, in this process or another one."""

    root: Path
    operator: str
    source: KernelSource
    threads: int
    try_limits: JobLimits = TRY
    limits: JobLimits = MEASURE


@dataclass(frozen=True)
class ScreenResult:
    """Whether a candidate is correct; ``compiled`` when it is."""

    outcome: EvaluationOutcome
    why: str
    compiled: Compiled | None = None


def screen_candidate(
    job: EvaluationJob, folder: TaskFolder, fork_server: ForkServer, compiler: Compiler
) -> ScreenResult:
    """Compile, read and try a candidate. Raises ``UserError`` when the fork server is gone."""
    compiled = compiler.compile(job.source)
    if isinstance(compiled, CompileError):
        return ScreenResult("compile_error", compiled.reason[:300])
    tried = qualify(folder, kernel_candidate(compiled), fork_server, served_keys(folder), job.threads, job.try_limits)
    return ScreenResult("measured", "", compiled) if tried.ok else ScreenResult("wrong", tried.why)


def time_candidate(
    job: EvaluationJob, compiled: Compiled, folder: TaskFolder, fork_server: ForkServer, cache: int
) -> tuple[float | None, str]:
    """Mean log(live / candidate), or why there is none. Raises ``UserError`` when the fork server is gone."""
    task, kernel = folder.task, kernel_candidate(compiled)
    protocol = TimingProtocol(
        timer="perf_counter_ns",
        warmup_calls=WARMUPS,
        timed_calls=SAMPLES,
        cache="rotated",
        rounds=ROUNDS,
        floor=FLOOR,
    )
    rounds = Rounds(folder, protocol, job.threads, cache, served_keys(folder), job.limits)
    reference = live_candidate(task.live_source, task.live_backend)
    rows = [row for index in range(ROUNDS) for row in rounds.measure(index, [reference, kernel], fork_server)]
    ranked = score_candidates(task, rows, FLOOR)
    if ranked:
        return ranked[0].decision.mean, ""
    return None, next((row.raised for row in rows if row.raised), None) or "no sound timing"


def served_keys(folder: TaskFolder) -> list[str]:
    """Shapes that a search may see."""
    return [shape.key for shape in folder.task.shapes if not shape.held_out]


def read_evaluations(folder: TaskFolder) -> dict[str, Evaluation]:
    """Evaluations of this task so far, by implementation, in order."""
    return {entry.implementation: entry for entry in whole_lines(folder.path / LOG, Evaluation)}


def find_fastest(entries: Iterable[Evaluation]) -> Evaluation | None:
    """The best of the correct ones."""
    right = [entry for entry in entries if entry.log_ratio is not None]
    return max(right, key=lambda entry: entry.log_ratio or 0.0, default=None)


def make_evaluation(
    name: str, choices: Choices, outcome: EvaluationOutcome, why: str, ratio: float | None = None
) -> Evaluation:
    """A line of the log."""
    return Evaluation(implementation=name, choices=dict(choices), outcome=outcome, why=why, log_ratio=ratio)
