"""Two legs of another tool's files, with the interface of a comparison that was sealed from a run."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.options import AuditOptions
from bankable.nodes.auditor.reading.claims import BenchmarkSummary, StoredClaim
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.reading.view import BlockView, ComparisonView, LegView
from bankable.tools.evidence.records import Plan, Side
from bankable.tools.evidence.request import Request

PairScope = Literal["patch", "bundle", "baseline"]
"""A pair of legs, or a reference alone, as the subject of an audit."""


class ImportedComparison(ComparisonView):
    """Launches without a plan. Every launch counts, also one without a round."""

    def __init__(
        self,
        reader: Reader,
        reference: tuple[ImportedLeg, ...],
        candidate: tuple[ImportedLeg, ...],
        ignored: tuple[str, ...] = (),
    ) -> None:
        """``ignored``: what was found beside the results and not used."""
        super().__init__(reader, "")
        self.ignored = ignored
        self._sides = {Side.REFERENCE: reference, Side.CANDIDATE: candidate}

    def path(self, name: str) -> str:
        """Records of the comparison lie at the top; a record for all its legs is that of the last measurement."""
        if name != "legs":
            return name
        return (self._sides[Side.CANDIDATE] or self._sides[Side.REFERENCE])[0].path("bench_runs.jsonl")

    @cached_property
    def plan(self) -> Plan | None:
        return None

    @cached_property
    def claim(self) -> ReportedClaim | None:
        return None

    @cached_property
    def legs(self) -> tuple[LegView, ...]:
        return (*self._sides[Side.REFERENCE], *self._sides[Side.CANDIDATE])

    @cached_property
    def blocks(self) -> tuple[BlockView, ...]:
        """The k-th launches of both sides; where one side has fewer, its launches are used again."""
        sides = [[leg for leg in legs if leg.rows] for legs in self._sides.values()]
        if not all(sides):
            return ()
        reference, candidate = sides
        return tuple(
            BlockView(index, reference[index % len(reference)], candidate[index % len(candidate)])
            for index in range(max(map(len, sides)))
        )

    def side(self, side: Side) -> tuple[LegView, ...]:
        return self._sides[side]


class ImportedView(SealedView):
    """All input of one audit of another tool's files."""

    imported = True

    def __init__(
        self,
        reader: Reader,
        scope: PairScope,
        comparison: ImportedComparison,
        claims: tuple[StoredClaim, ...] = (),
        benchmarks: tuple[BenchmarkSummary, ...] = (),
        options: AuditOptions | None = None,
    ) -> None:
        super().__init__(reader.folder)
        self.reader, self.benchmarks = reader, benchmarks
        self.options = options or AuditOptions()
        self._scope, self._comparison, self._claims = scope, comparison, claims

    @cached_property
    def request(self) -> Request:
        return Request(scope="pair", subject=self._scope, attempt=1, run_id="")

    @cached_property
    def comparison(self) -> ImportedComparison:
        return self._comparison

    @cached_property
    def claims(self) -> tuple[StoredClaim, ...]:
        return self._claims
