"""Reads the loads of a run from the command line: one, or several that make a load ladder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bankable.tools.errors import UserError
from bankable.tools.evidence.records.ladder import MOST_LOADS

Number = TypeVar("Number", int, float)
MOST_IN_FLIGHT, MOST_PER_SECOND = 65_536, 1e6
LEAST_PROMPTS, PROMPTS_IN_FLIGHT = 8, 8
"""Requests of a round on a ladder: eight for each one in flight, within these and those of a round at one load."""


@dataclass(frozen=True)
class Loads:
    """Concurrencies and request rates as given, each without repeats, in ascending order."""

    concurrency: tuple[int, ...]
    rates: tuple[float, ...]

    @property
    def several(self) -> bool:
        """Whether they make a ladder."""
        return len(self.concurrency) > 1 or len(self.rates) > 1

    def pairs(self) -> list[tuple[int | None, float | None]]:
        """Concurrency and request rate of each load, at least one; ``None`` where none was given."""
        return [(count, rate) for count in self.concurrency or (None,) for rate in self.rates or (None,)]


def read_loads(concurrency: int | str | None, request_rate: float | str | None) -> Loads:
    """Loads such as ``1,2,4,8``. Raises ``UserError`` for anything else, and for one that is given twice."""
    counts = _numbers(concurrency, "--concurrency", _whole, f"whole numbers from 1 to {MOST_IN_FLIGHT}, such as 1,2,4")
    rates = _numbers(request_rate, "--request-rate", _rate, "requests per second above 0, such as 0.5,1,2")
    if len(counts) > 1 and len(rates) > 1:
        raise UserError(
            "Cannot run: several concurrencies and several request rates",
            "--concurrency, --request-rate",
            "give a ladder of one of them",
        )
    return Loads(counts, rates)


def choose_place(count: int, objective: str) -> int:
    """Which load of an ascending ladder the search and its proofs run at.

    The highest for throughput, the lowest for latency, the middle one for goodput.
    """
    return {"latency": 0, "goodput": count // 2}.get(objective, count - 1)


def count_prompts(concurrency: int, most: int) -> int:
    """Requests of a round at one load of a ladder, where neither the user nor a named workload gives a number."""
    return max(LEAST_PROMPTS, min(most, PROMPTS_IN_FLIGHT * concurrency))


def _numbers(
    value: int | float | str | None, option: str, parse: Callable[[str], Number | None], fix: str
) -> tuple[Number, ...]:
    if value is None:
        return ()
    numbers: list[Number] = []
    for piece in str(value).split(","):
        number = parse(piece.strip())
        if number is None:
            raise UserError(f"invalid value {piece.strip()!r} for {option}", "", f"give {fix}")
        if number in numbers:
            raise UserError(f"Cannot plan the ladder: {number:g} is given twice", option, "give each load once")
        numbers.append(number)
    if len(numbers) > MOST_LOADS:
        raise UserError(f"Cannot plan the ladder: {len(numbers)} loads", option, f"give at most {MOST_LOADS}")
    return tuple(sorted(numbers))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_IN_FLIGHT else None


def _rate(text: str) -> float | None:
    try:
        rate = float(text)
    except ValueError:
        return None
    return rate if 0.0 < rate <= MOST_PER_SECOND else None
