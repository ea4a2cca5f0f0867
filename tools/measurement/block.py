"""Measures one block: a fresh reference and a fresh candidate, by the plan; failures are recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bankable.tools.evidence.folder import set_leg_aside
from bankable.tools.evidence.layout import OVERLAY_FOLDER, WATCH_FOLDER
from bankable.tools.evidence.records import Block, ComparisonKind, Failure, LaunchPlan, LegRecord, Plan, Side
from bankable.tools.measurement.engagement import NotEngaged, engagement, prove_overlays
from bankable.tools.measurement.leg import PREPARED, LegWriter, publish
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.serving.driver import LaunchFailed, RoundFailed, RoundLoad, Server


@dataclass(frozen=True)
class BlockResult:
    """Both legs of a block, as they were closed."""

    legs: dict[Side, LegRecord]

    @property
    def failure(self) -> Failure | None:
        """The first failure among the legs."""
        return next((leg.failure for leg in self.legs.values() if leg.failure), None)


TRANSIENT = ("died_in_round", "hung_in_round")
"""Failures that may be the machine's fault and not the configuration's: the block is measured once again."""


def leg_name(block: int, side: Side, attempt: int = 0) -> str:
    """Folder name of a leg: ``b03-reference``, and ``b03-reference-again`` for the one retry."""
    return f"b{block:02d}-{side.value}{'-again' if attempt else ''}"


def run_block(context: RunContext, plan: Plan, block: Block) -> BlockResult:
    """Measure a block, or return it as it was measured before.

    A server that dies or hangs in a round costs one retry of the whole block, on the record: the broken legs stay.
    """
    result = _attempt(context, plan, block, 0)
    if result.failure and result.failure.kind in TRANSIENT:
        context.tell(ProgressEvent("note", f"{plan.name} block {block.index} again: {result.failure.line}", plan.name))
        result = _attempt(context, plan, block, 1)
    return result


def _attempt(context: RunContext, plan: Plan, block: Block, attempt: int) -> BlockResult:
    if done := _read_finished(context, plan, block, attempt):
        return done
    if plan.launch_plan is LaunchPlan.CORESIDENT:
        return _measure_sides(context, plan, block, list(block.order), attempt)
    legs = _close_prepared(context, plan, block, attempt)
    for side in block.order:
        if side not in legs:
            legs |= _measure_sides(context, plan, block, [side], attempt).legs
    return BlockResult(legs)


def _read_finished(context: RunContext, plan: Plan, block: Block, attempt: int) -> BlockResult | None:
    """The block as an earlier process left it, when both its legs were closed; half a block is set aside."""
    legs = context.folder.comparison(plan.name) / "legs"
    records = _close_prepared(context, plan, block, attempt)
    if len(records) == len(Side):
        return BlockResult(records)
    for side in block.order:
        if side not in records:
            aside = set_leg_aside(legs / leg_name(block.index, side, attempt))
            if aside:
                context.folder.ledger.enter_tree(aside)
    return None


def _close_prepared(context: RunContext, plan: Plan, block: Block, attempt: int) -> dict[Side, LegRecord]:
    """Legs that are closed, or were about to be: co-resident ones only together."""
    legs = context.folder.comparison(plan.name) / "legs"
    folders = {side: legs / leg_name(block.index, side, attempt) for side in block.order}
    present = [
        folder for folder in folders.values() if (folder / "leg.json").is_file() or (folder / PREPARED).is_file()
    ]
    if plan.launch_plan is LaunchPlan.CORESIDENT and len(present) < len(folders):
        return {}
    return {side: record for side, folder in folders.items() if (record := publish(context, folder))}


def _measure_sides(context: RunContext, plan: Plan, block: Block, sides: list[Side], attempt: int) -> BlockResult:
    """Launch the given sides at once, load one at a time in the plan's order, and close them in every case."""
    writers = {side: _writer(context, plan, block, side, attempt) for side in sides}
    context.tell(ProgressEvent("launch", f"{plan.name} block {block.index}: {' and '.join(sides)}", plan.name))
    started = context.driver.launch([writers[side].request() for side in sides])
    servers = {
        side: server for side, server in zip(sides, started, strict=True) if not isinstance(server, LaunchFailed)
    }
    failures = {
        side: result.failure for side, result in zip(sides, started, strict=True) if isinstance(result, LaunchFailed)
    }
    legs: dict[Side, LegRecord] = {}
    with _stopping(servers):
        if not failures:
            failures = _measure(context, plan, block, writers, servers)
        for up in servers if plan.lever.overlays else ():
            writers[up].overlay(servers[up].overlay())
    for side, writer in writers.items():
        server = servers.get(side)
        stopped = server.close() if server else context.driver.clock()
        legs[side] = writer.prepare(server.identity if server else None, stopped, failures.get(side))
    for writer in writers.values():
        publish(context, writer.folder)
    for leg in legs.values():
        context.tell(ProgressEvent("leg", f"{leg.leg_id} {leg.status}", plan.name))
    return BlockResult(legs)


