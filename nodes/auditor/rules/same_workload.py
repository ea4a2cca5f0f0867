"""Both legs were asked the same, and started from the same cache.

Proves, per pair of launches and round index: equal digests of the prompts, equal numbers and lengths of prompts, equal
load generator arguments (C08), a flushed prefix cache (C17), a new seed for every round of a leg, seeds as planned, and
equal output totals (Q07) unless the data set is one of texts, whose answers end by themselves: those are judged by
``answers_of_rounds``. Over all pairs: equal cached tokens (C17). Single rounds are not compared: whether a
repeated prompt hits the cache depends on timing. A round without a partner must
have asked for as much as some round of the other leg.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import BlockView, LegView
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Rule, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Side
from bankable.tools.levers import Touches

CACHED_SHARE = 0.01
"""Prompt tokens from the cache: a difference between the sides above this share of all prompts is another workload.
Below it, what was not computed cannot have made more than the smallest gain that counts."""
OUTPUT_SHARE = 0.02
ADVICE = "send the same seeded prompts to both legs, with the prefix cache flushed before each round"


def check(case: Case) -> Iterator[Outcome]:
    planned = {block.index: block.seeds for block in case.planned.blocks} if case.planned is not None else None
    for block in case.blocks:
        for left, right in zip(block.reference.rows, block.candidate.rows, strict=False):
            yield from _round(case, block, left, right)
        for leg in block.legs():
            seeds = [row.stamp.seed for row in leg.rows if row.stamp]
            if planned is not None and seeds != list(planned.get(block.index, ()))[: len(seeds)]:
                yield _other("seeds as planned", f"seeds {seeds}", leg.path("bench_runs.jsonl"), 1)
            if len(set(seeds)) < len(seeds):
                yield _other("a new seed for every round", f"seeds {seeds}", leg.path("bench_runs.jsonl"), 1, "C17")
    yield from _find_unpaired(case)
    yield from _check_cached(case)
    if any(row.cached_tokens is None for leg in case.legs for row in leg.rows) and not all(
        row.stamp and row.stamp.flushed for leg in case.legs for row in leg.rows
    ):
        what = "cached-token counts or a flush record"
        yield Unverifiable(what, (at(case.lever_file),), Severity.FLAG, own_runs_only=True)


def _round(case: Case, block: BlockView, left: BenchRound, right: BenchRound) -> Iterator[Found]:
    file, line = block.candidate.path("bench_runs.jsonl"), right.line
    if left.stamp and right.stamp:
        if left.stamp.request_digest != right.stamp.request_digest:
            yield _other(f"prompts {left.stamp.request_digest[:12]}", f"{right.stamp.request_digest[:12]}", file, line)
        if not (left.stamp.flushed and right.stamp.flushed):
            yield _other("prefix cache flushed before the round", "not flushed", file, line, "C17")
    if left.listed and right.listed:
        if sorted(left.input_lens) != sorted(right.input_lens):
            yield _other(f"{sum(left.input_lens)} prompt tokens", f"{sum(right.input_lens)} prompt tokens", file, line)
    elif _sizes_differ(left, right):
        yield _other(_describe(left), _describe(right), file, line)
    other = dict(right.arguments)
    for name, value in left.arguments:
        # A field that a tool does not write in one of its rounds is no difference.
        if (case.planned is not None or name in other) and other.get(name) != value:
            yield _other(f"{name} = {value}", f"{name} = {other.get(name)}", file, line)
    totals = left.output_tokens, right.output_tokens
    if totals[0] is None or totals[1] is None or not _fixed_lengths(case, right):
        return
    answers = _answer_length(left), _answer_length(right)
    if abs(answers[0] - answers[1]) > OUTPUT_SHARE * max(answers[0], answers[1]):
        yield fail(
            f"{totals[0]} output tokens, as on the reference",
            f"{totals[1]} output tokens",
            "ask for fixed lengths and ignore end-of-text, so that both legs do the same work",
            at(file, line),
            modes=("Q07", "C08"),
            code="different_output_length",
        )


def _answer_length(row: BenchRound) -> float:
    """Output tokens of a round; of one with failed requests, as many as all of them would have at its mean length.

    How many failed is judged by ``rows_complete``.
    """
    tokens, succeeded = float(row.output_tokens or 0), row.succeeded or 0
    return tokens * (succeeded + (row.failed or 0)) / succeeded if succeeded and row.failed else tokens


def _fixed_lengths(case: Case, row: BenchRound) -> bool:
    """Whether the workload fixes the answers' lengths, as far as the records show; where they do not, it has to."""
    if case.planned is not None:
        return case.planned.workload.dataset == "random-ids"
    return dict(row.arguments).get("dataset_name", "random").startswith("random")


def _size(row: BenchRound) -> tuple[int | None, int | None]:
    """Requests and prompt tokens of a round."""
    return row.completed, row.input_tokens


def _sizes_differ(left: BenchRound, right: BenchRound) -> bool:
    """Whether two rounds asked for different amounts; a count that one of them lacks is no difference."""
    pairs = zip(_size(left), _size(right), strict=True)
    return any(a is not None and b is not None and a != b for a, b in pairs)


def _describe(row: BenchRound) -> str:
    return f"{row.completed} requests with {row.input_tokens} prompt tokens"


def _find_unpaired(case: Case) -> Iterator[Found]:
    """Legs with different numbers of rounds: unpaired rounds are compared with all rounds of the other leg."""
    if case.planned is not None or case.is_control:
        return
    sides = [case.counted(side) for side in Side]
    rounds = [[row for leg in legs for row in leg.rows] for legs in sides]
    for legs, partners in zip(sides, reversed(rounds), strict=True):
        for leg in legs:
            for row in leg.rows:
                if all(_sizes_differ(row, other) for other in partners) and not _has_partner(case, leg, row):
                    yield _other(
                        "as much work as on the other leg", _describe(row), leg.path("bench_runs.jsonl"), row.line
                    )


def _has_partner(case: Case, leg: LegView, row: BenchRound) -> bool:
    index = leg.rows.index(row)
    others = [other for block in case.blocks if leg in block.legs() for other in block.legs() if other is not leg]
    return any(index < len(other.rows) for other in others)


def _check_cached(case: Case) -> Iterator[Found]:
    if any(argument is not None and Touches.KV_MEMORY in argument.touches for argument in case.knobs.values()):
        return
    rounds = [
        (block.candidate, left, right)
        for block in case.blocks
        for left, right in zip(block.reference.rows, block.candidate.rows, strict=False)
        if case.planned is not None or None not in (left.cached_tokens, right.cached_tokens)
    ]
    reference = sum(left.cached_tokens or 0 for _, left, _ in rounds)
    candidate = sum(right.cached_tokens or 0 for _, _, right in rounds)
    prompts = sum(left.input_tokens or 0 for _, left, _ in rounds)
    if abs(candidate - reference) > CACHED_SHARE * prompts:
        leg, _, row = max(rounds, key=lambda entry: abs((entry[2].cached_tokens or 0) - (entry[1].cached_tokens or 0)))
        observed = f"{candidate} cached of {prompts} prompt tokens"
        yield _other(
            f"{reference} cached, as on the reference", observed, leg.path("bench_runs.jsonl"), row.line, "C17"
        )


def _other(expected: str, observed: str, file: str, line: int | None, mode: str = "C08") -> Found:
    return fail(
        expected, observed, ADVICE, at(file, line), action=Action.REMEASURE, modes=(mode,), code="different_workload"
    )


rule = Rule("same_workload", COMPARISONS, ("C08", "C17", "Q07"), ("lever", "rounds"), check, gate=True)
