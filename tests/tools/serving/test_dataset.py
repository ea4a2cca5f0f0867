"""GSM8K questions, probe prompts and the benchmark's files."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Workload
from bankable.tools.serving.dataset import BenchmarkFiles, file_digest, load_questions, read_problems
from bankable.tools.serving.driver import RoundLoad
from bankable.tools.serving.probe import load_probes, read_number
from bankable.tools.serving.workload import benchmark_arguments


@pytest.fixture
def gsm8k(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    rows = [{"question": f"How many is {n}?", "answer": f"It is {n}.\n#### {n:,}"} for n in range(990, 1020)]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def test_expected_answers_have_no_separators(gsm8k: Path) -> None:
    assert [problem.expected for problem in read_problems(gsm8k)][9:12] == ["999", "1000", "1001"]


def test_five_worked_examples_come_first_and_are_not_asked(gsm8k: Path) -> None:
    questions = load_questions(gsm8k, None, 10, seed=3)
    text = questions[0].prompt.text
    assert text.startswith("Question: How many is 990?\nAnswer: It is 990.\n#### 990\n\nQuestion: How many is 991?")
    assert text.count("Question:") == 6
    assert text.endswith(f"Question: How many is {questions[0].expected}?\nAnswer:")
    assert not {question.expected for question in questions} & {"990", "991", "992", "993", "994"}
    assert len({question.question_id for question in questions}) == 10


def test_the_draw_depends_on_the_seed_only(gsm8k: Path) -> None:
    assert load_questions(gsm8k, gsm8k, 10, seed=3) == load_questions(gsm8k, gsm8k, 10, seed=3)
    assert load_questions(gsm8k, gsm8k, 10, seed=3) != load_questions(gsm8k, gsm8k, 10, seed=4)


def test_too_few_questions_are_a_users_mistake(gsm8k: Path) -> None:
    with pytest.raises(UserError, match="Cannot draw 26 questions: the dataset has 25"):
        load_questions(gsm8k, None, 26, seed=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no questions"),
        (b"\n\n", "no questions"),
        (b"not json\n", ":1"),
        (b'{"question": "a", "answer": "no mark"}\n', "not a question"),
        (b'{"question": 1, "answer": "#### 1"}\n', "not a question"),
        (b"[" * 90_000, "not a question"),
        (b'{"question": "' + b"x" * 1_100_000 + b'", "answer": "#### 1"}', "longer than"),
    ],
)
def test_a_bad_dataset_is_a_users_mistake(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said):
        read_problems(path)


def test_a_missing_dataset_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read the dataset: No such file"):
        read_problems(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so 3 + 4 = 7.\n#### 7", "7"),
        ("It costs $1,250.00.", "1250"),
        ("minus -3", "-3"),
        ("half is 0.5", "0.5"),
        ("10", "10"),
        ("no idea", None),
        ("", None),
    ],
)
def test_the_last_number_is_the_answer(text: str, number: str | None) -> None:
    assert read_number(text) == number


@given(st.integers(-(10**9), 10**9))
def test_a_number_is_read_back_with_and_without_separators(number: int) -> None:
    assert read_number(f"first 1 then 2, in all {number:,} eggs") == str(number)
    assert read_number(f"#### {number}") == str(number)


def test_questions_become_the_benchmarks_format_once(gsm8k: Path, tmp_path: Path) -> None:
    files = BenchmarkFiles(tmp_path)
    workload = Workload(dataset="questions", dataset_path=str(gsm8k), dataset_digest=file_digest(gsm8k))
    made = files.for_workload(workload)
    assert made is not None
    turns = json.loads(made.read_text().splitlines()[0])["conversations"]
    assert turns[0]["content"] == "Question: How many is 990?\nAnswer:"
    assert files.for_workload(workload) == made
    with pytest.raises(UserError, match="not the one that was planned"):
        files.for_workload(workload.model_copy(update={"dataset_digest": "0" * 64}))
    with pytest.raises(UserError, match="needs a file"):
        files.for_workload(Workload(dataset="sharegpt"))
    assert files.for_workload(Workload()) is None


def test_arguments_say_what_the_workload_says() -> None:
    workload = Workload(num_prompts=9, input_len=11, output_len=12, range_ratio=0.5, request_rate=2.5, concurrency=3)
    arguments = benchmark_arguments(RoundLoad(workload, seed=77, index=0), "http://x:1", "/m", None, 512)
    pairs = dict(pairwise(arguments))
    assert pairs["--num-prompts"] == "9"
    assert pairs["--max-concurrency"] == "3"
    assert pairs["--random-input-len"] == "11"
    assert pairs["--random-output-len"] == "12"
    assert pairs["--random-range-ratio"] == "0.5"
    assert pairs["--request-rate"] == "2.5"
    assert pairs["--seed"] == "77"
    assert pairs["--warmup-requests"] == "0"
    assert {"--tokenize-prompt", "--output-details", "--cache-report"} <= set(arguments)
    unlimited = benchmark_arguments(RoundLoad(Workload(), seed=1, index=0), "http://x:1", "/m", None, None)
    assert "--request-rate" not in unlimited


def test_probe_prompts_are_read_and_bad_lines_named(tmp_path: Path) -> None:
    path = tmp_path / "probes.jsonl"
    path.write_text('{"id": "p1", "prompt": "Hello"}\n\n{"id": "p2", "prompt": "Bye", "max_new_tokens": 5}\n')
    first, second = load_probes(path)
    assert (first.prompt_id, first.text, first.max_new_tokens) == ("p1", "Hello", 32)
    assert second.max_new_tokens == 5
    path.write_text('{"id": "p1", "prompt": "Hello"}\n{"id": "p2"}\n')
    with pytest.raises(UserError, match=r"probes\.jsonl:2"):
        load_probes(path)