def _writer(context: RunContext, plan: Plan, block: Block, side: Side, attempt: int) -> LegWriter:
    config = plan.reference if side is Side.REFERENCE else plan.reference.with_lever(plan.lever)
    comparison = context.folder.comparison(plan.name)
    writer = LegWriter(
        context, comparison / "legs" / leg_name(block.index, side, attempt), plan.name, block.index, side, config
    )
    if plan.lever.overlays:
        # The reference is looked at in the same way, by an overlay that replaces nothing.
        replaces = side is Side.CANDIDATE
        writer.lay(comparison / (OVERLAY_FOLDER if replaces else WATCH_FOLDER), replaces)
    return writer


def _measure(
    context: RunContext, plan: Plan, block: Block, writers: dict[Side, LegWriter], servers: dict[Side, Server]
) -> dict[Side, Failure]:
    """Engagement, warm-up, probes, then the timed rounds. Returns the failure of the side that broke, if one did."""
    side = block.order[0]
    try:
        for side, server in servers.items():
            writers[side].server_info(server)
            _engage(plan, side, writers[side], server)
            writers[side].warm(server, RoundLoad(plan.workload, block.warmup_seed, -1), _others(servers, side))
            if side is Side.CANDIDATE:
                prove_overlays(plan.lever, server)
            context.check()
        if block.index == 0:
            for side, server in servers.items():
                _probe(context, plan, side, writers[side], server)
        for side in block.rounds:
            if side not in servers:
                continue
            index = writers[side].timed
            load = RoundLoad(plan.workload, block.seeds[index], index)
            rate = writers[side].round(servers[side], load, _others(servers, side)).output_throughput
            context.tell(ProgressEvent("round", f"{writers[side].leg_id} round {index}", plan.name, rate))
    except RoundFailed as problem:
        return {side: problem.failure}
    except NotEngaged as problem:
        return {side: Failure(kind="unsupported", line=str(problem)[:500])}
    return {}


def _engage(plan: Plan, side: Side, writer: LegWriter, server: Server) -> None:
    if side is Side.REFERENCE or plan.kind is ComparisonKind.CONTROL:
        return
    records = engagement(plan.lever, server.identity.env, server.server_info(), server.identity.engine)
    writer.lines("engagement.jsonl", records)
    for record in records:
        if not record.engaged:
            raise NotEngaged(f"{record.name}={record.requested} did not take effect: the server has {record.resolved}")


def _probe(context: RunContext, plan: Plan, side: Side, writer: LegWriter, server: Server) -> None:
    """Greedy outputs twice, and accuracy once, on the first block.

    Every candidate is compared with the control, the true baseline; the references of later comparisons are not probed.
    """
    if plan.kind is not ComparisonKind.CONTROL and side is Side.REFERENCE:
        return
    with writer.span("probe"):
        writer.lines("outputs.jsonl", [*server.generate(context.prompts, 0), *server.generate(context.prompts, 1)])
    context.check()
    if plan.kind is ComparisonKind.CONTROL and side is Side.CANDIDATE:
        return
    with writer.span("probe"):
        writer.lines("accuracy.jsonl", server.answer(context.questions))
    context.check()


def _others(servers: dict[Side, Server], side: Side) -> list[Server]:
    return [server for other, server in servers.items() if other is not side]


@contextmanager
def _stopping(servers: dict[Side, Server]) -> Iterator[None]:
    """Stop every server on the way out, also when a signal or an error is the reason."""
    try:
        yield
    finally:
        for server in servers.values():
            server.close()
