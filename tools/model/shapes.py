"""The arithmetic under the word problems: which numbers fit, and the steps that lead to the result.

No number and no result is below two, so that the plural in the sentences is always right.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Equation:
    """One equation, ``left op right = result``."""

    left: int
    op: str
    right: int

    @property
    def result(self) -> int:
        """The value of the equation; a division is always exact."""
        match self.op:
            case "+":
                return self.left + self.right
            case "-":
                return self.left - self.right
            case "*":
                return self.left * self.right
            case "/":
                quotient, rest = divmod(self.left, self.right)
                if rest:
                    raise ValueError(f"{self.left} / {self.right} is not a whole number: draw other numbers")
                return quotient
        raise ValueError(f"unknown operator {self.op!r}: use one of + - * /")

    def __str__(self) -> str:
        return f"{self.left} {self.op} {self.right} = {self.result}"


@dataclass(frozen=True)
class ProblemShape:
    """A family of problems with the same operators in the same order."""

    operators: str
    """The operators, applied from left to right."""
    draw: Callable[[random.Random], Numbers]
    """Draws one number more than there are operators, such that every result is a whole number above one."""

    def steps(self, numbers: Numbers) -> list[Equation]:
        """Spell out the equations, each starting from the result of the one before."""
        steps: list[Equation] = []
        value = numbers[0]
        for op, number in zip(self.operators, numbers[1:], strict=True):
            steps.append(Equation(value, op, number))
            value = steps[-1].result
        return steps


def _add(r: random.Random) -> Numbers:
    return r.randint(2, 15), r.randint(2, 15)


def _sub(r: random.Random) -> Numbers:
    a = r.randint(4, 30)
    return a, r.randint(2, a - 2)


def _mul(r: random.Random) -> Numbers:
    return r.randint(2, 6), r.randint(2, 6)


def _div(r: random.Random) -> Numbers:
    b = r.randint(2, 6)
    return b * r.randint(2, 6), b


def _add_add(r: random.Random) -> Numbers:
    return r.randint(2, 10), r.randint(2, 10), r.randint(2, 10)


def _add_sub(r: random.Random) -> Numbers:
    a, b = r.randint(2, 15), r.randint(2, 15)
    return a, b, r.randint(2, a + b - 2)


def _sub_add(r: random.Random) -> Numbers:
    a = r.randint(4, 20)
    return a, r.randint(2, a - 2), r.randint(2, 10)


def _sub_sub(r: random.Random) -> Numbers:
    a = r.randint(6, 30)
    b = r.randint(2, a - 4)
    return a, b, r.randint(2, a - b - 2)


def _mul_add(r: random.Random) -> Numbers:
    return r.randint(2, 5), r.randint(2, 5), r.randint(2, 6)


def _mul_sub(r: random.Random) -> Numbers:
    a, b = r.randint(2, 5), r.randint(2, 5)
    return a, b, r.randint(2, a * b - 2)


SHAPES = {
    "add": ProblemShape("+", _add),
    "sub": ProblemShape("-", _sub),
    "mul": ProblemShape("*", _mul),
    "div": ProblemShape("/", _div),
    "add_add": ProblemShape("++", _add_add),
    "add_sub": ProblemShape("+-", _add_sub),
    "sub_add": ProblemShape("-+", _sub_add),
    "sub_sub": ProblemShape("--", _sub_sub),
    "mul_add": ProblemShape("*+", _mul_add),
    "mul_sub": ProblemShape("*-", _mul_sub),
}
"""Every shape by its name. Results stay at 36 or below: what a model of this size learns in minutes."""
