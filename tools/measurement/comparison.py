"""Runs a whole comparison: blocks in the order of the plan until a declared look decides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from bankable.tools.evidence.records import BenchRun, Claim, Failure, LatencySummary, Plan, Side
from bankable.tools.evidence.store import json_bytes, write_once
from bankable.tools.measurement.block import BlockResult, run_block
from bankable.tools.measurement.cost import block_seconds
from bankable.tools.measurement.leg import read_runs
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.measurement.summary import summarise
from bankable.tools.recorder.seeds import with_drawn_seeds
from bankable.tools.statistics.paired import Decision, block_difference
from bankable.tools.statistics.sequential import look, next_look


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison came to."""

    plan: Plan
    decision: Decision | None
    """``None`` when a launch or a round failed and nothing can be said."""
    claim: Claim | None
    failure: Failure | None
    diffs: tuple[float, ...]

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
    diffs: list[float] = []
    rounds: dict[Side, list[list[BenchRun]]] = {side: [] for side in Side}
    decision: Decision | None = None
    for block in measured.blocks:
        result = run_block(context, measured, block)
        if result.failure:
            context.tell(ProgressEvent("note", f"{plan.name}: {result.failure.kind}: {result.failure.line}", plan.name))
            return ComparisonResult(plan, None, None, result.failure, tuple(diffs))
        for side in Side:
            rounds[side].append(_runs(folder, result, side))
        diffs.append(block_difference(_rates(rounds[Side.REFERENCE][-1]), _rates(rounds[Side.CANDIDATE][-1])))
        context.tell(
            ProgressEvent("block", f"{plan.name} block {block.index}: {math.expm1(diffs[-1]):+.1%}", plan.name)
        )
        if len(diffs) in plan.looks:
            outcome = look(diffs, plan.looks, plan.alpha, plan.floor)
            decision = outcome.decision
            if outcome.stop or not _time_for_more(context, plan, len(diffs), reserve_s):
                break
    if decision is None:
        return ComparisonResult(plan, None, None, None, tuple(diffs))
    claim = _claim(plan, decision, {side: summarise(launches) for side, launches in rounds.items()}, isolated or {})
    context.folder.put(folder / "claim.json", claim.model_dump(mode="json"))
    return ComparisonResult(plan, decision, claim, None, tuple(diffs))


def _time_for_more(context: RunContext, plan: Plan, done: int, reserve_s: float) -> bool:
    more = (next_look(done, plan.looks) or done) - done
    needed, left = more * block_seconds(context) + reserve_s, context.seconds_left()
    if needed <= left:
        return True
    why = (
        f"{plan.name}: undecided after {done} blocks; {more} more take {needed / 60:.0f} min, {left / 60:.0f} are left"
    )
    context.tell(ProgressEvent("note", why, plan.name))
    return False


def _rates(runs: list[BenchRun]) -> list[float]:
    return [run.output_throughput for run in runs]


def _runs(folder: Path, result: BlockResult, side: Side) -> list[BenchRun]:
    return read_runs(folder / "legs" / result.legs[side].leg_id)


def _claim(plan: Plan, decision: Decision, sides: dict[Side, LatencySummary], isolated: Mapping[str, float]) -> Claim:
    lower, upper = math.expm1(decision.lower), math.expm1(decision.upper)
    delta = math.expm1(decision.mean)
    what = plan.lever.text() or "no change"
    return Claim(
        comparison=plan.name,
        run_id=plan.run_id,
        lever=plan.lever,
        metric=plan.metric,
        reference=sides[Side.REFERENCE],
        candidate=sides[Side.CANDIDATE],
        delta=delta,
        interval=(lower, upper),
        blocks=decision.n,
        decision=decision.verdict,
        isolated=dict(isolated),
        headline=f"{what}: output throughput {delta:+.1%} [{lower:+.1%}, {upper:+.1%}] over {decision.n} blocks",
    )


def read_claim(context: RunContext, name: str) -> Claim:
    """The claim of a comparison that was decided."""
    return Claim.model_validate_json((context.folder.comparison(name) / "claim.json").read_bytes())


def kv_tokens(context: RunContext, name: str) -> int | None:
    """Capacity of the reference's KV pool in tokens, as its server reported it in this comparison."""
    for path in sorted((context.folder.comparison(name) / "legs").glob(f"*-{Side.REFERENCE}/server_info.json")):
        tokens = orjson.loads(path.read_bytes()).get("max_total_num_tokens")
        return tokens if isinstance(tokens, int) else None
    return None
