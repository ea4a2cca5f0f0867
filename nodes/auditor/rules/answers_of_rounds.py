"""The timed rounds returned as much, and as varied, as on the reference (Q07).

Per pair of rounds with the same prompts, over the requests in order: the candidate's answers may not come to less than
nine tenths of the reference's tokens, nor may a fifth of them stop at half the reference's length. Over all rounds,
answers to different prompts may not become the same text. With fixed lengths the first is also judged, more sharply, by
``same_workload``.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, at, fail, info
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import Side

LESS = 0.9
"""Tokens of all answers, as a share of the reference's."""
HALVED, MANY = 0.5, 0.2
VARIED, SAME = 0.8, 0.5
"""Share of distinct texts of a reference that varies, and of a candidate that does not."""
FEWEST_TEXTS = 8


def check(case: Case) -> Iterator[Outcome]:
    pairs = [
        (left, right, at(block.candidate.path("bench_runs.jsonl"), right.line))
        for block in case.blocks
        for left, right in zip(block.reference.rows, block.candidate.rows, strict=False)
        if left.listed and right.listed and len(left.output_lens) == len(right.output_lens)
    ]
    if not pairs:
        yield NotApplicable("no two rounds that list the same number of requests")
        return
    before = sum(left.output_tokens or 0 for left, _, _ in pairs)
    after = sum(right.output_tokens or 0 for _, right, _ in pairs)
    halved = sum(_halved(left, right) for left, right, _ in pairs)
    requests = sum(len(left.output_lens) for left, _, _ in pairs)
    observed = f"{after} of {before} tokens, {halved} of {requests} answers at most half as long"
    if after < LESS * before or halved > MANY * requests:
        worst = min(pairs, key=lambda pair: (pair[1].output_tokens or 0) / max(1, pair[0].output_tokens or 0))
        yield fail(
            "answers as long as the reference's",
            observed,
            "less work is not faster work: check stop tokens, length limits and sampling defaults",
            worst[2],
            code="shorter_answers",
        )
    else:
        yield info("answers as long as the reference's", observed, pairs[0][2])
    yield from _varied(case)


def _halved(left: BenchRound, right: BenchRound) -> int:
    return sum(b <= HALVED * a for a, b in zip(left.output_lens, right.output_lens, strict=True) if a > 1)


def _varied(case: Case) -> Iterator[Outcome]:
    shares = [_distinct([row for leg in case.counted(side) for row in leg.rows]) for side in Side]
    if None in shares:
        yield NotApplicable("the rounds keep no texts")
        return
    reference, candidate = shares[0] or 0.0, shares[1] or 0.0
    if reference >= VARIED and candidate <= SAME:
        yield fail(
            f"different answers to different prompts, as on the reference ({reference:.0%})",
            f"{candidate:.0%}",
            "the server repeats itself: look for answers cached by shape or pointer",
            at(case.counted(Side.CANDIDATE)[0].path("bench_runs.jsonl")),
            code="same_answers",
        )


def _distinct(rows: list[BenchRound]) -> float | None:
    texts = [row for row in rows if row.distinct_texts > 0]
    requests = sum(row.succeeded or 0 for row in texts)
    return sum(row.distinct_texts for row in texts) / requests if requests >= FEWEST_TEXTS else None


rule = Rule("answers_of_rounds", GAINS, ("Q07",), ("lever", "rounds"), check, gives=(Severity.FAIL,))
