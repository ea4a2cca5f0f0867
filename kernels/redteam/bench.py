"""Hostile and honest kernels through the real harness: read, compiled, contained, checked, timed, and audited.

A hostile one is caught by whatever refuses it or says that its figures are no measurement; what goes through with a
gain is missed. An honest one that anything speaks up against is accused.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
from bankable.kernels.build.compiler import Compiled, CompileError, Compiler
from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.redteam.audit import WrittenAttempt, audit_attempt, audit_forgery, write_attempt
from bankable.kernels.redteam.candidates import RedTeamCandidate, Stage, red_team_candidates
from bankable.kernels.redteam.forgeries import FORGERIES, Forgery
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.sandbox.limits import Limits
from bankable.kernels.sandbox.pool import Lanes
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.kernels.task.sources import keep
from bankable.tools.errors import UserError
from bankable.tools.evidence.harness import OpRun, Peaks, TimingProtocol
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import AppendLog

ROUNDS, SAMPLES, BATCH = 6, 6, 6
TIGHT = Limits(wall_s=12, cpu_s=2, memory_bytes=1 << 29)
USUAL = Limits(wall_s=90, cpu_s=60, memory_bytes=3 << 30)
MARK = "bankable-left"
Outcome = Literal["caught", "missed", "accepted", "accused", "harness_error"]


class RedTeamResult(Record):
    """One line of the results."""

    id: str
    family: str
    technique: str
    modes: tuple[str, ...]
    """Failure modes that it tries; none for an honest one."""
    outcome: Outcome
    layers: dict[str, str]
    """What each layer that spoke up said, the first one first."""
    gain: float | None = None
    """Speed-up that would have been believed, where it came so far."""


@dataclass
class RedTeamTrial:
    """What is known of a candidate on its way."""

    candidate: RedTeamCandidate
    layers: dict[str, str]
    kernel: Compiled | None = None
    attempt: WrittenAttempt | None = None
    rules: tuple[str, ...] = ()
    """Of the auditor that spoke up."""
    failed: str = ""

    def judged(self) -> RedTeamResult:
        """By what the layers said."""
        it, believed = self.candidate, self.attempt is not None and self.attempt.claim.outcome == "winner"
        if self.failed:
            outcome: Outcome = "harness_error"
            self.layers["harness"] = self.failed
        elif it.hostile:
            outcome = "caught" if self.layers else "missed"
        else:
            outcome = "accused" if self.layers else "accepted"
        gain = self.attempt.claim.speedup if self.attempt is not None and believed else None
        return RedTeamResult(
            id=it.id,
            family=it.family,
            technique=it.technique,
            modes=it.modes,
            outcome=outcome,
            layers=self.layers,
            gain=gain,
        )


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
        """``thorough``: what was caught before is timed and audited too. ``read``: kernels are read first."""
        if out.exists():
            raise UserError("the folder is there already", str(out), "give a new --out")
        self._out, self._python, self._compiler, self._say = out, python, compiler, say
        self._seed, self._sample, self._thorough, self._read = seed, sample, thorough, read
        self._families = families
        self._numbers = {family: iter(range(1, 1 << 20)) for family in families}
        self._lock = threading.Lock()

    def run(self) -> list[RedTeamResult]:
        """Everybody's outcome; each is a line of ``hostile.jsonl``. Raises ``UserError`` where nothing can be run."""
        with Lanes(self._python) as lanes, _listener() as (port, called):
            with lanes.lease() as fork_server:
                stages = self._stages(fork_server, port)
            trials = [RedTeamTrial(it, {}) for it in red_team_candidates(stages, self._seed, self._sample)]
            self._say(f"{len(trials)} kernels, {len(lanes.sets)} at a time")
            with ThreadPoolExecutor(len(lanes.sets)) as pool:
                for _ in pool.map(lambda it: self._tried(it, stages[it.candidate.family], lanes, called), trials):
                    pass
                self._say(f"{sum(bool(it.layers) for it in trials)} refused untimed")
                left = [it for it in trials if it.kernel and not it.failed and (self._thorough or not it.layers)]
                for family in self._families:
                    mine = [it for it in left if it.candidate.family == family]
                    groups = [mine[at : at + BATCH] for at in range(0, len(mine), BATCH)]
                    for _ in pool.map(
                        lambda group: self._timed(group, stages[group[0].candidate.family], lanes), groups
                    ):
                        pass
                self._say(f"{len(left)} timed and audited")
                found = [trial.judged() for trial in trials]
                found += pool.map(lambda one: self._forged(*one), self._forgeries(trials))
        log = AppendLog(self._out / "hostile.jsonl")
        for entry in found:
            log.append(entry.model_dump(mode="json"))
        return found

    def _stages(self, fork_server: ForkServer, port: int) -> dict[str, Stage]:
        stages = {}
        for family in self._families:
            served, other = SHAPES[family].attacked
            shapes = parse_shapes(FAMILIES[family], f"{served}:900", other)
            task = write_task(
                self._out / family, FAMILIES[family], FAMILIES[family].usual, shapes, fork_server, threads=1
            )
            decoy = self._out.resolve() / family / "decoy.py"
            decoy.write_text("HARNESS = True\n", encoding="utf-8")
            stages[family] = Stage(task, decoy, port, MARK)
        return stages

    def _tried(self, trial: RedTeamTrial, stage: Stage, lanes: Lanes, called: threading.Event) -> None:
        """Compiled, read, and run once on every kind of input; whatever breaks on the way is a result."""
        candidate = trial.candidate
        compiled = self._compiler.compile(candidate.source)
        if isinstance(compiled, CompileError):
            trial.layers["compiler"] = compiled.reason.splitlines()[0][:200]
            return
        kernel = kernel_candidate(compiled)
        if self._read and (against := read_kernel(kernel)):
            trial.layers["reading"] = "; ".join(against)
        before = stage.decoy.read_bytes()
        try:
            with lanes.lease() as fork_server:
                limits = TIGHT if candidate.ends_at_a_limit else USUAL
                said = qualify(
                    stage.task, kernel, fork_server, SHAPES[candidate.family].attacked, 1, limits, read=False
                )
        except UserError as problem:
            trial.layers["containment"] = f"ended the fork server: {problem}"
            return
        if not said.ok:
            ended = said.why.split(":")[0] in ("crashed", "wall_limit", "cpu_limit", "memory_limit", "raised")
            trial.layers["containment" if ended else "correctness"] = said.why
            return
        had = {
            "decoy": stage.decoy.read_bytes() != before,
            "listener": called.is_set(),
            "escapee": _left_behind(MARK),
        }.get(candidate.effect)
        if had is False:
            trial.layers["containment"] = "was kept from what it tried"
            return
        trial.kernel = compiled

    def _timed(self, group: Sequence[RedTeamTrial], stage: Stage, lanes: Lanes) -> None:
        """All of a group in interleaved rounds beside the live implementation; each is then judged on its own rows."""
        task = stage.task
        reference = live_candidate(task.task.live_source, task.task.live_backend)
        kernels = [kernel_candidate(it.kernel) for it in group if it.kernel]
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
                roof = [measure_peaks(fork_server, task.task.dtype, 1)]
                rounds = Rounds(task, protocol, 1, roof[0].cache_bytes, SHAPES[task.family.name].attacked)
                for index in range(ROUNDS):
                    rows += rounds.measure(index, [reference, *kernels], fork_server)
                roof.append(measure_peaks(fork_server, task.task.dtype, 1))
        except UserError as problem:
            for trial in group:
                trial.failed = str(problem)
            return
        after, span = digest_measuring_files(task), (started, time.time())
        for trial, kernel in zip(group, kernels, strict=True):
            own = [row for row in rows if row.implementation in (reference.id, kernel.id)]
            self._judge(trial, stage, own, protocol, highest_peaks(roof), (before, after), span)

    def _judge(
        self,
        trial: RedTeamTrial,
        stage: Stage,
        rows: list[OpRun],
        protocol: TimingProtocol,
        peaks: Peaks,
        files: tuple[Digests, Digests],
        span: tuple[float, float],
    ) -> None:
        task: TaskFolder = stage.task
        with self._lock:
            number = next(self._numbers[task.family.name])
        keep(task, trial.candidate.source)
        attempt = write_attempt(task, number, rows, protocol, peaks, files, span)
        trial.attempt = attempt
        broken = [row for row in rows if not is_sound(task.task, row)]
        if broken:
            trial.layers["timing"] = broken[0].raised or _unsound(broken[0])
        opinion = audit_attempt(attempt)
        trial.rules = opinion.rules
        if opinion.verdict != "PASS":
            trial.layers["audit"] = f"{opinion.verdict}: {', '.join(opinion.rules)}"
        elif trial.candidate.hostile and not broken and attempt.claim.outcome != "winner":
            trial.layers["timing"] = "no gain to be had"

    def _forgeries(self, trials: Sequence[RedTeamTrial]) -> Iterator[tuple[RedTeamTrial, Forgery]]:
        """Every forgery of one honest attempt per family that won; fewer in a sample.

        On a machine with other tenants the auditor may doubt an honest one: the one that it doubts least is taken.
        """
        draw = random.Random(self._seed)
        for family in self._families:
            won = min(
                (
                    it
                    for it in trials
                    if it.candidate.family == family
                    and not it.candidate.hostile
                    and it.attempt is not None
                    and it.attempt.claim.outcome == "winner"
                ),
                key=lambda it: len(it.rules),
                default=None,
            )
            few = draw.sample(FORGERIES, min(len(FORGERIES), max(1, self._sample // 8))) if self._sample else FORGERIES
            yield from ((won, forgery) for forgery in few) if won is not None else ()

    def _forged(self, honest: RedTeamTrial, forgery: Forgery) -> RedTeamResult:
        """Caught is what the auditor holds against it that it did not hold against the honest one."""
        attempt = honest.attempt
        assert attempt is not None
        opinion, family = audit_forgery(attempt, forgery), attempt.task.family.name
        loud = opinion.verdict != "PASS" and bool(set(opinion.rules) - set(honest.rules))
        return RedTeamResult(
            id=f"{family}/forged-{forgery.name}",
            family=family,
            technique=f"forged: {forgery.name}",
            modes=forgery.modes,
            outcome="caught" if loud else "missed",
            gain=None if loud else attempt.claim.speedup,
            layers={"audit": f"{opinion.verdict}: {', '.join(opinion.rules)}"} if loud else {},
        )


def _unsound(row: OpRun) -> str:
    said = row.correctness
    if row.executed != row.implementation:
        return "its calls are not those that were made"
    if row.intact is not None and not (row.intact.clock and row.intact.synchronize and row.intact.checker):
        return "clock, synchronisation or checker are not what they were"
    return f"a timed answer is wrong: {said.relative_error if said else None}"


def _left_behind(mark: str) -> bool:
    """Whether a process of that name is there."""
    names = []
    for place in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.append(place.read_text(encoding="utf-8").strip())
        except OSError:
            continue
    return mark[:15] in names


@contextmanager
def _listener() -> Iterator[tuple[int, threading.Event]]:
    """A port of the loopback, and whether anybody called."""
    called = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def wait() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                called.set()
                connection.close()

        threading.Thread(target=wait, daemon=True).start()
        yield server.getsockname()[1], called
        server.shutdown(socket.SHUT_RDWR)
