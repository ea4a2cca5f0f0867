"""One audit in progress: the evidence as typed objects, and values that several rules derive from it, cached."""

from __future__ import annotations

from functools import cached_property
from typing import cast

from bankable.nodes.auditor.findings.token_source import explain_missing_source, states_piece
from bankable.nodes.auditor.harness.isolated import IsolatedSpeedup, measure_isolated
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.inferred_lever import infer_lever
from bankable.nodes.auditor.ladder import DerivedFrontier, DerivedPoint, derive_frontier, derive_points
from bankable.nodes.auditor.measured import METRIC, Measured, measure, measure_unplanned
from bankable.nodes.auditor.options import AuditOptions
from bankable.nodes.auditor.reading.claims import StoredClaim
from bankable.nodes.auditor.reading.frontier_claim import ReportedFrontier
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.reading.view import BlockView, ComparisonView, LegView
from bankable.tools.evidence.records import GOODPUT, ComparisonKind, Lever, Plan, Side
from bankable.tools.evidence.request import Request, Scope
from bankable.tools.levers import Knob, knob


class EvidenceMissingError(Exception):
    """A rule asked for evidence that it did not declare as needed: a bug of the rule."""


class Case:
    """Input of every rule, whether the evidence is a sealed run or another tool's files. Rules change nothing."""

    def __init__(self, view: SealedView, request: Request) -> None:
        self.view, self.request = view, request

    @property
    def imported(self) -> bool:
        """The evidence is another tool's files, with no plan, control or ledger behind them."""
        return self.view.imported

    @property
    def scope(self) -> Scope:
        """Subject of the audit; the request of imported files names it."""
        return cast(Scope, self.request.subject) if self.request.scope == "pair" else self.request.scope

    @property
    def comparison(self) -> ComparisonView:
        return self.view.comparison

    @property
    def control(self) -> ComparisonView:
        return self.view.control

    @property
    def true_baseline(self) -> ComparisonView:
        """Where the true baseline was measured: the A/A control of a run, or the only reference."""
        return self.comparison if self.imported else self.control

    @cached_property
    def plan(self) -> Plan:
        """The comparison's plan; rules that use it declare the need ``plan``."""
        if self.comparison.plan is None:
            raise EvidenceMissingError("plan.json")
        return self.comparison.plan

    @property
    def planned(self) -> Plan | None:
        """The plan, for rules that also judge comparisons without one."""
        return self.comparison.plan

    @property
    def claims(self) -> tuple[StoredClaim, ...]:
        """Reported figures of the comparison, by file."""
        return self.view.claims

    @property
    def headline(self) -> str:
        """The headline that the producer would publish; empty without one."""
        return next((claim.headline for claim in self.claims if claim.headline), "")

    @property
    def plan_file(self) -> str:
        return self.comparison.path("plan.json")

    @property
    def claim_file(self) -> str:
        return self.comparison.path("claim.json")

    @property
    def lever_file(self) -> str:
        """Where the change under test is declared: the plan, else the claim, else the measured difference."""
        if self.planned is not None or not self.imported:
            return self.plan_file
        return next((claim.file for claim in self.claims if claim.lever is not None), self.candidate_file)

    @property
    def candidate_file(self) -> str:
        """The candidate's rounds, for findings about the comparison as a whole."""
        return self.comparison.path("legs")

    @cached_property
    def lever(self) -> Lever:
        """The change under test: declared, or the only setting in which the two servers differ, or empty."""
        if self.planned is not None:
            return self.planned.lever
        declared = next((claim.lever for claim in self.claims if claim.lever is not None), None)
        return declared if declared is not None else self.inferred_lever or Lever()

    @cached_property
    def declared(self) -> bool:
        """Whether the change is declared."""
        return self.planned is not None or any(claim.lever is not None for claim in self.claims)

    @cached_property
    def inferred_lever(self) -> Lever | None:
        """Without a declaration: the one setting in which the servers differ, if it is one."""
        first = [next(iter(self.counted(side)), None) for side in Side]
        if self.declared or not self.imported or first[0] is None or first[1] is None:
            return None
        return infer_lever(first[0], first[1])

    @property
    def sold_as_kernel(self) -> bool:
        """Whether a claim reports a kernel's speed-up although no overlay of operators is declared."""
        return not self.lever.overlays and any(claim.kernel for claim in self.claims)

    @property
    def is_control(self) -> bool:
        return self.scope == "baseline" if self.planned is None else self.planned.kind is ComparisonKind.CONTROL

    @property
    def blocks(self) -> tuple[BlockView, ...]:
        return self.comparison.blocks

    def counted(self, side: Side) -> tuple[LegView, ...]:
        """The legs of one side that count and have rounds."""
        return tuple(leg for leg in self.comparison.side(side) if leg.rows)

    @cached_property
    def legs(self) -> tuple[LegView, ...]:
        """Every leg that counts: reference before candidate, block by block where blocks were planned."""
        if self.imported:
            return (*self.counted(Side.REFERENCE), *self.counted(Side.CANDIDATE))
        if self.scope == "frontier":  # more than two launches in a block
            return tuple(leg for leg in self.comparison.legs if leg.complete and leg.rows)
        return tuple(leg for block in self.blocks for leg in block.legs())

    @property
    def options(self) -> AuditOptions:
        """What the caller of an audit of other tools' files asks for."""
        return self.view.options

    @property
    def metric(self) -> str:
        """The deciding metric: of the plan, or as the caller of an audit of other tools' files asks."""
        return self.planned.metric if self.planned is not None else self.options.metric

    @property
    def noise_metric(self) -> str:
        """The figure that shows how noisy launches and rounds are.

        The deciding metric; in place of a goodput, which jumps at its limits on a quiet machine too, the throughput.
        """
        return METRIC if self.metric == GOODPUT else self.metric

    @cached_property
    def token_source_shown(self) -> bool:
        """Whether no leg leaves open where its token counts come from; a contradiction is a finding of its own."""
        rows = [row for leg in self.legs for row in leg.rows if leg.format]
        return not any(explain_missing_source(row) and not states_piece(row) for row in rows)

    @cached_property
    def shared_processes(self) -> frozenset[str]:
        """Server processes that rounds of both sides name."""
        sides = [{row.process for leg in self.counted(side) for row in leg.rows} - {None} for side in Side]
        return frozenset(process for process in sides[0] & sides[1] if process is not None)

    @cached_property
    def knobs(self) -> dict[str, Knob | None]:
        """Registry entry of each name that the lever sets."""
        return {name: knob(name) for name in self.lever.names()}

    @cached_property
    def laid_before(self) -> dict[str, object]:
        """Settings that this comparison's reference has and the true baseline has not: levers accepted earlier."""
        if self.planned is None:
            return {}
        mine = self.planned.reference
        base = self.control.plan.reference if self.control.plan is not None else mine
        settings = {**mine.flags, **mine.env}
        before = {**base.flags, **base.env}
        changed: dict[str, object] = {name: settings.get(name) for name in {*settings, *before}}
        return {name: value for name, value in sorted(changed.items()) if before.get(name) != value}

    @cached_property
    def measured(self) -> Measured:
        """The comparison's numbers, recomputed."""
        return (
            measure(self.comparison, self.planned) if self.planned else measure_unplanned(self.comparison, self.metric)
        )

    @cached_property
    def control_measured(self) -> Measured | None:
        """The A/A control's numbers; ``None`` without a control plan or blocks."""
        plan = self.control.plan
        return measure(self.control, plan) if plan is not None and self.control.blocks else None

    @cached_property
    def derived_points(self) -> tuple[DerivedPoint, ...]:
        """Points of the ladder that were served (scope frontier)."""
        ladder = self.plan.ladder
        return derive_points(ladder, self.legs) if ladder is not None else ()

    @cached_property
    def frontier(self) -> DerivedFrontier | None:
        """The ladder's frontier, recomputed (scope frontier); ``None`` where a point has no usable launch."""
        ladder = self.plan.ladder
        return derive_frontier(self.plan, ladder, self.legs) if ladder is not None else None

    @cached_property
    def reported_frontier(self) -> ReportedFrontier | None:
        """The ladder's claim as its producer wrote it (scope frontier)."""
        return self.view.reader.model(self.claim_file, ReportedFrontier)

    @property
    def benchmark(self) -> OperatorBenchmarkView:
        """The operator benchmark under judgment (scope harness)."""
        return self.view.benchmark

    @cached_property
    def isolated(self) -> IsolatedSpeedup | None:
        """The claimed winner's speed-up, recomputed; ``None`` when no winner is claimed."""
        return measure_isolated(self.benchmark, self.benchmark.winner) if self.benchmark.winner else None
