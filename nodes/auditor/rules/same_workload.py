"""Both legs were asked the same, and started from the same cache.

Proves, per block and round index: equal seeds as planned, equal digests of the prompts, equal prompt lengths and load
generator arguments (C08), a flushed prefix cache (C17), a new seed for every round of a leg, and equal output totals
where the workload fixes the lengths (Q07). Over all blocks: equal cached tokens (C17). Of one round they say nothing: a
prompt that is drawn twice finds itself in the cache or not, by how soon the second comes after the first.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import BlockView
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Rule, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.levers import Touches

CACHED_SHARE = 0.01
"""Prompt tokens from the cache: a difference between the sides above this share of all prompts is another workload.
Below it, what was not computed cannot have made more than the smallest gain that counts."""
OUTPUT_SHARE = 0.02
ADVICE = "send the same seeded prompts to both legs, with the prefix cache flushed before each round"


def check(case: Case) -> Iterator[Outcome]:
    planned = {block.index: block.seeds for block in case.plan.blocks}
    for block in case.blocks:
        for left, right in zip(block.reference.rows, block.candidate.rows, strict=False):
            yield from _round(case, block, left, right)
        for leg in block.legs():
            seeds = [row.stamp.seed for row in leg.rows if row.stamp]
            if seeds != list(planned.get(block.index, ()))[: len(seeds)]:
                yield _other("seeds as planned", f"seeds {seeds}", leg.path("bench_runs.jsonl"), 1)
            if len(set(seeds)) < len(seeds):
                yield _other("a new seed for every round", f"seeds {seeds}", leg.path("bench_runs.jsonl"), 1, "C17")
    yield from _cached(case)
    if any(row.cached_tokens is None for leg in case.legs for row in leg.rows) and not all(
        row.stamp and row.stamp.flushed for leg in case.legs for row in leg.rows
    ):
        yield Unverifiable("cached-token counts or a flush record", (at(case.plan_file),), Severity.FLAG)


def _round(case: Case, block: BlockView, left: BenchRound, right: BenchRound) -> Iterator[Found]:
    file, line = block.candidate.path("bench_runs.jsonl"), right.line
    if left.stamp and right.stamp:
        if left.stamp.request_digest != right.stamp.request_digest:
            yield _other(f"prompts {left.stamp.request_digest[:12]}", f"{right.stamp.request_digest[:12]}", file, line)
        if not (left.stamp.flushed and right.stamp.flushed):
            yield _other("prefix cache flushed before the round", "not flushed", file, line, "C17")
    if sorted(left.input_lens) != sorted(right.input_lens):
        yield _other(f"{sum(left.input_lens)} prompt tokens", f"{sum(right.input_lens)} prompt tokens", file, line)
    for name, value in left.arguments:
        other = dict(right.arguments).get(name)
        if other != value:
            yield _other(f"{name} = {value}", f"{name} = {other}", file, line)
    totals = left.raw.total_output_tokens, right.raw.total_output_tokens
    if case.plan.workload.dataset == "random-ids" and abs(totals[0] - totals[1]) > OUTPUT_SHARE * max(totals):
        yield fail(
            f"{totals[0]} output tokens, as on the reference",
            f"{totals[1]} output tokens",
            "ask for fixed lengths and ignore end-of-text, so that both legs do the same work",
            at(file, line),
            modes=("Q07", "C08"),
            code="different_output_length",
        )


def _cached(case: Case) -> Iterator[Found]:
    if any(known is not None and Touches.KV_MEMORY in known.touches for known in case.knobs.values()):
        return
    rounds = [
        (block.candidate, left, right)
        for block in case.blocks
        for left, right in zip(block.reference.rows, block.candidate.rows, strict=False)
    ]
    reference = sum(left.cached_tokens or 0 for _, left, _ in rounds)
    candidate = sum(right.cached_tokens or 0 for _, _, right in rounds)
    prompts = sum(sum(left.input_lens) for _, left, _ in rounds)
    if abs(candidate - reference) > CACHED_SHARE * prompts:
        leg, _, row = max(rounds, key=lambda it: abs((it[2].cached_tokens or 0) - (it[1].cached_tokens or 0)))
        said = f"{candidate} cached of {prompts} prompt tokens"
        yield _other(f"{reference} cached, as on the reference", said, leg.path("bench_runs.jsonl"), row.line, "C17")


def _other(expected: str, observed: str, file: str, line: int, mode: str = "C08") -> Found:
    return fail(
        expected, observed, ADVICE, at(file, line), action=Action.REMEASURE, modes=(mode,), code="different_workload"
    )


rule = Rule("same_workload", COMPARISONS, ("C08", "C17", "Q07"), ("plan", "rounds"), check, gate=True)
