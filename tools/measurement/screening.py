"""Screens many configurations cheaply: one launch each, loaded in turns with a reference that stays up.

A screening result chooses what to confirm. It never banks anything: the reference is one launch, the rounds are few,
and the best of many null changes looks like a gain (D09).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from bankable.tools.evidence.folder import set_leg_aside
from bankable.tools.evidence.records import GOODPUT, Failure, LegRecord, Lever, Plan, Record, Scalar, Side
from bankable.tools.evidence.store import AppendLog
from bankable.tools.measurement.engagement import engagement
from bankable.tools.measurement.leg import LegWriter, TimedRound
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.objective.judging import score_rounds
from bankable.tools.serving.driver import LaunchFailed, RoundFailed, RoundLoad, Server

PAIRS = 2
"""Rounds per leg: reference, candidate, candidate, reference."""
MORE_PAIRS = 3
"""With one more pair when the first two disagree, so that one disturbed round does not make the score."""
DISAGREE = math.log(1.05)
HOPELESS = math.log(0.93)
"""A candidate this far behind after its first pair of rounds is not asked again."""
HOPELESS_GOODPUT = math.log(0.5)
"""The same for goodput, which noise moves further."""


THROUGHPUT = "output_throughput"
Source = Literal["policy", "llm"]


class ScreeningResult(Record):
    """What screening saw of one configuration: one line of ``search/trials.jsonl``."""

    trial: str
    """Id of the trial, unique in the run."""
    search: str
    """Which search of the run: ``around-1`` looks for more on top of one accepted lever."""
    flags: dict[str, Scalar]
    """Engine flags that differ from the reference."""
    score: float | None
    """Median log ratio of the deciding figure against the reference, ``None`` when it did not serve."""
    rounds: int
    """Timed rounds that the score rests on."""
    failure: Failure | None
    """Why it did not serve; ``None`` when it did."""
    cost_s: float
    """Driver-clock seconds, launch included."""
    source: Source | None = None
    """Whose idea it was; not written down where no language model took part."""

    def line(self) -> dict[str, Any]:
        """As it stands in the log."""
        return self.model_dump(mode="json", exclude=None if self.source is not None else {"source"})


@dataclass
class Screening:
    """A session with one reference server that stays up. Use as a context manager; the server is stopped on leaving."""

    context: RunContext
    plan: Plan
    """Reference, workload and seeds; its lever is empty. Kind and looks are not used."""
    search: str
    session: int = 0

    def __post_init__(self) -> None:
        self._root = self.context.folder.search / "legs"
        self._source: Source | None = None
        self._reference: Server | None = None
        self._writer: LegWriter | None = None

    def measure(self, number: int, lever: Lever, source: Source | None = None) -> ScreeningResult:
        """Launch one candidate beside the reference, load them in turns, stop the candidate.

        Seeds follow from the trial's number, so that a resumed run asks the same questions as an uninterrupted one.
        """
        trial = f"trial-{number:03d}"
        context, self._source = self.context, source
        done = self._root / trial / "leg.json"
        if done.is_file():
            return self._recall(trial, lever, LegRecord.model_validate_json(done.read_bytes()))
        if aside := set_leg_aside(self._root / trial):
            context.folder.ledger.enter_tree(aside)
        if self._reference is None:
            self._start_reference()
        started = context.driver.clock()
        writer = LegWriter(
            context, self._root / trial, "search", self.session, Side.CANDIDATE, self.plan.reference.with_lever(lever)
        )
        context.tell(ProgressEvent("launch", f"{trial}: {lever.text() or 'no change'}", trial))
        server = context.driver.launch([writer.request()])[0]
        if isinstance(server, LaunchFailed):
            writer.close(None, context.driver.clock(), server.failure)
            return self._tell(trial, lever, None, 0, server.failure, started)
        failure: Failure | None = None
        score: float | None = None
        try:
            score, failure = self._turns(number, writer, server, lever)
        finally:
            stopped = server.close()
        leg = writer.close(server.identity, stopped, failure)
        return self._tell(trial, lever, score, leg.timed_rounds, failure, started)

    def _turns(
        self, number: int, writer: LegWriter, server: Server, lever: Lever
    ) -> tuple[float | None, Failure | None]:
        assert self._reference is not None
        assert self._writer is not None
        context, plan = self.context, self.plan
        ratios: list[float] = []
        try:
            writer.server_info(server)
            records = engagement(lever, server.identity.env, server.server_info(), server.identity.engine)
            writer.lines("engagement.jsonl", records)
            if lost := next((record for record in records if not record.engaged), None):
                line = f"{lost.name}={lost.requested} did not take effect: the server has {lost.resolved}"
                return None, Failure(kind="unsupported", line=line)
            writer.warm(server, RoundLoad(plan.workload, plan.blocks[0].warmup_seed, -1), [self._reference])
            for pair in range(MORE_PAIRS):
                if pair == PAIRS and abs(ratios[0] - ratios[1]) < DISAGREE:
                    break
                rounds = {}
                for side in (Side.REFERENCE, Side.CANDIDATE) if pair % 2 == 0 else (Side.CANDIDATE, Side.REFERENCE):
                    rounds[side] = self._round(side, number * MORE_PAIRS + pair, writer, server)
                ratios.append(_score(plan, rounds[Side.REFERENCE], rounds[Side.CANDIDATE]))
                context.tell(
                    ProgressEvent("round", f"{writer.leg_id} pair {pair}: {math.expm1(ratios[-1]):+.1%}", writer.leg_id)
                )
                if ratios[-1] < (HOPELESS_GOODPUT if plan.metric == GOODPUT else HOPELESS):
                    break
        except RoundFailed as problem:
            return None, problem.failure
        return median(ratios), None

    def _round(self, side: Side, turn: int, writer: LegWriter, server: Server) -> TimedRound:
        assert self._reference is not None
        assert self._writer is not None
        seed = self.plan.seed + 1_000_003 * (turn + 1)
        if side is Side.REFERENCE:
            load = RoundLoad(self.plan.workload, seed, self._writer.timed)
            return self._writer.round(self._reference, load, [server])
        return writer.round(server, RoundLoad(self.plan.workload, seed, writer.timed), [self._reference])

    def _start_reference(self) -> None:
        context, plan = self.context, self.plan
        while (self._root / f"reference-{self.session}" / "leg.json").is_file():
            self.session += 1
        folder = self._root / f"reference-{self.session}"
        if aside := set_leg_aside(folder):
            context.folder.ledger.enter_tree(aside)
        writer = LegWriter(context, folder, "search", self.session, Side.REFERENCE, plan.reference)
        server = context.driver.launch([writer.request()])[0]
        if isinstance(server, LaunchFailed):
            writer.close(None, context.driver.clock(), server.failure)
            raise server
        self._reference, self._writer = server, writer
        writer.server_info(server)
        writer.warm(server, RoundLoad(plan.workload, plan.blocks[0].warmup_seed, -1), [])

    def _recall(self, trial: str, lever: Lever, leg: LegRecord) -> ScreeningResult:
        """A trial that an earlier process finished: its ratio is read back from the trial log."""
        for line in read_trials(self.context):
            if line.trial == trial:
                return line
        # The leg was closed but its line was not written: its rounds cannot be paired any more, so it counts as unseen.
        failure = leg.failure or Failure(kind="unsupported", line="interrupted before the result was written")
        return self._tell(trial, lever, None, leg.timed_rounds, failure, leg.launched_at)

    def _tell(
        self, trial: str, lever: Lever, score: float | None, rounds: int, failure: Failure | None, started: float
    ) -> ScreeningResult:
        line = ScreeningResult(
            trial=trial,
            search=self.search,
            flags={**lever.flags, **lever.env},
            score=score,
            rounds=rounds,
            failure=failure,
            cost_s=self.context.driver.clock() - started,
            source=self._source,
        )
        append_trial(self.context, line)
        text = f"{math.expm1(score):+.1%}" if score is not None else f"{failure.kind if failure else 'no result'}"
        self.context.tell(ProgressEvent("trial", f"{trial}: {lever.text() or 'no change'}: {text}", trial, score))
        return line

    def close(self) -> None:
        """Stop the reference and close its leg."""
        if self._reference and self._writer:
            stopped = self._reference.close()
            self._writer.close(self._reference.identity, stopped, None)
            self._reference = self._writer = None

    def __enter__(self) -> Screening:
        return self

    def __exit__(self, *problem: object) -> None:
        if problem[0] is None:
            self.close()
        elif self._reference:
            self._reference.close()


def _score(plan: Plan, reference: TimedRound, candidate: TimedRound) -> float:
    """Log ratio of the deciding figure of a pair of rounds."""
    if plan.metric == THROUGHPUT:  # stands in the record; its per-request lists need not be checked
        return math.log(candidate.output_throughput / reference.output_throughput)
    return score_rounds(plan, reference.run(), candidate.run())


def _log(context: RunContext) -> Path:
    return context.folder.search / "trials.jsonl"


def append_trial(context: RunContext, line: ScreeningResult) -> None:
    """Add a line to the trial log."""

    AppendLog(_log(context)).append(line.line())


def read_trials(context: RunContext) -> list[ScreeningResult]:
    """All trials of the run so far; a torn last line is passed over."""
    path = _log(context)
    if not path.is_file():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [ScreeningResult.model_validate_json(line) for line in lines if line.endswith(b"\n")]
