"""Every published figure was timed: as many samples as calls, all of them there and above zero (H07).

Also: the samples of a row fit into the time between its start and its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import LONGEST_NS, SHORTEST_NS
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import faulty
from bankable.nodes.auditor.verdict import Severity

SLACK_S = 0.001
"""Clocks of a row and of its samples may differ by this."""
ADVICE = "time every call of the protocol and write the samples as the timer gave them"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.judged if row.run.raised is None]
    short = [row for row in rows if len(row.run.samples_ns) != row.run.timed_calls or not row.run.samples_ns]
    if short:
        run = short[0].run
        yield from faulty(
            benchmark,
            short,
            f"{run.timed_calls} samples, at least one",
            f"{len(run.samples_ns)} samples",
            ADVICE,
            modes=("H07",),
            code="samples_missing",
        )
    untimed = [row for row in rows if len(row.samples) < len(row.run.samples_ns)]
    if untimed:
        odd = next(v for v in untimed[0].run.samples_ns if v is None or not SHORTEST_NS <= v <= LONGEST_NS)
        yield from faulty(
            benchmark, untimed, "timings above zero", f"a sample of {odd} ns", ADVICE, modes=("H07",), code="untimed"
        )
    beyond = [row for row in rows if math.fsum(row.samples) > 1e9 * (row.run.ended - row.run.started + SLACK_S)]
    yield from faulty(
        benchmark,
        beyond,
        "samples that fit between the start and the end of the row",
        "longer than the row itself",
        ADVICE,
        modes=("H07",),
        code="impossible_samples",
    )


rule = Rule("harness_timings", HARNESS, ("H07",), ("bench",), check, gate=True, gives=(Severity.FAIL,))
