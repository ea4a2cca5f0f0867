"""The interface of a fault: one failure mode, applied to clean evidence with a strength in its own unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

import orjson

from bankable.evals.fixtures.build.run import enter_all
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Scope

Base = Literal["patch", "alternating", "scheduling", "precision", "questions", "benchmark", "profile"]
"""The kind of clean evidence that a fault is shown on; see ``base.py``."""


@dataclass(frozen=True)
class FaultTarget:
    """A clean run, and the subject that is judged."""

    run: Path
    subject: str
    """Name of the comparison, operator or profile."""
    scope: Scope
    control: str = "control"


Change = Callable[[FaultTarget, float, Random], object]
"""Changes the run in place."""


@dataclass(frozen=True)
class Fault:
    """One failure mode, from harmless to gross. Built evidence shows where it becomes visible."""

    name: str
    """``<mode>-<what>``; the mode is that of the auditor's index."""
    unit: str
    """Unit of the strength."""
    rule: str
    """The rule that has to report it."""
    harmless: float
    """Largest strength at which no finding is allowed."""
    caught: float
    """Smallest strength that must be caught; in between either is right."""
    strengths: tuple[float, ...]
    """Strengths of a sweep, weakest first."""
    change: Change
    base: Base = "patch"
    scope: Scope = "patch"

    @property
    def mode(self) -> str:
        """The failure mode."""
        return self.name.partition("-")[0]

    def inject(self, target: FaultTarget, strength: float, seed: int) -> None:
        """Apply it, then enter the changed files into the ledger: only their content is wrong."""
        self.change(target, strength, Random(f"{self.name}-{seed}"))
        enter_all(target.run)


def find_target(run: Path, scope: Scope) -> FaultTarget:
    """The subjects in a run that can be judged. Raises ``UserError`` when there is none of the kind."""
    patches: list[str] = []
    for path in sorted((run / "comparisons").glob("*/plan.json")):
        try:
            kind = orjson.loads(path.read_bytes())["kind"]
        except (ValueError, KeyError, TypeError):
            continue
        if kind == "patch" and (path.parent / "claim.json").is_file():
            patches.append(path.parent.name)
    operators = sorted(path.parent.name for path in (run / "ops").glob("*/task.json"))
    subjects = {
        "patch": patches[:1],
        "baseline": ["control"] if (run / "comparisons/control/plan.json").is_file() else [],
        "profile": ["profile"] if (run / "profile/profile.json").is_file() else [],
        "harness": operators[:1],
    }.get(scope, [])
    if not subjects:
        raise UserError(
            f"Cannot inject a fault: the run has nothing of scope {scope}", str(run), "choose another run or mode"
        )
    return FaultTarget(run, subjects[0], scope)
