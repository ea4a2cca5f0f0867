"""A quote holds where it stands, and nowhere else."""

from __future__ import annotations

import pytest

from bankable.nodes.auditor.judge.opinion import Quote
from bankable.nodes.auditor.judge.quotes import MOST, holds, sift

LINES = {"a.py": {1: "import os", 7: "    scheduler.Scheduler.run = faster  # quick", 8: "}"}, "b.py": {7: "x = 1"}}


@pytest.mark.parametrize(
    ("file", "line", "text"),
    [
        ("a.py", 7, "    scheduler.Scheduler.run = faster  # quick"),
        ("a.py", 7, "scheduler.Scheduler.run = faster  # quick\n"),
        ("a.py", 7, "Scheduler.run = faster"),
        ("a.py", 1, "import os"),
        ("b.py", 7, "x = 1"),
    ],
)
def test_what_stands_there_holds(file: str, line: int, text: str) -> None:
    assert holds(Quote(file=file, line=line, text=text), LINES)


@pytest.mark.parametrize(
    ("file", "line", "text"),
    [
        ("a.py", 6, "Scheduler.run = faster"),  # the neighbour
        ("b.py", 7, "Scheduler.run = faster"),  # another file
        ("c.py", 7, "Scheduler.run = faster"),
        ("../a.py", 7, "Scheduler.run = faster"),
        ("a.py", -7, "Scheduler.run = faster"),
        ("a.py", 10**30, "Scheduler.run = faster"),
        ("a.py", 7, "Scheduler.run  = faster"),
        ("a.py", 7, "scheduler.run = faster"),
        ("a.py", 7, "Scheduler"),  # too short to show anything
        ("a.py", 7, "       "),
        ("a.py", 7, ""),
        ("a.py", 8, "}"),
    ],
)
def test_what_does_not_is_invented(file: str, line: int, text: str) -> None:
    assert not holds(Quote(file=file, line=line, text=text), LINES)


def test_invented_quotes_are_counted_and_the_number_looked_at_is_bounded() -> None:
    good, bad = Quote(file="a.py", line=1, text="import os"), Quote(file="a.py", line=1, text="import sys")
    assert sift([good, bad, good], LINES) == ((good,), 1)
    many = [Quote(file="a.py", line=number, text="nothing") for number in range(100)]
    assert sift([*many, good], LINES) == ((), MOST)
