"""Question sets: the arithmetic is right, the format is GSM8K's, and the split holds."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from bankable.tools.model.questions import ArithmeticQuestion, draw_question, draw_set, few_shot_prompt, write_jsonl
from bankable.tools.model.shapes import SHAPES, Equation
from bankable.tools.model.wordings import WORDINGS

SHIPPED = Path(__file__).parents[3] / "tools" / "model" / "shipped"
EQUATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")


def shipped_set(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (SHIPPED / name).read_text(encoding="utf-8").splitlines()]


def value_of(left: int, op: str, right: int) -> float:
    return {"+": left + right, "-": left - right, "*": left * right, "/": left / right}[op]


def check_worked_answer(item: dict[str, str]) -> None:
    """Each equation holds, uses the question's numbers or the result before, and the last one is the answer."""
    known = [int(number) for number in re.findall(r"\d+", item["question"])]
    equations = [(int(a), op, int(b), int(r)) for a, op, b, r in EQUATION.findall(item["answer"])]
    assert 1 <= len(equations) <= 2
    assert len(known) == len(equations) + 1
    for left, op, right, result in equations:
        assert value_of(left, op, right) == result
        assert left in known
        assert right in known
        assert result >= 2
        known.append(result)
    assert re.fullmatch(r"[^#]+\n#### \d+", item["answer"])
    assert int(item["answer"].rsplit("#### ", 1)[1]) == equations[-1][3]


def as_item(question: ArithmeticQuestion) -> dict[str, str]:
    return {"question": question.question, "answer": question.answer}


def test_the_same_seed_gives_the_same_set_and_another_seed_another() -> None:
    first, again, other = (draw_set(seed, 40, heldout=True) for seed in (7, 7, 8))
    assert first == again
    assert first[0].question != other[0].question
    assert len({q.question for q in first}) == 40


def test_a_known_seed_gives_a_known_question() -> None:
    question = draw_set(0, 1, heldout=True)[0]
    assert as_item(question) == shipped_set("questions_heldout.jsonl")[0]


@pytest.mark.parametrize("heldout", [True, False])
def test_every_drawn_answer_is_worked_right(heldout: bool) -> None:
    drawn = draw_set(3, 500, heldout=heldout)
    for question in drawn:
        check_worked_answer(as_item(question))
        assert question.value == SHAPES[WORDINGS[question.wording].shape].steps(question.numbers)[-1].result
    assert {q.wording for q in drawn} == set(range(len(WORDINGS)))


def test_no_wording_shares_a_number_combination_across_the_split() -> None:
    seen = {side: {(q.wording, q.numbers) for q in draw_set(1, 2000, heldout=side)} for side in (True, False)}
    assert len(seen[True]) > 500
    assert seen[True].isdisjoint(seen[False])


def test_names_and_things_do_not_move_a_question_across_the_split() -> None:
    rng = random.Random(5)
    sides: dict[tuple[object, ...], set[bool]] = {}
    for _ in range(3000):
        question = draw_question(rng, heldout=rng.random() < 0.5)
        sides.setdefault((question.wording, question.numbers), set()).add(question.heldout)
    assert max(map(len, sides.values())) == 1


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_number_of_a_shape_is_at_least_two_and_every_result_stays_small(name: str) -> None:
    rng = random.Random(name)
    for _ in range(500):
        numbers = SHAPES[name].draw(rng)
        steps = SHAPES[name].steps(numbers)
        assert len(numbers) == len(SHAPES[name].operators) + 1
        assert min(numbers) >= 2
        assert all(2 <= step.result <= 36 for step in steps)


def test_a_step_writes_itself_as_an_equation() -> None:
    assert [str(Equation(*s)) for s in ((3, "+", 4), (9, "-", 4), (3, "*", 4), (12, "/", 4))] == [
        "3 + 4 = 7",
        "9 - 4 = 5",
        "3 * 4 = 12",
        "12 / 4 = 3",
    ]


def test_a_division_with_a_rest_and_an_unknown_operator_are_refused() -> None:
    with pytest.raises(ValueError, match="13 / 4 is not a whole number"):
        _ = Equation(13, "/", 4).result
    with pytest.raises(ValueError, match="unknown operator"):
        _ = Equation(1, "%", 1).result


def test_the_prompt_has_worked_examples_and_an_open_answer() -> None:
    shot = ArithmeticQuestion("How many?", "1 + 1 = 2\n#### 2", 0, (1, 1))
    assert few_shot_prompt([shot.block()], "And now?") == (
        "Question: How many?\nAnswer: 1 + 1 = 2\n#### 2\n\nQuestion: And now?\nAnswer:"
    )


def test_a_written_set_reads_back(tmp_path: Path) -> None:
    drawn = draw_set(2, 3, heldout=False)
    write_jsonl(drawn, tmp_path / "set.jsonl")
    lines = (tmp_path / "set.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [as_item(q) for q in drawn]


def test_the_shipped_sets_are_what_the_seed_gives_and_are_right() -> None:
    heldout, train = shipped_set("questions_heldout.jsonl"), shipped_set("questions_train.jsonl")
    assert heldout == [as_item(q) for q in draw_set(0, 1200, heldout=True)]
    assert train == [as_item(q) for q in draw_set(0, 400, heldout=False)]
    for item in heldout + train:
        check_worked_answer(item)
    assert {item["question"] for item in heldout}.isdisjoint(item["question"] for item in train)
