"""Measures a load ladder: each launch serves all loads in turn, blocks go on where a launch can still decide something.

A block launches every configuration that is still open. At each load the configurations take turns in the order of the
block and then in its mirror, so that slow drift of the machine hits all alike. After each block the pairs of points
that no launch has decided are looked at: a point is served again only while it has a fair chance to be proven better
or worse than another one by the last look that the time allows. A point that was left out does not come back, so that
every pair is judged over the first blocks of both. Leaving out can only lose a proof, never invent one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.tools.evidence.folder import set_leg_aside
from bankable.tools.evidence.records import (
    Block,
    Contender,
    Failure,
    FrontierClaim,
    Ladder,
    LaunchPlan,
    LegRecord,
    Plan,
    point_key,
)
from bankable.tools.measurement.comparison import declare
from bankable.tools.measurement.frontier import MeasuredPoint, claim_frontier, sort_rounds
from bankable.tools.measurement.ladder_block import LadderBlock, leg_name
from bankable.tools.measurement.leg import PREPARED, publish, read_runs
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.recorder.seeds import with_drawn_seeds
from bankable.tools.statistics.frontier import PointLevels, chance_of_proof, find_difference, find_dominators

FIRST_BLOCKS = 2
"""Blocks that serve every point: one launch has no spread."""
WORTH = 0.1
"""Chance of a proof from which a pair of points is worth another launch."""
UNKNOWN_S = 120.0
"""Duration of a block before one was measured, seconds."""


@dataclass(frozen=True)
class LadderResult:
    """What a ladder came to."""

    plan: Plan
    claim: FrontierClaim | None
    """``None`` where no block was finished."""
    failures: dict[str, Failure]
    """By configuration: why it was left out."""


def measure_ladder(context: RunContext, plan: Plan, seconds: float) -> LadderResult:
    """Run blocks while a launch can still decide something and fits into ``seconds``; then write the claim.

    Finished blocks are taken as they are.
    """
    ladder = plan.ladder
    assert ladder is not None
    folder = declare(context, plan)
    if (folder / "claim.json").is_file():  # an earlier process was stopped after it
        return LadderResult(plan, FrontierClaim.model_validate_json((folder / "claim.json").read_bytes()), {})
    nonce = context.folder.draw_nonce(folder / "plan.json")
    measured = with_drawn_seeds(plan, nonce) if nonce is not None else plan
    runner = _Runner(context, measured, ladder)
    deadline, longest, done = context.driver.clock() + seconds, UNKNOWN_S, 0
    for block in measured.blocks:
        now = context.driver.clock()
        left = int((deadline - now) / longest) if longest > 0 else len(measured.blocks)
        if done and left < 1:
            context.tell(ProgressEvent("note", f"{plan.name}: no time for another block after {done}", plan.name))
            break
        wanted = find_open_points(plan, ladder, runner.points(), done, done + left)
        if not wanted:
            context.tell(ProgressEvent("note", f"{plan.name}: no launch would decide more after {done}", plan.name))
            break
        runner.run(block, wanted)
        done += 1
        spent = context.driver.clock() - now
        longest = spent if done == 1 else max(longest, spent)
        context.tell(ProgressEvent("block", f"{plan.name} block {block.index}: {_describe(ladder, wanted)}", plan.name))
    points = runner.points()
    if not points:
        return LadderResult(plan, None, runner.failures)
    claim = claim_frontier(plan, ladder, points, done)
    context.folder.put(folder / "claim.json", claim.model_dump(mode="json"))
    context.tell(ProgressEvent("note", f"{plan.name}: {claim.headline}", plan.name))
    return LadderResult(plan, claim, runner.failures)


def find_open_points(
    plan: Plan, ladder: Ladder, points: Sequence[MeasuredPoint], done: int, last: int
) -> frozenset[str]:
    """Keys of the points that the next block serves; all of them before the first.

    ``last``: blocks that the time allows in all. A pair is open while neither of its points is proven to be dominated,
    both were in every block so far, and a proof has a fair chance.
    """
    if not done:
        return frozenset(point_key(entry.name, load.name) for entry in ladder.contenders for load in ladder.loads)
    levels = [point.levels for point in points]
    return select_open(levels, ladder.family, plan.looks, plan.floor, done, min(last, plan.looks[-1]))


def select_open(
    levels: Sequence[PointLevels], family: int, looks: Sequence[int], floor: float, done: int, last: int
) -> frozenset[str]:
    """Keys of the points in pairs that another launch may decide, by a look that is still to come; at first all."""
    if done < FIRST_BLOCKS:
        return frozenset(point.key for point in levels)
    if max((look for look in looks if look <= last), default=0) <= done:
        return frozenset()
    dominators = find_dominators(levels, family, looks, floor)
    alive = [point for point in levels if not dominators[point.key] and len(point.throughput) == done]
    wanted: set[str] = set()
    for one in alive:
        for other in alive:
            if one.key == other.key or (one.key in wanted and other.key in wanted):
                continue
            difference = find_difference(one, other)
            if chance_of_proof(difference, last, family, looks, floor) >= WORTH:
                wanted |= {one.key, other.key}
    return frozenset(wanted)


class _Runner:
    """Runs blocks of one ladder and keeps their rounds."""

    def __init__(self, context: RunContext, plan: Plan, ladder: Ladder) -> None:
        self.context, self.plan, self.ladder = context, plan, ladder
        self.failures: dict[str, Failure] = {}
        self._legs = context.folder.comparison(plan.name) / "legs"
        self._blocks: list[int] = []

    def points(self) -> list[MeasuredPoint]:
        """Every point with rounds of complete launches, configuration by configuration."""
        points: list[MeasuredPoint] = []
        for entry in self.ladder.contenders:
            folders = {block: self._legs / leg_name(block, entry.name) for block in self._blocks}
            complete = {block: folder for block, folder in folders.items() if _is_complete(folder)}
            points += sort_rounds(self.ladder, entry.name, {block: read_runs(path) for block, path in complete.items()})
        return points

    def run(self, block: Block, wanted: Collection[str]) -> None:
        """Measure one block: the wanted points, of the configurations that have not failed."""
        entries = [self.ladder.contenders[place] for place in self.ladder.orders[block.index]]
        entries = [entry for entry in entries if entry.name not in self.failures and self._loads(entry, wanted)]
        records = self._close_prepared(block, entries)
        together = self.plan.launch_plan is LaunchPlan.CORESIDENT
        missing = [] if together and records else [entry for entry in entries if entry.name not in records]
        for entry in missing:
            if aside := set_leg_aside(self._legs / leg_name(block.index, entry.name)):
                self.context.folder.ledger.enter_tree(aside)
        for group in [missing] if together else [[entry] for entry in missing]:
            if group:
                loads = {entry.name: self._loads(entry, wanted) for entry in group}
                records |= LadderBlock(self.context, self.plan, self.ladder, block, loads).measure(group)
        self._blocks.append(block.index)
        for name, record in records.items():
            if record.failure is not None:
                self.failures[name] = record.failure
                line = f"{self.plan.name}: {name} is left out: {record.failure.line}"
                self.context.tell(ProgressEvent("note", line, self.plan.name))

    def _loads(self, entry: Contender, wanted: Collection[str]) -> list[int]:
        loads = enumerate(self.ladder.loads)
        return [place for place, load in loads if point_key(entry.name, load.name) in wanted]

    def _close_prepared(self, block: Block, entries: Sequence[Contender]) -> dict[str, LegRecord]:
        """Legs that are closed, or were about to be; co-resident ones that were all prepared, or none."""
        folders = {entry.name: self._legs / leg_name(block.index, entry.name) for entry in entries}
        closed = any((path / "leg.json").is_file() for path in folders.values())
        prepared = all((path / PREPARED).is_file() for path in folders.values())
        if self.plan.launch_plan is LaunchPlan.CORESIDENT and not closed and not prepared:
            return {}
        return {name: record for name, path in folders.items() if (record := publish(self.context, path))}


def _is_complete(leg: Path) -> bool:
    """Whether a leg was closed without a failure."""
    path = leg / "leg.json"
    return path.is_file() and LegRecord.model_validate_json(path.read_bytes()).status == "complete"


def _describe(ladder: Ladder, wanted: Collection[str]) -> str:
    return f"{len(wanted)} of {ladder.count_points} points"
