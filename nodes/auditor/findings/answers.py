"""Comparing answers: equal tokens, equal length, equal correctness."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bankable.nodes.auditor.rule import Found, Outcome, Unverifiable, fail, flag, info
from bankable.nodes.auditor.verdict import Evidence
from bankable.tools.evidence.records import Answer, Generation
from bankable.tools.statistics.mcnemar import mcnemar

WORSE = 0.05
"""Level of the exact one-sided McNemar test."""
MARGIN = 0.05
"""Largest loss of accuracy, as a fraction, that may remain possible."""
Z95 = 1.6448536
ERRORS = 0.02
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
SHORTER = 0.8
"""Tokens of all probes together, as a share of the baseline's, below which answers count as cut short."""


@dataclass(frozen=True)
class Parity:
    """Number of probes with equal tokens in two sets of answers."""

    compared: int
    equal: int
    missing: int
    """Probes of the first set without an answer in the second."""
    first_difference: str

    @property
    def same(self) -> bool:
        return self.missing == 0 and self.equal == self.compared

    def __str__(self) -> str:
        shown = f"{self.equal} of {self.compared} equal"
        shown += f", {self.missing} missing" if self.missing else ""
        return shown + (f", first difference: {self.first_difference}" if self.first_difference else "")


def parity(baseline: Mapping[str, Generation], other: Mapping[str, Generation]) -> Parity:
    """Compare token ids and finish reasons probe by probe."""
    shared = sorted(baseline.keys() & other.keys())
    differing = [
        name
        for name in shared
        if (baseline[name].token_ids, baseline[name].finish_reason)
        != (other[name].token_ids, other[name].finish_reason)
    ]
    first = ""
    if differing:
        name = differing[0]
        pairs = zip(baseline[name].token_ids, other[name].token_ids, strict=False)
        place = next((index for index, (a, b) in enumerate(pairs) if a != b), None)
        first = f"{name} " + ("in length or finish reason" if place is None else f"at token {place}")
    return Parity(len(shared), len(shared) - len(differing), len(baseline) - len(shared), first)


def length_findings(
    baseline: Mapping[str, Generation], other: Mapping[str, Generation], where: Evidence
) -> Iterator[Found]:
    """Shorter answers and other finish reasons are less work, not faster work (Q07)."""
    shared = sorted(baseline.keys() & other.keys())
    before = sum(len(baseline[name].token_ids) for name in shared)
    after = sum(len(other[name].token_ids) for name in shared)
    if after < SHORTER * before:
        yield fail(
            f"about {before} tokens in all answers",
            f"{after} tokens",
            "answers end early: check stop tokens and sampling defaults",
            where,
            modes=("Q07",),
            code="shorter_answers",
        )
    stopped = [sum(answers[name].finish_reason == "stop" for name in shared) for answers in (baseline, other)]
    if abs(stopped[0] - stopped[1]) > max(1, len(shared) // 3):
        yield flag(
            f"{stopped[0]} of {len(shared)} answers that end by themselves",
            f"{stopped[1]}",
            "compare finish reasons before trusting the token rate",
            where,
            modes=("Q07",),
            code="finish_reasons",
        )


def accuracy_finding(
    baseline: Sequence[Answer], candidate: Sequence[Answer], where: Evidence, base_where: Evidence
) -> Iterator[Outcome]:
    """Paired accuracy: exact McNemar, then the loss that cannot be excluded (Q03 Q05)."""
    gold = {a.question_id: a.expected for a in baseline}
    for answers, file in ((baseline, base_where), (candidate, where)):
        twice = len(answers) - len({a.question_id for a in answers})
        if twice:
            yield fail(
                "every question answered once",
                f"{twice} answers to questions that were answered before",
                "keep one answer for each question, the first one",
                file,
                modes=("Q05", "D11"),
                code="answered_twice",
            )
            return
        other = next((a for a in answers if gold.get(a.question_id, a.expected) != a.expected), None)
        if other is not None:
            yield fail(
                f"{other.question_id}: {gold[other.question_id]} expected"[:300],
                f"{other.expected} expected"[:300],
                "grade both legs against the same answers",
                file,
                modes=("Q05",),
                code="other_key",
            )
            return
        unread = next((a for a in answers if a.error is None and not _in_text(a)), None)
        if unread is not None:
            yield fail(
                f"{unread.question_id}: an answer that its text gives",
                f"{unread.predicted} is nowhere in it"[:300],
                "read the prediction from the decoded text",
                file,
                modes=("Q05", "D14"),
                code="answer_not_in_text",
            )
            return
        wrong = next((a for a in answers if a.error is None and a.correct != _right(a)), None)
        if wrong is not None:
            yield fail(
                f"{wrong.question_id}: correct = {_right(wrong)}",
                f"correct = {wrong.correct}",
                "grade by the number that the answer gives",
                file,
                modes=("Q05", "D14"),
                code="graded_wrong",
            )
            return
        failed = sum(a.error is not None for a in answers)
        if failed > ERRORS * len(answers):
            yield Unverifiable(f"answers to all questions: {failed} of {len(answers)} are request errors", (file,))
            return
    before = {a.question_id: a.correct for a in baseline if a.error is None}
    after = {a.question_id: a.correct for a in candidate if a.error is None}
    shared = sorted(before.keys() & after.keys())
    if len(shared) < (1 - 2 * ERRORS) * len(before) or not shared:
        yield Unverifiable(
            f"the same questions on both legs: {len(shared)} of {len(before)} shared", (where, base_where)
        )
        return
    paired = mcnemar([before[name] for name in shared], [after[name] for name in shared])
    # With few discordant pairs the estimated error is too small; three of n is the exact bound at none (rule of three).
    possible = min(1.0, max(-paired.difference + Z95 * paired.standard_error, 3.0 / paired.questions))
    observed = (
        f"{paired.reference:.1%} → {paired.candidate:.1%} on {paired.questions} paired questions, p(worse) = "
        f"{paired.p_worse:.3f}, standard error {paired.standard_error:.1%}, a loss of up to {possible:.1%} is possible"
    )
    if paired.p_worse <= WORSE:
        yield fail(
            "accuracy not below the true baseline's",
            observed,
            "this change costs answers; drop it",
            where,
            base_where,
            modes=("Q03",),
            code="accuracy_loss",
        )
    elif possible > max(MARGIN, paired.standard_error):
        need = math.ceil(paired.questions * (possible / MARGIN) ** 2)
        yield flag(
            f"a loss of more than {MARGIN:.0%} excluded",
            observed,
            f"ask about {need} questions to decide",
            where,
            base_where,
            modes=("Q03",),
            code="accuracy_undecided",
        )
    else:
        yield info("accuracy not below the true baseline's", observed, where, base_where, modes=("Q03",))


def _in_text(answer: Answer) -> bool:
    """Whether the predicted number is in the decoded text, ignoring thousands separators and trailing zeros."""
    if answer.predicted is None or not answer.text:
        return True
    wanted = _NUMBER.fullmatch(answer.predicted.strip())
    if wanted is None:
        return answer.predicted.strip() in answer.text
    value = float(wanted[0].replace(",", ""))
    return any(math.isclose(float(number_text.replace(",", "")), value) for number_text in _NUMBER.findall(answer.text))


def _right(answer: Answer) -> bool:
    if answer.predicted is None:
        return False
    try:
        return math.isclose(float(answer.predicted.replace(",", "")), float(answer.expected.replace(",", "")))
    except ValueError:
        return answer.predicted.strip() == answer.expected.strip()
