"""Both legs ran at the same clocks: no power or thermal cap on one of them (C15).

Median over the samples that fall into timed rounds, per side, of the processor's frequency and of the slowest graphics
clock. A reference more than a tenth slower than the candidate was throttled, or the candidate was boosted. Machines
that report no clock have nothing to judge; that there are samples at all is ``contention``'s question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, at, fail, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import HostSample, Side

UNEQUAL = 0.10
FEWEST = 3
GPU_CLOCK = "sm_mhz"


def check(case: Case) -> Iterator[Outcome]:
    sides = {side.value: case.counted(side) for side in Side}
    where = at(case.legs[0].path("host.jsonl"))
    judged = False
    for name, read in (("processor", _processor), ("graphics", _graphics)):
        readings = {side: _clocks(legs, read) for side, legs in sides.items()}
        if min(map(len, readings.values())) < FEWEST:
            continue
        judged = True
        reference, candidate = median(readings["reference"]), median(readings["candidate"])
        observed = f"{name}: reference {reference:.0f} MHz, candidate {candidate:.0f} MHz"
        if reference < (1 - UNEQUAL) * candidate:
            yield fail(
                "equal clocks on both legs",
                observed,
                "lock the clocks or cool the machine, and measure both legs again",
                where,
                action=Action.REMEASURE,
                code="clocks_differ",
            )
        else:
            yield info("equal clocks on both legs", observed, where)
    if not judged:
        yield NotApplicable("no clocks were recorded")


def processor_clocks(legs: Sequence[LegView]) -> list[float]:
    """Processor clocks of the samples that fall into timed rounds, MHz."""
    return _clocks(legs, _processor)


def _clocks(legs: Sequence[LegView], read: Callable[[HostSample], float | None]) -> list[float]:
    values: list[float] = []
    for leg in legs:
        spans = [(row.stamp.started, row.stamp.ended) for row in leg.rows if row.stamp]
        for sample in leg.host:
            value = read(sample)
            if value is not None and value > 0 and any(start <= sample.t <= end + 1.0 for start, end in spans):
                values.append(float(value))
    return values


def _processor(sample: HostSample) -> float | None:
    return sample.cpu_mhz


def _graphics(sample: HostSample) -> float | None:
    frequencies = [device[GPU_CLOCK] for device in sample.gpu if GPU_CLOCK in device]
    return min(frequencies, default=None)


rule = Rule("clocks", GAINS, ("C15",), ("lever", "rounds"), check, gives=(Severity.FAIL,))
