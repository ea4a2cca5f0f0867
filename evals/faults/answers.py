"""Faults of the answers: fewer correct ones, shorter ones, wrong elements (Q)."""

from __future__ import annotations

from random import Random

from bankable.evals.faults.fault import Fault, FaultTarget
from bankable.evals.fixtures.build.benchmark_edits import checker_says
from bankable.evals.fixtures.build.edits import answers, candidates, reclaim, rows
from bankable.evals.fixtures.build.files import Json, read

SHORT = 3
"""Number of tokens of an answer that ends early."""


def _wrong_answers(target: FaultTarget, count: float, _: Random) -> None:
    """The candidate gets this many of 400 questions wrong that the baseline gets right."""
    answers(target.run, round(count), name=target.subject)


def _early_end(target: FaultTarget, percent: float, _: Random) -> None:
    def shorter(row: Json) -> None:
        lengths = list(row["output_lens"])
        count = round(percent / 100 * len(lengths))
        lengths[:count] = [min(SHORT, length) for length in lengths[:count]]
        gaps = [each[: max(0, own - 1)] for each, own in zip(row["itls"], lengths, strict=True)]
        row.update(output_lens=lengths, itls=gaps, total_output_tokens=sum(lengths))

    for leg in candidates(target.run, target.subject):
        rows(leg, shorter)
    reclaim(target.run, target.subject)


def _wrong_elements(target: FaultTarget, times: float, _: Random) -> None:
    folder = target.run / "ops" / target.subject
    allowed = read(folder / "task.json")["tolerance"]["relative_error"]
    if times:
        checker_says(relative_error=times * allowed)(folder)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "Q03-wrong-answers",
        "of 400 questions answered wrong by the candidate alone",
        "output_correctness",
        2,
        30,
        (0, 1, 2, 5, 10, 15, 20, 30, 60),
        _wrong_answers,
        base="precision",
    ),
    Fault(
        "Q06-wrong-elements",
        "times the tolerance, error of the winner's outputs",
        "harness_tolerance",
        1,
        1.05,
        (0, 0.5, 0.9, 1, 1.05, 1.5, 10),
        _wrong_elements,
        base="benchmark",
        scope="harness",
    ),
    Fault(
        "Q07-early-end",
        "% of the candidate's answers end early",
        "answers_of_rounds",
        12.5,
        25,
        (0, 12.5, 25, 37.5, 50, 100),
        _early_end,
        base="questions",
    ),
)
