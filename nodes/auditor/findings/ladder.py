"""What a launch of a load ladder must show: the declared configuration, the planned rounds at each load, idle peers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.findings.answers import accuracy_finding, length_findings, parity
from bankable.nodes.auditor.findings.reported import record_findings
from bankable.nodes.auditor.findings.rounds import row_findings
from bankable.nodes.auditor.ladder import contender_of, load_of
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Found, Outcome, Unverifiable, at, fail, flag
from bankable.nodes.auditor.verdict import Action, Evidence
from bankable.tools.evidence.records import Generation, Ladder, LaunchPlan, LoadPoint, Plan

IDLE_SHARE = 0.10
"""Of one core for each idle server, over the wall time of a leg's rounds."""
FAILED = 0.05
"""Failed requests of a launch, as a share."""
ADVICE = "measure the ladder again under the plan; every launch serves the planned loads, each with its own rounds"


def judge_leg(plan: Plan, ladder: Ladder, leg: LegView, peers: int) -> Iterator[Outcome]:
    """One complete launch; ``peers``: other servers that were up beside it."""
    entry, where = contender_of(ladder, leg), at(leg.path("leg.json"))
    if entry is None or leg.record is None:
        names = ", ".join(contender.name for contender in ladder.contenders)
        yield _fail(f"a configuration of the plan: {names}", f"{leg.name}, with another configuration", where, "C01")
        return
    resolved = leg.server_info or {}
    for name, value in sorted(entry.config.flags.items()):
        if name in resolved and resolved[name] not in (value, [value]) and str(resolved[name]) != str(value):
            yield _fail(f"{name} = {value}", f"the server has {resolved[name]}", where, "C10", "not_engaged")
    yield from _rounds(plan, ladder, leg)
    yield from record_findings(leg)
    if plan.launch_plan is LaunchPlan.CORESIDENT and peers:
        yield from _idle(leg, peers)


