"""Runs a whole comparison: blocks in the order of the plan until a declared look decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from bankable.tools.evidence.records import BenchRun, Claim, Failure, Plan, Side
from bankable.tools.evidence.store import json_bytes, write_once
from bankable.tools.measurement.block import BlockResult, run_block
from bankable.tools.measurement.cost import block_seconds
from bankable.tools.measurement.leg import read_runs
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.measurement.summary import summarise
from bankable.tools.objective.claim import make_claim
from bankable.tools.objective.judging import ComparisonJudgment, find_levels, judge, score_unit
from bankable.tools.recorder.seeds import with_drawn_seeds
from bankable.tools.statistics.guards import PairedLevels
from bankable.tools.statistics.paired import Decision
from bankable.tools.statistics.sequential import next_look, settle


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison came to."""

    plan: Plan
    decision: Decision | None
    """By the objective and the guards; ``None`` when a launch or a round failed and nothing can be said."""
    claim: Claim | None
    failure: Failure | None
    diffs: tuple[float, ...]
    """Difference of each block: a log ratio, or of rates that may be zero a part of the mean rate."""

    @property
    def folder(self) -> str:
        """Name of the comparison."""
        return self.plan.name


def declare(context: RunContext, plan: Plan) -> Path:
    """Write the plan. This is the first thing that happens, before any launch."""
    folder = context.folder.comparison(plan.name)
    write_once(folder / "plan.json", json_bytes(plan.model_dump(mode="json")))
    context.folder.ledger.enter(folder / "plan.json")
    return folder


def compare(
    context: RunContext, plan: Plan, reserve_s: float = 0.0, isolated: Mapping[str, float] | None = None
) -> ComparisonResult:
    """Run the plan's blocks until a look stops it, then write the claim. Finished blocks are taken as they are.

    A look that leaves the comparison undecided ends it, too, when the blocks up to the next look, and ``reserve_s`` of
    work after them, no longer fit into the run's time. That can only lose a gain, never invent one. ``isolated`` are
    speed-ups of replaced operators alone, which the claim quotes beside the serving gain. With a recorder the data
    seeds follow from the nonce that it draws after the plan.
    """
    folder = declare(context, plan)
    nonce = context.folder.draw_nonce(folder / "plan.json")
    measured = with_drawn_seeds(plan, nonce) if nonce is not None else plan
    levels = PairedLevels((), ())
    rounds: dict[Side, list[list[BenchRun]]] = {side: [] for side in Side}
    judgment: ComparisonJudgment | None = None
    for block in measured.blocks:
        result = run_block(context, measured, block)
        if result.failure:
            context.tell(ProgressEvent("note", f"{plan.name}: {result.failure.kind}: {result.failure.line}", plan.name))
            return ComparisonResult(plan, None, None, result.failure, levels.relative)
        for side in Side:
            rounds[side].append(_runs(folder, result, side))
        levels = levels.extend(find_levels(plan, plan.metric, rounds[Side.REFERENCE][-1:], rounds[Side.CANDIDATE][-1:]))
        text = f"{plan.name} block {block.index}: {levels.describe_last(score_unit(plan))}"
        context.tell(ProgressEvent("block", text, plan.name))
        done = len(levels.reference)
        if done in plan.looks:
            judgment = judge(plan, rounds)
            if settle(judgment.decision, plan.looks).stop or not _time_for_more(context, plan, done, reserve_s):
                break
    if judgment is None:
        return ComparisonResult(plan, None, None, None, levels.relative)
    sides = {side: summarise(launches) for side, launches in rounds.items()}
    claim = make_claim(plan, judgment, rounds, sides, isolated or {})
    context.folder.put(folder / "claim.json", claim.model_dump(mode="json"))
    return ComparisonResult(plan, judgment.decision, claim, None, levels.relative)


def _time_for_more(context: RunContext, plan: Plan, done: int, reserve_s: float) -> bool:
    more = (next_look(done, plan.looks) or done) - done
    needed, left = more * block_seconds(context, rounds=plan.rounds_per_leg) + reserve_s, context.seconds_left()
    if needed <= left:
        return True
    why = (
        f"{plan.name}: undecided after {done} blocks; {more} more take {needed / 60:.0f} min, {left / 60:.0f} are left"
    )
    context.tell(ProgressEvent("note", why, plan.name))
    return False


def _runs(folder: Path, result: BlockResult, side: Side) -> list[BenchRun]:
    return read_runs(folder / "legs" / result.legs[side].leg_id)


def read_claim(context: RunContext, name: str) -> Claim:
    """The claim of a comparison that was decided."""
    return Claim.model_validate_json((context.folder.comparison(name) / "claim.json").read_bytes())


def kv_tokens(context: RunContext, name: str) -> int | None:
    """Capacity of the reference's KV pool in tokens, as its server reported it in this comparison."""
    for path in sorted((context.folder.comparison(name) / "legs").glob(f"*-{Side.REFERENCE}/server_info.json")):
        tokens = orjson.loads(path.read_bytes()).get("max_total_num_tokens")
        return tokens if isinstance(tokens, int) else None
    return None
