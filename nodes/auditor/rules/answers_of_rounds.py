"""The timed rounds returned text, as much and as varied as on the reference (Q01 Q07 Q08).

Per pair of rounds with the same prompts, over the requests in order: the candidate's answers may not come to less than
nine tenths of the reference's tokens, nor may a fifth of them stop at half the reference's length. Over all rounds,
answers to different prompts may not become the same text. With fixed lengths the first is also judged, more sharply, by
``same_workload``.

On each leg alone: where texts are kept, at most 70 % of them are blank or one repeated character (text of random
prompts may be odd, and is not judged further). Where another tool counts tokens a second time from the text that came
back, that count is at least half of what it credits.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, NotApplicable, Outcome, Rule, at, fail, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Side

LESS = 0.9
"""Tokens of all answers, as a share of the reference's."""
HALVED, MANY = 0.5, 0.2
VARIED, SAME = 0.8, 0.5
"""Share of distinct texts of a reference that varies, and of a candidate that does not."""
FEWEST_TEXTS = 8
EMPTY = 0.7
"""Share of answers without content from which a leg returned no text."""
RETOKENIZED = 0.5
"""Smallest count of tokens in the returned text, as a share of the credited tokens."""


def check(case: Case) -> Iterator[Outcome]:
    for leg in case.legs:
        yield from _content(leg, retokenized=case.imported)
    if case.scope == "baseline":
        return
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
    halved = sum(_count_halved(left, right) for left, right, _ in pairs)
    requests = sum(len(left.output_lens) for left, _, _ in pairs)
    observed = f"{after} of {before} tokens, {halved} of {requests} answers at most half as long"
    if after < LESS * before or halved > MANY * requests:
        worst = min(pairs, key=lambda pair: (pair[1].output_tokens or 0) / max(1, pair[0].output_tokens or 0))
        yield fail(
            "answers as long as the reference's",
            observed,
            "less work is not faster work: check stop tokens, length limits and sampling defaults",
            worst[2],
            modes=("Q07",),
            code="shorter_answers",
        )
    else:
        yield info("answers as long as the reference's", observed, pairs[0][2], modes=("Q07",))
    yield from _check_variety(case)


def _content(leg: LegView, *, retokenized: bool) -> Iterator[Outcome]:
    """Judge the texts of one leg, the worst round first; one finding each is enough."""
    empty = max(leg.rows, key=lambda row: row.empty_texts / max(1, row.texts))
    if empty.texts and empty.empty_texts >= EMPTY * empty.texts:
        yield fail(
            "answers with text",
            f"{empty.empty_texts} of {empty.texts} answers of {leg.name} are blank or one repeated character",
            "find out what the server decodes before measuring how fast it is",
            at(leg.path("bench_runs.jsonl"), empty.line),
            modes=("Q01",),
            code="empty_answers",
        )
    counted = [row for row in leg.rows if row.retokenized is not None and row.output_tokens]
    if not retokenized or not counted:
        return
    least = min(counted, key=lambda row: (row.retokenized or 0) / (row.output_tokens or 1))
    if (least.retokenized or 0) < RETOKENIZED * (least.output_tokens or 0):
        yield fail(
            "credited tokens that are in the returned text",
            f"{least.output_tokens} tokens are credited, the text holds {least.retokenized}",
            "count the tokens that came back: with early ends the requested number is not the returned one",
            at(leg.path("bench_runs.jsonl"), least.line),
            action=Action.REMEASURE,
            modes=("Q01", "Q08"),
            code="tokens_not_in_text",
        )


def _count_halved(left: BenchRound, right: BenchRound) -> int:
    return sum(b <= HALVED * a for a, b in zip(left.output_lens, right.output_lens, strict=True) if a > 1)


def _check_variety(case: Case) -> Iterator[Outcome]:
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
            modes=("Q07",),
            code="same_answers",
        )


def _distinct(rows: list[BenchRound]) -> float | None:
    texts = [row for row in rows if row.distinct_texts > 0]
    requests = sum(row.succeeded or 0 for row in texts)
    return sum(row.distinct_texts for row in texts) / requests if requests >= FEWEST_TEXTS else None


rule = Rule("answers_of_rounds", COMPARISONS, ("Q01", "Q07", "Q08"), ("lever", "rounds"), check, gives=(Severity.FAIL,))