def _rounds(plan: Plan, ladder: Ladder, leg: LegView) -> Iterator[Outcome]:
    """Every round is at its planned load with its planned seed, and no round of a load that was served is missing."""
    file, record = leg.path("bench_runs.jsonl"), leg.record
    block = next((block for block in plan.blocks if record is not None and block.index == record.block), None)
    if block is None or record is None:
        yield _fail("a block of the plan", f"{leg.name} is of none", at(leg.path("leg.json")), "D10")
        return
    indices = [row.stamp.index if row.stamp is not None else -1 for row in leg.rows]
    served = sorted({index // ladder.rounds_per_load for index in indices})
    owed = [place * ladder.rounds_per_load + turn for place in served for turn in range(ladder.rounds_per_load)]
    if sorted(indices) != owed or len(leg.rows) != record.timed_rounds:
        observed = f"rounds {sorted(indices)}, {record.timed_rounds} in leg.json"
        yield _fail(f"every round of the loads served: {owed}", observed, at(file), "D11", "point_left_out")
    for row in leg.rows:
        load, where = load_of(ladder, row), at(file, row.line)
        if load is None or row.stamp is None:
            yield _fail("a round at a load of the plan", "another index, or no stamp", where, "D11")
            continue
        if row.stamp.leg_id != record.leg_id:
            yield _fail(f"rounds of {record.leg_id}", f"a round stamped for {row.stamp.leg_id}", where, "R03")
        if row.stamp.index < len(block.seeds) and row.stamp.seed != block.seeds[row.stamp.index]:
            yield _fail(f"seed {block.seeds[row.stamp.index]}, as planned", f"{row.stamp.seed}", where, "C08")
        if not row.stamp.flushed:
            yield _fail("prefix cache flushed before the round", "not flushed", where, "C17")
        for expected, observed in _differences(load, row):
            yield _fail(f"{load.name}: {expected}", observed, where, "C08", "other_load")
        yield from row_findings(leg, row, load.workload.num_prompts)
    durations = Counter(row.duration for row in leg.rows)
    if any(count > 1 for count in durations.values()):
        yield _fail("rounds of their own", "two rounds with the same timings", at(file), "R02", "copied_round")
    sent = sum(row.issued or 0 for row in leg.rows)
    failed = sum(row.failed or 0 for row in leg.rows)
    if failed > FAILED * sent:
        yield _fail("no failed requests", f"{failed} of {sent} failed", at(file), "Q09", "failed_requests")
    elif failed:
        yield flag("no failed requests", f"{failed} of {sent} failed", ADVICE, at(file), modes=("Q09",))


def _differences(load: LoadPoint, row: BenchRound) -> Iterator[tuple[str, str]]:
    """How a round differs from the load that its index names; from its own arguments and requests."""
    workload, arguments = load.workload, dict(row.arguments)
    rate = "inf" if workload.request_rate is None else f"{workload.request_rate:g}"
    stated = arguments.get("request_rate")
    if stated is not None and not _same_number(stated, rate):
        yield f"request rate {rate}", f"request rate {stated}"
    stated = arguments.get("max_concurrency")
    if stated is None or not _same_number(stated, str(workload.concurrency)):
        yield f"{workload.concurrency} requests in flight", f"{stated} in flight"
    if row.listed and workload.dataset == "random-ids":
        for what, lengths, planned in (
            ("prompt", row.input_lens, workload.input_len),
            ("answer", row.output_lens, workload.output_len),
        ):
            longest, shortest = max(lengths, default=0), min(lengths, default=0)
            if longest > planned or (not row.failed and shortest < math.floor(workload.range_ratio * planned)):
                yield f"{what}s of {workload.range_ratio:g}–1 × {planned} tokens", f"{shortest} to {longest}"


def _same_number(text: str, other: str) -> bool:
    """Whether two arguments are one number; sglang's record has none in place of an infinite rate."""
    try:
        return float("inf" if text == "None" else text) == float(other)
    except ValueError:
        return False


def _idle(leg: LegView, peers: int) -> Iterator[Outcome]:
    stamps, where = [row.stamp for row in leg.rows if row.stamp], at(leg.path("bench_runs.jsonl"))
    idle = [stamp.peer_cpu_s for stamp in stamps if stamp.peer_cpu_s is not None]
    wall = math.fsum(stamp.ended - stamp.started for stamp in stamps)
    if len(idle) < len(leg.rows) or not wall > 0:
        yield Unverifiable("CPU seconds of the idle co-resident servers", (where,))
    elif math.fsum(idle) > IDLE_SHARE * peers * wall:
        observed = f"{math.fsum(idle) / wall:.1%} of a core while {leg.name} was loaded"
        yield _fail(f"{peers} idle servers below {IDLE_SHARE:.0%} of a core each", observed, where, "C11")


def judge_answers(baseline: LegView | None, legs: Sequence[LegView]) -> Iterator[Outcome]:
    """Each configuration answers as the true baseline does, or as rightly; probed in its first launch."""
    if baseline is None:
        yield Unverifiable("outputs.jsonl of the true baseline")
        return
    texts = _texts(baseline)
    for leg in legs:
        where = at(leg.path("outputs.jsonl"))
        mine = _texts(leg)
        if any(generation.error for generation in leg.outputs):
            yield _fail("an answer to every probe", "errors", where, "Q05", "probe_errors")
        compared = parity(texts, mine)
        if compared.compared == 0 or compared.missing:
            yield Unverifiable(f"answers of {leg.name} to all probes of the baseline ({compared})", (where,))
        elif not compared.same:
            yield from length_findings(texts, mine, where)
            places = at(leg.path("accuracy.jsonl")), at(baseline.path("accuracy.jsonl"))
            yield from accuracy_finding(baseline.answers, leg.answers, *places)


def _texts(leg: LegView) -> dict[str, Generation]:
    return {generation.prompt_id: generation for generation in leg.outputs if generation.repeat == 0}


def _fail(expected: str, observed: str, where: Evidence, mode: str, code: str = "ladder_rounds") -> Found:
    return fail(
        expected,
        observed[:300],
        ADVICE,
        where,
        action=Action.REMEASURE,
        modes=(mode,),
        code=code,
    )
