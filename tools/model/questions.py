"""Question sets in the GSM8K format, with a split that no draw can cross.

A line is ``{"question", "answer"}``; the answer works the steps and ends in ``#### N``. Which side of the split a
question lies on follows from its wording and its numbers alone: the held-out side has number combinations that the
training side never uses with that wording, whatever the names and the things.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.tools.model.chance import is_heldout, lean
from bankable.tools.model.people import PEOPLE
from bankable.tools.model.shapes import SHAPES, Numbers
from bankable.tools.model.wordings import ITEMS, WORDINGS

SHOTS = 5
"""Worked examples in front of the asked question in the accuracy probe."""


@dataclass(frozen=True)
class ArithmeticQuestion:
    """One question with its worked answer and its identity."""

    question: str
    """The problem, ending in a question mark."""
    answer: str
    """The worked steps, a line break and ``#### N``."""
    wording: int
    """Position in ``WORDINGS``."""
    numbers: Numbers
    """The numbers of the problem, in the order of its shape."""

    @property
    def heldout(self) -> bool:
        """Whether the question belongs to the held-out side."""
        return is_heldout(self.wording, *self.numbers)

    @property
    def value(self) -> int:
        """The number after ``####``."""
        return int(self.answer.rsplit("#### ", 1)[1])

    def block(self) -> str:
        """The question with its answer, as a worked example stands in a prompt."""
        return block(self.question, self.answer)


def block(question: str, answer: str) -> str:
    """Write a worked example as it stands in a prompt."""
    return f"Question: {question}\nAnswer: {answer}"


def draw_question(rng: random.Random, *, heldout: bool) -> ArithmeticQuestion:
    """Draw a question from one side of the split."""
    while True:
        wording = rng.randrange(len(WORDINGS))
        numbers = SHAPES[WORDINGS[wording].shape].draw(rng)
        if is_heldout(wording, *numbers) == heldout:
            return _write(rng, wording, numbers)


def _write(rng: random.Random, wording: int, numbers: Numbers) -> ArithmeticQuestion:
    form = WORDINGS[wording]
    first = lean(rng, PEOPLE, 0.1).name
    second = lean(rng, [p.name for p in PEOPLE if p.name != first], 0.1)
    steps = SHAPES[form.shape].steps(numbers)
    holes = {"n": first, "m": second, "i": lean(rng, ITEMS, 0.1)}
    holes |= dict(zip("abc", map(str, numbers), strict=False)) | dict(zip("st", map(str, steps), strict=False))
    answer = f"{form.answer.format(**holes)}\n#### {steps[-1].result}"
    return ArithmeticQuestion(form.question.format(**holes), answer, wording, numbers)


def draw_set(seed: int, count: int, *, heldout: bool) -> list[ArithmeticQuestion]:
    """Draw ``count`` distinct questions from one side of the split."""
    rng = random.Random(f"questions-{seed}-{heldout}")
    questions: dict[str, ArithmeticQuestion] = {}
    while len(questions) < count:
        question = draw_question(rng, heldout=heldout)
        questions.setdefault(question.question, question)
    return list(questions.values())


def few_shot_prompt(blocks: Sequence[str], question: str) -> str:
    """The prompt of the accuracy probe: worked examples, then the question with its answer left open."""
    return "".join(f"{shot}\n\n" for shot in blocks) + f"Question: {question}\nAnswer:"


def write_jsonl(questions: Sequence[ArithmeticQuestion], path: Path) -> None:
    """Write a question set, one JSON object a line."""
    lines = (json.dumps({"question": q.question, "answer": q.answer}) for q in questions)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
