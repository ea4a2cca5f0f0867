"""Answers under load and greedy probes agree with each other between the legs (Q02 Q07 Q08 Q05).

Equal prompts begin with equal text on both legs, apart from what arithmetic may change; text and credited tokens stand
in one proportion on both; a sequence of tokens decodes to one text; every probe and question was asked once, with one
text. One relation each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import ANSWERS, OUTPUTS, ROUNDS, all_legs, each_round, paired_rounds
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair, judge_invariants
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.tools.evidence.records import Generation, Side
from bankable.tools.levers import knob

FEWEST_TEXTS = 8
FEWEST_CHARACTERS = 200
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def _numeric(case: Case) -> bool:
    """Whether a part of the lever that is no operator may change the arithmetic, or is unknown."""
    moved = {**case.knobs, **{name: knob(name) for name in case.laid_before}}
    return any(
        entry is None or entry.changes_numerics for name, entry in moved.items() if name not in case.lever.overlays
    )


def _equal_starts(case: Case) -> Iterator[ValuePair]:
    """Share of requests whose answers begin alike on both legs, over all paired rounds."""
    if _numeric(case) and not case.is_control:
        return
    equal = total = 0
    for _, left, right in paired_rounds(case):
        if left.facts is None or right.facts is None or left.stamp is None or right.stamp is None:
            continue
        if len(left.facts.starts) == len(right.facts.starts):
            equal += (Counter(left.facts.starts) & Counter(right.facts.starts)).total()
            total += len(left.facts.starts)
    if total >= FEWEST_TEXTS:
        yield ValuePair(equal / total, 0.25, case.candidate_file)


def _density(case: Case) -> Iterator[ValuePair]:
    """Characters of text for each credited token, candidate against reference."""
    sides = {side: [0, 0] for side in Side}
    for leg, row, facts in each_round(case):
        if leg.side is not None and facts.starts:
            sides[leg.side][0] += facts.characters
            sides[leg.side][1] += row.output_tokens or 0
    if all(characters >= FEWEST_CHARACTERS and tokens for characters, tokens in sides.values()):
        reference, candidate = sides[Side.REFERENCE], sides[Side.CANDIDATE]
        yield ValuePair(candidate[0] / candidate[1], reference[0] / reference[1], case.candidate_file)


def _round_density(case: Case) -> Iterator[ValuePair]:
    """Characters for each credited token: no token decodes to more than a long word."""
    for leg, row, facts in each_round(case):
        if facts.starts and row.output_tokens:
            yield ValuePair(facts.characters / row.output_tokens, 32.0, leg.path(ROUNDS), row.line)


def _probes(case: Case) -> Iterator[tuple[LegView, Generation]]:
    for leg in all_legs(case):
        for generation in leg.outputs:
            if generation.error is None:
                yield leg, generation


def _probe_prompts(case: Case) -> Iterator[ValuePair]:
    first: dict[str, str] = {}
    for leg, generation in _probes(case):
        first_prompt = first.setdefault(generation.prompt_id, generation.prompt)
        yield ValuePair(generation.prompt, first_prompt, leg.path(OUTPUTS))


def _probes_once(case: Case) -> Iterator[ValuePair]:
    for leg in all_legs(case):
        if leg.outputs:
            counts = Counter((generation.prompt_id, generation.repeat) for generation in leg.outputs)
            yield ValuePair(float(max(counts.values())), 1.0, leg.path(OUTPUTS))


def _repeats(case: Case) -> Iterator[ValuePair]:
    """As many probes in the second pass as in the first."""
    for leg in all_legs(case):
        passes = Counter(generation.repeat for generation in leg.outputs)
        if len(passes) > 1:
            yield ValuePair(float(min(passes.values())), float(max(passes.values())), leg.path(OUTPUTS))


def _decoded(case: Case) -> Iterator[ValuePair]:
    """One sequence of tokens has one text."""
    first: dict[tuple[int, ...], str] = {}
    for leg, generation in _probes(case):
        first_text = first.setdefault(tuple(generation.token_ids), generation.text)
        yield ValuePair(generation.text, first_text, leg.path(OUTPUTS))


def _encoded(case: Case) -> Iterator[ValuePair]:
    """Probes with tokens have text, and the other way round."""
    for leg in all_legs(case):
        bare = sum(bool(generation.text) != bool(generation.token_ids) for generation in leg.outputs)
        if leg.outputs:
            yield ValuePair(float(bare), max(1.0, 0.1 * len(leg.outputs)), leg.path(OUTPUTS))


def _probe_density(case: Case) -> Iterator[ValuePair]:
    """Characters for each token of the probes of a leg, against the first leg that was probed."""
    first: float | None = None
    for leg in all_legs(case):
        tokens = sum(len(generation.token_ids) for generation in leg.outputs)
        characters = sum(len(generation.text) for generation in leg.outputs)
        if tokens and characters >= FEWEST_CHARACTERS:
            first = characters / tokens if first is None else first
            yield ValuePair(characters / tokens, first, leg.path(OUTPUTS))


def _question_texts(case: Case) -> Iterator[ValuePair]:
    """Answered questions without a text."""
    for leg in all_legs(case):
        answered = [answer for answer in leg.answers if answer.error is None]
        if answered:
            bare = sum(not answer.text for answer in answered)
            yield ValuePair(float(bare), max(1.0, 0.25 * len(answered)), leg.path(ANSWERS))


def _predictions(case: Case) -> Iterator[ValuePair]:
    """Answers whose stated number is not among the numbers of their text."""
    for leg in all_legs(case):
        stated = [answer for answer in leg.answers if answer.error is None and answer.predicted is not None]
        if stated:
            missing = sum(not _has_number(answer.text, answer.predicted or "") for answer in stated)
            yield ValuePair(float(missing), 0.0, leg.path(ANSWERS))


def _has_number(text: str, number: str) -> bool:
    try:
        wanted = float(number)
        return any(float(found) == wanted for found in _NUMBER.findall(text.replace(",", "")))
    except ValueError:
        return number in text


def _marks(case: Case) -> Iterator[ValuePair]:
    """Answers that are marked right although their number is not the expected one, or the other way round."""
    for leg in all_legs(case):
        given = [answer for answer in leg.answers if answer.error is None]
        if given:
            wrong = sum(answer.correct != (_plain(answer.predicted) == _plain(answer.expected)) for answer in given)
            yield ValuePair(float(wrong), 0.0, leg.path(ANSWERS))


def _plain(number: str | None) -> str | None:
    """A number without the commas between its thousands."""
    return number.replace(",", "") if number is not None else None


def _questions(case: Case) -> Iterator[ValuePair]:
    """Questions asked of the candidate, against the launch of the true baseline that answers for it."""
    base = next((leg for leg in case.true_baseline.side(Side.REFERENCE) if leg.answers), None)
    for leg in case.comparison.side(Side.CANDIDATE):
        if base is not None and leg.answers:
            yield ValuePair(float(len(leg.answers)), float(len(base.answers)), leg.path(ANSWERS))


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="equal_starts",
        left="bench_runs.jsonl: share of answers that begin alike on both legs",
        relation=Relation.AT_LEAST,
        right="a quarter",
        tolerance=0.0,
        reason="0.77 and more with replaced operators, 0.96 without; answers to other prompts share none",
        mode="Q02",
        read=_equal_starts,
    ),
    Invariant(
        id="text_per_token",
        left="bench_runs.jsonl: characters per credited token of the candidate",
        relation=Relation.EQUAL,
        right="the same of the reference",
        tolerance=0.3,
        reason="the same prompts and model; words differ by a few percent over hundreds of answers",
        mode="Q08",
        read=_density,
    ),
    Invariant(
        id="text_of_tokens",
        left="bench_runs.jsonl: characters per credited token",
        relation=Relation.AT_MOST,
        right="32",
        tolerance=0.0,
        reason="no vocabulary has tokens of that mean length",
        mode="Q08",
        read=_round_density,
    ),
    Invariant(
        id="probe_prompts",
        left="outputs.jsonl: prompt",
        relation=Relation.EQUAL,
        right="the prompt of this prompt_id on the first leg",
        tolerance=0.0,
        reason="one prompt for each id",
        mode="C08",
        read=_probe_prompts,
    ),
    Invariant(
        id="probes_once",
        left="outputs.jsonl: answers to one prompt in one pass",
        relation=Relation.EQUAL,
        right="one",
        tolerance=0.0,
        reason="each pass asks each prompt once",
        mode="Q07",
        read=_probes_once,
    ),
    Invariant(
        id="probe_passes",
        left="outputs.jsonl: answers of the smaller pass",
        relation=Relation.EQUAL,
        right="answers of the larger pass",
        tolerance=0.0,
        reason="both passes ask the same prompts",
        mode="Q07",
        read=_repeats,
    ),
    Invariant(
        id="tokens_decode_once",
        left="outputs.jsonl: text",
        relation=Relation.EQUAL,
        right="outputs.jsonl: text of another answer with the same tokens",
        tolerance=0.0,
        reason="one tokenizer",
        mode="Q02",
        read=_decoded,
    ),
    Invariant(
        id="text_of_probes",
        left="outputs.jsonl: answers with text and no tokens, or tokens and no text",
        relation=Relation.AT_MOST,
        right="a tenth",
        tolerance=0.0,
        reason="a token may decode to nothing",
        mode="Q08",
        read=_encoded,
    ),
    Invariant(
        id="text_per_probe_token",
        left="outputs.jsonl: characters per token",
        relation=Relation.EQUAL,
        right="the same of the first probed leg",
        tolerance=0.4,
        reason="one tokenizer, and few answers",
        mode="Q08",
        read=_probe_density,
    ),
    Invariant(
        id="text_of_questions",
        left="accuracy.jsonl: answers without a text",
        relation=Relation.AT_MOST,
        right="a quarter",
        tolerance=0.0,
        reason="a damaged model leaves some empty, which is judged as wrong answers",
        mode="Q05",
        read=_question_texts,
    ),
    Invariant(
        id="predicted_of_text",
        left="accuracy.jsonl: answers whose predicted number is not in their text",
        relation=Relation.SAME,
        right="none",
        tolerance=0.0,
        reason="the number is read from the text",
        mode="Q05",
        read=_predictions,
    ),
    Invariant(
        id="correct_as_predicted",
        left="accuracy.jsonl: answers whose mark is not that of predicted against expected",
        relation=Relation.SAME,
        right="none",
        tolerance=0.0,
        reason="the mark follows from both",
        mode="Q05",
        read=_marks,
    ),
    Invariant(
        id="questions_asked",
        left="accuracy.jsonl: questions asked of the candidate",
        relation=Relation.EQUAL,
        right="questions asked of the true baseline",
        tolerance=0.0,
        reason="both get the same questions",
        mode="Q05",
        read=_questions,
    ),
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule("invariants_answers", COMPARISONS, ("Q02", "Q07", "Q08", "Q05", "C08"), ("lever", "rounds"), check)
