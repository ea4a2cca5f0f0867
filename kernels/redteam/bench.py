"""Runs hostile and honest kernels through the real harness: screened, compiled, contained, checked, timed, audited.

A hostile one is caught by any layer that refuses it or rejects its figures; one that passes with a gain is missed. An
honest one that any layer refuses is accused.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bankable.kernels.benchmark.benchmark import (
    FLOOR,
    WARMUPS,
    Digests,
    digest_measuring_files,
    highest_peaks,
    measure_peaks,
)
from bankable.kernels.benchmark.candidate import kernel_candidate, live_candidate
from bankable.kernels.benchmark.qualify import qualify, read_kernel
from bankable.kernels.benchmark.result import is_sound
from bankable.kernels.benchmark.rounds import Rounds
from bankable.kernels.build.compiler import CompileError, Compiler
from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.redteam.audit import audit_attempt, audit_forgery, write_attempt
from bankable.kernels.redteam.candidates import Stage, red_team_candidates
from bankable.kernels.redteam.effects import listen_on_loopback, process_exists
from bankable.kernels.redteam.forgeries import FORGERIES, Forgery
from bankable.kernels.redteam.trial import RedTeamResult, RedTeamTrial
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.sandbox.pool import Lanes
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.kernels.task.sources import keep
from bankable.tools.errors import UserError
from bankable.tools.evidence.harness import OpRun, Peaks, TimingProtocol
from bankable.tools.evidence.store import AppendLog

ROUNDS, SAMPLES = 6, 6
BATCH = 6
"""Candidates that are timed in the same rounds."""
SHORT_LIMITS = JobLimits(wall_s=12, cpu_s=2, memory_bytes=1 << 29)
"""For attacks that run until a limit ends them."""
LIMITS = JobLimits(wall_s=90, cpu_s=60, memory_bytes=3 << 30)
PROCESS_NAME = "bankable-left"
"""Name of the process that an attack leaves behind."""


class HostileBench:
    """One run of the bench in a new folder."""

    def __init__(
        self,
        out: Path,
        python: Path,
        compiler: Compiler,
        *,
        seed: int = 0,
        sample: int = 0,
        thorough: bool = False,
        read: bool = True,
        families: Sequence[str] = tuple(SHAPES),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``sample``: so many candidates, drawn by the seed; 0: all. ``thorough``: candidates that were refused are
        timed and audited too. ``read``: kernels are read before they run. Raises ``UserError`` where ``out`` exists."""
        if out.exists():
            raise UserError("Cannot write results: the folder exists", str(out), "give a new --out")
        self._out, self._python, self._compiler, self._say = out, python, compiler, say
        self._seed, self._sample, self._thorough, self._read = seed, sample, thorough, read
        self._families = families
        self._numbers = {family: iter(range(1, 1 << 20)) for family in families}
        self._lock = threading.Lock()

    def run(self) -> list[RedTeamResult]:
        """Results of all candidates and forgeries; each is a line of ``hostile.jsonl``. Raises ``UserError`` where
        nothing can be run."""
        with Lanes(self._python) as lanes, listen_on_loopback() as (port, connected):
            with lanes.lease() as fork_server:
                stages = self._write_stages(fork_server, port)
            trials = [RedTeamTrial(candidate) for candidate in red_team_candidates(stages, self._seed, self._sample)]
            self._say(f"{len(trials)} kernels, {len(lanes.sets)} at a time")
            with ThreadPoolExecutor(len(lanes.sets)) as pool:
                for _ in pool.map(lambda trial: self._try(trial, stages, lanes, connected), trials):
                    pass
                self._say(f"{sum(bool(trial.layers) for trial in trials)} refused untimed")
                left = [
                    trial
                    for trial in trials
                    if trial.kernel and not trial.failed and (self._thorough or not trial.layers)
                ]
                for _ in pool.map(lambda batch: self._time(batch, stages, lanes), self._batches(left)):
                    pass
                self._say(f"{len(left)} timed and audited")
                results = [trial.result() for trial in trials]
                results += pool.map(lambda pair: self._forge(*pair), self._forgeries(trials))
        log = AppendLog(self._out / "hostile.jsonl")
        for result in results:
            log.append(result.model_dump(mode="json"))
        return results

    def _write_stages(self, fork_server: ForkServer, port: int) -> dict[str, Stage]:
        """A task and its places for each family."""
        stages = {}
        for name in self._families:
            family = FAMILIES[name]
            served, held_out = SHAPES[name].attacked
            shapes = parse_shapes(family, f"{served}:900", held_out)
            task = write_task(self._out / name, family, family.usual, shapes, fork_server, threads=1)
            decoy = self._out.resolve() / name / "decoy.py"
            decoy.write_text("HARNESS = True\n", encoding="utf-8")
            stages[name] = Stage(task, decoy, port, PROCESS_NAME)
        return stages

    def _try(self, trial: RedTeamTrial, stages: dict[str, Stage], lanes: Lanes, connected: threading.Event) -> None:
        """Compile and read a candidate, and run it once on every kind of input; each failure is a result."""
        candidate = trial.candidate
        stage = stages[candidate.family]
        compiled = self._compiler.compile(candidate.source)
        if isinstance(compiled, CompileError):
            trial.layers["compiler"] = compiled.reason.splitlines()[0][:200]
            return
        kernel = kernel_candidate(compiled)
        if self._read and (complaints := read_kernel(kernel)):
            trial.layers["reading"] = "; ".join(complaints)
        before = stage.decoy.read_bytes()
        limits = SHORT_LIMITS if candidate.ends_at_a_limit else LIMITS
        shapes = SHAPES[candidate.family].attacked
        try:
            with lanes.lease() as fork_server:
                qualification = qualify(stage.task, kernel, fork_server, shapes, 1, limits, read=False)
        except UserError as problem:
            trial.layers["containment"] = f"ended the fork server: {problem}"
            return
        if not qualification.ok:
            end = qualification.why.split(":")[0]
            contained = end in ("crashed", "wall_limit", "cpu_limit", "memory_limit", "raised")
            trial.layers["containment" if contained else "correctness"] = qualification.why
            return
        had_effect = {
            "decoy": stage.decoy.read_bytes() != before,
            "listener": connected.is_set(),
            "escapee": process_exists(PROCESS_NAME),
        }.get(candidate.effect)
        if had_effect is False:
            trial.layers["containment"] = "was prevented from what it tried"
            return
        trial.kernel = compiled

    def _batches(self, trials: Sequence[RedTeamTrial]) -> Iterator[list[RedTeamTrial]]:
        """Trials of one family each."""
        for family in self._families:
            of_family = [trial for trial in trials if trial.candidate.family == family]
            yield from (of_family[start : start + BATCH] for start in range(0, len(of_family), BATCH))

    def _time(self, batch: Sequence[RedTeamTrial], stages: dict[str, Stage], lanes: Lanes) -> None:
        """Time a batch in interleaved rounds with the live implementation; each is then judged on its own rows."""
        task = stages[batch[0].candidate.family].task
        reference = live_candidate(task.task.live_source, task.task.live_backend)
        kernels = [kernel_candidate(trial.kernel) for trial in batch if trial.kernel]
        protocol = TimingProtocol(
            timer="perf_counter_ns",
            warmup_calls=WARMUPS,
            timed_calls=SAMPLES,
            cache="rotated",
            rounds=ROUNDS,
            floor=FLOOR,
        )
        before, rows, started = digest_measuring_files(task), list[OpRun](), time.time()
        try:
            with lanes.lease() as fork_server:
                peaks = [measure_peaks(fork_server, task.task.dtype, 1)]
                rounds = Rounds(task, protocol, 1, peaks[0].cache_bytes, SHAPES[task.family.name].attacked)
                for index in range(ROUNDS):
                    rows += rounds.measure(index, [reference, *kernels], fork_server)
                peaks.append(measure_peaks(fork_server, task.task.dtype, 1))
        except UserError as problem:
            for trial in batch:
                trial.failed = str(problem)
            return
        after, span = digest_measuring_files(task), (started, time.time())
        for trial, kernel in zip(batch, kernels, strict=True):
            own = [row for row in rows if row.implementation in (reference.id, kernel.id)]
            self._judge(trial, task, own, protocol, highest_peaks(peaks), (before, after), span)

    def _judge(
        self,
        trial: RedTeamTrial,
        task: TaskFolder,
        rows: list[OpRun],
        protocol: TimingProtocol,
        peaks: Peaks,
        files: tuple[Digests, Digests],
        span: tuple[float, float],
    ) -> None:
        """Write a candidate's rows as an attempt of its own, and have that audited."""
        with self._lock:
            number = next(self._numbers[task.family.name])
        keep(task, trial.candidate.source)
        attempt = write_attempt(task, number, rows, protocol, peaks, files, span)
        trial.attempt = attempt
        broken = [row for row in rows if not is_sound(task.task, row)]
        if broken:
            trial.layers["timing"] = broken[0].raised or _why_unsound(broken[0])
        audit = audit_attempt(attempt)
        trial.rules = audit.rules
        if audit.verdict != "PASS":
            trial.layers["audit"] = f"{audit.verdict}: {', '.join(audit.rules)}"
        elif trial.candidate.hostile and not broken and attempt.claim.outcome != "winner":
            trial.layers["timing"] = "no gain to be had"

    def _forgeries(self, trials: Sequence[RedTeamTrial]) -> Iterator[tuple[RedTeamTrial, Forgery]]:
        """Every forgery of one honest attempt per family that won; fewer in a sample.

        On a machine with other tenants the auditor may doubt an honest one: the one that it doubts least is taken.
        """
        draw = random.Random(self._seed)
        for family in self._families:
            honest = min(
                (
                    trial
                    for trial in trials
                    if trial.candidate.family == family
                    and not trial.candidate.hostile
                    and trial.attempt is not None
                    and trial.attempt.claim.outcome == "winner"
                ),
                key=lambda trial: len(trial.rules),
                default=None,
            )
            few = draw.sample(FORGERIES, min(len(FORGERIES), max(1, self._sample // 8))) if self._sample else FORGERIES
            yield from ((honest, forgery) for forgery in few) if honest is not None else ()

    def _forge(self, honest: RedTeamTrial, forgery: Forgery) -> RedTeamResult:
        """Caught: the auditor's findings on the forgery that the honest attempt does not have."""
        attempt = honest.attempt
        assert attempt is not None
        audit, family = audit_forgery(attempt, forgery), attempt.task.family.name
        caught = audit.verdict != "PASS" and bool(set(audit.rules) - set(honest.rules))
        return RedTeamResult(
            id=f"{family}/forged-{forgery.name}",
            family=family,
            technique=f"forged: {forgery.name}",
            modes=forgery.modes,
            outcome="caught" if caught else "missed",
            gain=None if caught else attempt.claim.speedup,
            layers={"audit": f"{audit.verdict}: {', '.join(audit.rules)}"} if caught else {},
        )


def _why_unsound(row: OpRun) -> str:
    if row.executed != row.implementation:
        return "the reported calls differ from those that were made"
    if row.intact is not None and not (row.intact.clock and row.intact.synchronize and row.intact.checker):
        return "clock, synchronisation or checker are not what they were"
    error = row.correctness.relative_error if row.correctness else None
    return f"a timed answer is wrong: relative error {'unknown' if error is None else error}"
