"""GSM8K questions: reading the official JSONL, few-shot prompts, and files for the serving benchmark."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Workload
from bankable.tools.serving.driver import AccuracyQuestion, ProbePrompt

LINE_LIMIT = 1024 * 1024
"""Bytes of one line; GSM8K's longest has about 2 kB."""
FILE_LIMIT = 2 * 1024 * 1024 * 1024
COUNT_LIMIT = 200_000
SHOTS = 5
ANSWER_TOKENS = 256
"""Longest answer that is waited for; official solutions have up to about 200 tokens."""
STOP = ("Question:", "\n\n")
"""The model starts another question of its own when it has answered."""


@dataclass(frozen=True)
class WordProblem:
    """One record of a GSM8K file: the solution ends in ``#### N``."""

    question: str
    solution: str
    expected: str
    """N, without thousands separators."""


def read_problems(path: Path, limit: int = COUNT_LIMIT) -> list[WordProblem]:
    """At most ``limit`` records. Raises ``UserError`` that names the line of the first bad one."""
    problems: list[WordProblem] = []
    fix = 'give GSM8K JSONL: {"question": ..., "answer": "... #### 42"} per line'
    try:
        with path.open("rb") as source:
            number = 0
            while len(problems) < limit and (line := source.readline(LINE_LIMIT + 1)):
                number += 1
                if line.strip():
                    problems.append(_problem(line, f"{path}:{number}", fix))
    except OSError as error:
        raise UserError(f"Cannot read the dataset: {error.strerror or error}", str(path), "check the path") from error
    if not problems:
        raise UserError("Cannot read the dataset: it has no questions", str(path), fix)
    return problems


def _problem(line: bytes, where: str, fix: str) -> WordProblem:
    if len(line) > LINE_LIMIT:
        raise UserError(f"Cannot read the dataset: line is longer than {LINE_LIMIT} bytes", where, fix)
    try:
        record = json.loads(line)
        question, solution = record["question"], record["answer"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError("Cannot read the dataset: line is not a question", where, fix) from error
    if not (isinstance(question, str) and isinstance(solution, str) and "####" in solution):
        raise UserError("Cannot read the dataset: line is not a question", where, fix)
    expected = solution.rsplit("####", 1)[1].strip().replace(",", "").replace("$", "")
    return WordProblem(question=question.strip(), solution=solution.strip(), expected=expected)


def question_text(problem: WordProblem) -> str:
    """sglang's GSM8K format."""
    return f"Question: {problem.question}\nAnswer:"


def load_questions(path: Path, shots_path: Path | None, n: int, seed: int) -> list[AccuracyQuestion]:
    """``n`` questions drawn with ``seed``, each after the same five worked examples.

    The examples are the first of ``shots_path``; without one, the first of ``path``, which are then not asked.
    Raises ``UserError`` for an unreadable file or too few questions.
    """
    problems = read_problems(path)
    shots = read_problems(shots_path, SHOTS) if shots_path is not None else problems[:SHOTS]
    pool = problems if shots_path is not None else problems[SHOTS:]
    if len(pool) < n:
        raise UserError(f"Cannot draw {n} questions: the dataset has {len(pool)}", str(path), "ask for fewer")
    examples = "".join(f"{question_text(shot)} {shot.solution}\n\n" for shot in shots)
    chosen = sorted(random.Random(seed).sample(range(len(pool)), n))
    offset = len(problems) - len(pool)
    return [_question(pool[index], f"q{index + offset:05d}", examples) for index in chosen]


def _question(problem: WordProblem, question_id: str, examples: str) -> AccuracyQuestion:
    prompt = ProbePrompt(
        prompt_id=question_id, text=examples + question_text(problem), max_new_tokens=ANSWER_TOKENS, stop=STOP
    )
    return AccuracyQuestion(question_id=question_id, prompt=prompt, expected=problem.expected)


class BenchmarkFiles:
    """Datasets in the format that sglang's serving benchmark reads, made once per content in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def for_workload(self, workload: Workload) -> Path | None:
        """The file that a round draws from; ``None`` for random ids. Raises ``UserError`` when it cannot serve.

        The content must be what the plan was made for: a digest that differs from ``dataset_digest`` is an error.
        """
        if workload.dataset == "random-ids":
            return None
        if workload.dataset_path is None:
            raise UserError(
                f"Cannot draw the workload: dataset {workload.dataset!r} needs a file",
                "workload",
                "give --dataset-path",
            )
        path = Path(workload.dataset_path)
        digest = file_digest(path)
        if workload.dataset_digest is not None and digest != workload.dataset_digest:
            raise UserError(
                "Cannot draw the workload: the dataset is not the one that was planned",
                str(path),
                "restore the file or plan again",
            )
        if workload.dataset == "sharegpt":
            return path.resolve()
        made = self._folder / f"questions-{digest[:16]}.jsonl"
        if not made.exists():
            _write_custom(read_problems(path), made)
        return made


def _write_custom(problems: list[WordProblem], target: Path) -> None:
    partial = target.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as out:
        for problem in problems:
            turns = [{"content": question_text(problem)}, {"content": problem.solution}]
            out.write(json.dumps({"conversations": turns}) + "\n")
    partial.replace(target)


def file_digest(path: Path) -> str:
    """sha256 of a dataset file. Raises ``UserError`` when it cannot be read or is absurdly large."""
    try:
        with path.open("rb") as source:
            if path.stat().st_size > FILE_LIMIT:
                raise UserError(
                    f"Cannot read the dataset: larger than {FILE_LIMIT} bytes", str(path), "take a part of it"
                )
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"Cannot read the dataset: {error.strerror or error}", str(path), "check the path") from error
