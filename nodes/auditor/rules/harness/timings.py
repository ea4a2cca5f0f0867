"""Every published figure was timed: as many samples as declared calls, all present and above zero (H07).

The samples of a row must also fit between its start and its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import LONGEST_NS, SHORTEST_NS
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows
from bankable.nodes.auditor.verdict import Severity

SLACK_S = 0.001
"""Difference allowed between the clocks of a row and of its samples, seconds."""
ADVICE = "time every call of the protocol and record the samples unchanged"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    rows = [row for row in benchmark.judged if row.run.raised is None]
    short = [row for row in rows if len(row.run.samples_ns) != row.run.timed_calls or not row.run.samples_ns]
    if short:
        run = short[0].run
        yield from report_rows(
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
        value = next(v for v in untimed[0].run.samples_ns if v is None or not SHORTEST_NS <= v <= LONGEST_NS)
        yield from report_rows(
            benchmark, untimed, "timings above zero", f"a sample of {value} ns", ADVICE, modes=("H07",), code="untimed"
        )
    too_long = [row for row in rows if math.fsum(row.samples) > 1e9 * (row.run.ended - row.run.started + SLACK_S)]
    yield from report_rows(
        benchmark,
        too_long,
        "samples that fit between the start and the end of the row",
        "their sum is longer than the row",
        ADVICE,
        modes=("H07",),
        code="impossible_samples",
    )


rule = Rule("harness_timings", HARNESS, ("H07",), ("bench",), check, gate=True, gives=(Severity.FAIL,))
