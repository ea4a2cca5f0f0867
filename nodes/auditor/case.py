"""One audit in progress: the sealed view, and what several rules derive from it, derived once."""

from __future__ import annotations

from functools import cached_property

from bankable.nodes.auditor.harness.isolated import IsolatedSpeedup, measure_isolated
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.measured import Measured, measure
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.reading.view import BlockView, ComparisonView, LegView
from bankable.tools.evidence.records import ComparisonKind, Lever, Plan
from bankable.tools.evidence.request import Request
from bankable.tools.levers import Knob, knob


class EvidenceMissingError(Exception):
    """A rule asked for evidence that it did not declare as needed: a bug of the rule."""


class Case:
    """Handed to every rule. Rules read it and change nothing."""

    def __init__(self, view: SealedView, request: Request) -> None:
        self.view, self.request = view, request

    @property
    def comparison(self) -> ComparisonView:
        return self.view.comparison

    @property
    def control(self) -> ComparisonView:
        return self.view.control

    @cached_property
    def plan(self) -> Plan:
        """The comparison's plan; rules that use it declare the need ``plan``."""
        if self.comparison.plan is None:
            raise EvidenceMissingError("plan.json")
        return self.comparison.plan

    @cached_property
    def claim(self) -> ReportedClaim:
        if self.comparison.claim is None:
            raise EvidenceMissingError("claim.json")
        return self.comparison.claim

    @property
    def plan_file(self) -> str:
        return self.comparison.path("plan.json")

    @property
    def claim_file(self) -> str:
        return self.comparison.path("claim.json")

    @property
    def lever(self) -> Lever:
        return self.plan.lever

    @property
    def is_control(self) -> bool:
        return self.plan.kind is ComparisonKind.CONTROL

    @property
    def blocks(self) -> tuple[BlockView, ...]:
        return self.comparison.blocks

    @cached_property
    def legs(self) -> tuple[LegView, ...]:
        """Every leg that counts, reference before candidate, block by block."""
        return tuple(leg for block in self.blocks for leg in block.legs())

    @cached_property
    def knobs(self) -> dict[str, Knob | None]:
        """What is known about each name that the lever sets."""
        return {name: knob(name) for name in self.lever.names()}

    @cached_property
    def laid_before(self) -> dict[str, object]:
        """Settings that this comparison's reference has and the true baseline has not: levers accepted earlier."""
        mine = self.plan.reference
        base = self.control.plan.reference if self.control.plan is not None else mine
        settings = {**mine.flags, **mine.env}
        before = {**base.flags, **base.env}
        changed: dict[str, object] = {name: settings.get(name) for name in {*settings, *before}}
        return {name: value for name, value in sorted(changed.items()) if before.get(name) != value}

    @cached_property
    def measured(self) -> Measured:
        """The comparison's numbers, recomputed."""
        return measure(self.comparison, self.plan)

    @cached_property
    def control_measured(self) -> Measured | None:
        """The A/A control's numbers; ``None`` without a control plan or blocks."""
        plan = self.control.plan
        return measure(self.control, plan) if plan is not None and self.control.blocks else None

    @property
    def benchmark(self) -> OperatorBenchmarkView:
        """The operator benchmark under judgment (scope harness)."""
        return self.view.benchmark

    @cached_property
    def isolated(self) -> IsolatedSpeedup | None:
        """The claimed winner's speed-up, recomputed; ``None`` when no winner is claimed."""
        return measure_isolated(self.benchmark, self.benchmark.winner) if self.benchmark.winner else None
