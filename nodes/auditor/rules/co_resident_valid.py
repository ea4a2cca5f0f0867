"""Two servers side by side are valid only if the idle one is idle (C11).

Co-resident plans: the idle server's CPU seconds are recorded in every round and come to at most a tenth of one core
over the rounds of a leg, rounds of the two legs never overlap, and capacities are fixed. Alternating plans: launches on
one device set never overlap. Without a plan, servers that were up together on one device set were co-resident.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import BlockView
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule, Unverifiable, at, fail, flag
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import LaunchPlan

IDLE_SHARE = 0.10
"""Of one core, over the wall time of a leg's rounds. A server with a sleeping scheduler was measured at 0.03 to 0.06;
one whose idle scheduler spins takes a whole core."""
ADVICE = "start the servers with --sleep-on-idle and load one at a time"


def check(case: Case) -> Iterator[Outcome]:
    yield from _overlap(case)
    together = [block for block in case.blocks if _co_resident(case, block)]
    for block in case.blocks:
        if block in together:
            yield from _idle(block)
        elif _up_together(block):
            yield fail(
                "one server at a time on a device set, as planned",
                f"both servers of block {block.index} were up together",
                "stop one server before the other starts, or plan co-resident blocks",
                at(block.candidate.path("leg.json")),
                action=Action.REMEASURE,
                code="servers_overlap",
            )
    if together:
        for leg in (leg for block in together for leg in block.legs()):
            resolved = leg.server_info or {}
            if "max_total_tokens" in resolved and resolved["max_total_tokens"] is None:
                yield flag(
                    "a fixed KV pool for servers that share memory",
                    "max_total_tokens is worked out from free memory",
                    "set --max-total-tokens on both legs",
                    at(leg.path("server_info.json")),
                    code="capacity_not_fixed",
                )
                return


def _idle(block: BlockView) -> Iterator[Outcome]:
    for leg in block.legs():
        where = at(leg.path("bench_runs.jsonl"))
        stamps = [row.stamp for row in leg.rows if row.stamp]
        idle = [stamp.peer_cpu_s for stamp in stamps if stamp.peer_cpu_s is not None]
        if len(idle) < len(leg.rows):
            yield Unverifiable("CPU seconds of the idle co-resident server", (where,))
            continue
        wall = math.fsum(stamp.ended - stamp.started for stamp in stamps)
        if not wall > 0:
            yield Unverifiable("duration of the rounds", (where,))
        elif math.fsum(idle) > IDLE_SHARE * wall:
            yield fail(
                f"an idle server below {IDLE_SHARE:.0%} of one core",
                f"{math.fsum(idle) / wall:.1%} while {leg.name} was loaded",
                ADVICE,
                where,
                action=Action.REMEASURE,
                code="peer_not_idle",
            )


def _overlap(case: Case) -> Iterator[Outcome]:
    """Over all blocks: a server that outlives its block may be loaded during the next one."""
    spans = sorted(
        (row.stamp.started, row.stamp.ended, leg.path("bench_runs.jsonl"), row.line)
        for leg in case.legs
        for row in leg.rows
        if row.stamp
    )
    for before, after in pairwise(spans):
        if after[0] < before[1]:
            yield fail(
                "one round at a time",
                f"a round starts {before[1] - after[0]:.1f} s before another ends",
                ADVICE,
                at(after[2], after[3]),
                at(before[2], before[3]),
                action=Action.REMEASURE,
                code="rounds_overlap",
            )
            return


def _co_resident(case: Case, block: BlockView) -> bool:
    return case.planned.launch_plan is LaunchPlan.CORESIDENT if case.planned is not None else _up_together(block)


def _up_together(block: BlockView) -> bool:
    first, second = block.reference.record, block.candidate.record
    if first is None or second is None or not set(first.device_set) & set(second.device_set):
        return False
    return min(first.stopped_at, second.stopped_at) > max(first.launched_at, second.launched_at)


rule = Rule("co_resident_valid", COMPARISONS, ("C11",), ("lever", "rounds"), check)
