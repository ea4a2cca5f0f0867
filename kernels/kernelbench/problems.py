"""Finds KernelBench problems and answers to them in folders. They are read as they are; nothing of them is kept here.

A problem is ``level1/23_Softmax.py``: a number, then a name, in a folder that says the level. An answer is
``level_1_problem_23_sample_0_kernel.py``, as KernelBench writes it, or has the file name of its problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest

LEVEL = re.compile(r"level_?(\d+)")
NUMBER = re.compile(r"(\d+)_.+\.py")
SAMPLE = re.compile(r"level_(\d+)_problem_(\d+)_sample_(\d+)_kernel\.py")
PARTS = ("class Model", "def get_inputs", "def get_init_inputs")


@dataclass(frozen=True)
class BenchProblem:
    """One problem."""

    level: int
    number: int
    """As in its file name and in ``eval_results.json``."""
    name: str
    """File name."""
    text: str

    @property
    def key(self) -> tuple[int, int]:
        """Level and number."""
        return self.level, self.number

    @property
    def title(self) -> str:
        """``level1/23_Softmax``."""
        return f"level{self.level}/{self.name.removesuffix('.py')}"

    @property
    def digest(self) -> str:
        """sha256 of the source."""
        return digest(self.text.encode())


@dataclass(frozen=True)
class SubmittedAnswer:
    """One answer to a problem."""

    sample: int
    """Number of the sample, from 0."""
    origin: str
    """File name, or the operator family whose kernel it is."""
    text: str
    files: tuple[tuple[str, Path], ...] = ()
    """Files that lie beside it when it is loaded, by name: compiled kernels of ours."""

    @property
    def digest(self) -> str:
        """sha256 of the source."""
        return digest(self.text.encode())


def find_problems(place: Path, level: int | None = None) -> list[BenchProblem]:
    """All problems of a file or folder, in order. Raises ``UserError`` where there is none, or a level is unknown."""
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    problems = []
    for path in files:
        match = NUMBER.fullmatch(path.name)
        text = _read(path) if match else ""
        if match is None or not all(part in text for part in PARTS):
            continue
        told = LEVEL.fullmatch(path.parent.name)
        which = int(told.group(1)) if told else level
        if which is None:
            raise UserError(
                "Cannot tell the level of a problem", str(path), "put it into a folder such as level1, or give --level"
            )
        problems.append(BenchProblem(which, int(match.group(1)), path.name, text))
    chosen = [problem for problem in problems if level is None or problem.level == level]
    if not chosen:
        raise UserError(
            "Cannot find a KernelBench problem",
            str(place),
            "give a file such as level1/23_Softmax.py, or a folder of such, with Model, get_inputs and get_init_inputs",
        )
    return sorted(chosen, key=lambda problem: problem.key)


def find_answers(folder: Path, problems: Iterable[BenchProblem]) -> dict[tuple[int, int], list[SubmittedAnswer]]:
    """Answers by problem. Raises ``UserError`` where the folder has none for any of them."""
    answers: dict[tuple[int, int], list[SubmittedAnswer]] = {}
    wanted = {problem.key: problem for problem in problems}
    for path in sorted(folder.rglob("*.py")):
        if match := SAMPLE.fullmatch(path.name):
            level, number, sample = map(int, match.groups())
            keys = [(level, number)]
        else:
            told, sample = LEVEL.fullmatch(path.parent.name), 0
            keys = [
                key
                for key, problem in wanted.items()
                if problem.name == path.name and (told is None or int(told.group(1)) == problem.level)
            ]
        for key in keys:
            if key in wanted:
                answers.setdefault(key, []).append(SubmittedAnswer(sample, path.name, _read(path)))
    if not answers:
        raise UserError(
            "Cannot find an answer to any of the problems",
            str(folder),
            "name them level_1_problem_23_sample_0_kernel.py, or like their problems",
        )
    return answers


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"Cannot read the file: {problem}", str(path), "give a text file of Python") from None
