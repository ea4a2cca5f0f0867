"""Two legs that are held against each other, and what several checks derive from them, derived once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bankable.nodes.auditor.importers.geak_claims import GeakClaims
from bankable.nodes.auditor.importers.leg import ForeignLeg
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.verdict import LeverClass
from bankable.tools.evidence.records import Lever
from bankable.tools.levers import Knob, knob
from bankable.tools.statistics.few import FewDecision, decide_few

METRIC = "output_throughput"
PairScope = Literal["patch", "bundle", "baseline"]


@dataclass(frozen=True)
class PairCase:
    """Handed to every check. Checks read it and change nothing."""

    reader: Reader
    reference: ForeignLeg
    candidate: ForeignLeg
    claim: ReportedClaim | None = None
    claim_file: str = "claim.json"
    geak: GeakClaims | None = None
    """Summaries that GEAK's workflow wrote about these legs."""
    scope: PairScope = "patch"

    @property
    def legs(self) -> tuple[ForeignLeg, ForeignLeg]:
        return self.reference, self.candidate

    @cached_property
    def decision(self) -> FewDecision | None:
        """``None`` when a round lacks a positive rate of output tokens."""
        rates = [[launch.values(METRIC) for launch in leg.launches] for leg in self.legs]
        usable = all(leg and all(launch and min(launch) > 0 for launch in leg) for leg in rates)
        return decide_few(rates[0], rates[1]) if usable else None

    @cached_property
    def lever(self) -> Lever | None:
        """The declared change: of the claim, else of GEAK's integration record."""
        if self.claim is not None and self.claim.lever is not None:
            return self.claim.lever
        return self.geak.lever if self.geak is not None else None

    @cached_property
    def declared(self) -> frozenset[str] | None:
        return None if self.lever is None else frozenset(self.lever.names())

    @cached_property
    def knobs(self) -> dict[str, Knob | None]:
        """What is known about each declared setting."""
        return {name: knob(name) for name in sorted(self.declared or ())}

    @cached_property
    def lever_class(self) -> LeverClass:
        """B as soon as one declared setting is; A only when all are."""
        classes = {None if known is None else known.lever_class for known in self.knobs.values()}
        if "B" in classes:
            return "B"
        return "A" if classes == {"A"} else "indeterminate"
