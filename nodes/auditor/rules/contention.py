"""No other process used the machine during the rounds, or both legs were disturbed alike (C15).

From the one-second samples that fall into timed rounds: CPU cores used by foreign processes, time stolen by the
hypervisor. On a shared machine some interference is normal: FLAG. It is a FAIL when it is asymmetric (the
reference had at least half a core or 15 points of steal more than the candidate, and twice as much), or so severe
that the engine got a third of what others got.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Side

FEWEST = 3
"""Samples per leg side below which symmetry is not judged."""
SEVERE_SHARE = 3.0
"""Foreign cores over the engine's own."""
SEVERE_STEAL = 30.0
UNEQUAL_CORES, UNEQUAL_STEAL, UNEQUAL_TIMES = 0.5, 15.0, 2.0
NOTICED_CORES, NOTICED_STEAL = 0.25, 5.0
ADVICE = "measure while the machine is quiet, or use co-resident blocks so that both legs share the disturbance"


@dataclass(frozen=True)
class Weather:
    """The machine during the timed rounds of one side, averaged over samples."""

    samples: int
    foreign: float
    """Cores used by processes that belong neither to the engine nor to the measurement."""
    steal: float
    """Per cent."""
    own: float
    """Cores that the engine itself used."""

    def __str__(self) -> str:
        return f"{self.foreign:.2f} foreign cores, {self.steal:.0f} % stolen"


def check(case: Case) -> Iterator[Outcome]:
    sides = [weather(case.counted(side)) for side in Side if case.counted(side)]
    where = at(case.legs[0].path("host.jsonl"))
    if min(side.samples for side in sides) < FEWEST:
        yield Unverifiable("host samples during the timed rounds", (where,), Severity.FLAG, own_runs_only=True)
        return
    reference, candidate = sides[0], sides[-1]
    observed = f"reference: {reference}; candidate: {candidate}"
    if case.scope != "baseline" and (
        _unequal(reference.foreign, candidate.foreign, UNEQUAL_CORES)
        or _unequal(reference.steal, candidate.steal, UNEQUAL_STEAL)
    ):
        yield fail(
            "the same load from other processes on both legs",
            observed,
            ADVICE,
            where,
            action=Action.REMEASURE,
            code="asymmetric_contention",
        )
    elif (
        max(side.foreign / side.own if side.own else 0.0 for side in sides) > SEVERE_SHARE
        or max(side.steal for side in sides) > SEVERE_STEAL
    ):
        weigh = flag if case.scope == "baseline" else fail
        yield weigh("a machine of its own", observed, ADVICE, where, action=Action.REMEASURE, code="severe_contention")
    elif max(side.foreign for side in sides) > NOTICED_CORES or max(side.steal for side in sides) > NOTICED_STEAL:
        # A control is judged by the effect of the load on its noise; measuring it again would not reduce the load.
        if case.scope == "baseline":
            yield info("a machine of its own", observed, where, code="contention")
        else:
            yield flag("a machine of its own", observed, ADVICE, where, code="contention")


def weather(legs: Sequence[LegView]) -> Weather:
    """Average the samples that fall into timed rounds, over all legs of one side."""
    foreign: list[float] = []
    steal: list[float] = []
    own: list[float] = []
    for leg in legs:
        samples = sorted(leg.host, key=lambda sample: sample.t)
        times = [sample.t for sample in samples]
        for stamp in (row.stamp for row in leg.rows if row.stamp):
            # A round may be shorter than the sampling period: the sample that ends just after it covers it too.
            inside = samples[bisect_left(times, stamp.started) : bisect_right(times, stamp.ended + 1.0)]
            foreign += [
                math.fsum(max(0.0, tenant.cpu_percent) for tenant in sample.tenants) / 100.0 for sample in inside
            ]
            steal += [sample.steal_percent or 0.0 for sample in inside]
            if stamp.ended > stamp.started:
                own.append(stamp.cpu_s / (stamp.ended - stamp.started))
    return Weather(
        len(foreign), fmean(foreign) if foreign else 0.0, fmean(steal) if steal else 0.0, median(own) if own else 0.0
    )


def _unequal(reference: float, candidate: float, least: float) -> bool:
    return reference - candidate > least and reference > UNEQUAL_TIMES * candidate


rule = Rule("contention", COMPARISONS, ("C15",), ("lever", "rounds", "host"), check, missing=Severity.FLAG)
