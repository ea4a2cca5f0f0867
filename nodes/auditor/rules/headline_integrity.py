"""A headline does not hide that throughput was gained at the cost of latency (D13).

TTFT, TPOT, ITL and their p99 of both legs are recomputed per block like the metric. One that is worse by more than 20
%, with its whole interval above 5 %, belongs into the headline: FLAG, ``downgrade_headline``. The win itself stands.
Where there are too few launches for an interval, only a latency that is half as large again counts. Where the headline
gives the change, it has been said. Files of other tools may have no latencies at all: then nothing shows what the
throughput cost.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.latencies import LATENCIES, latency_findings
from bankable.nodes.auditor.rule import GAINS, Outcome, Rule, Unverifiable, at
from bankable.nodes.auditor.verdict import Metric


def check(case: Case) -> Iterator[Outcome]:
    where = at(case.candidate_file)
    metrics = [metric for metric in case.measured.metrics if metric.name in LATENCIES]
    if case.imported and not any(metric.delta is not None for metric in metrics):
        sides = [sum(value is not None for value in column) for column in zip(*map(_both, metrics), strict=True)]
        whose = "both legs" if not any(sides) else "one leg" if not all(sides) else "one kind on both legs"
        fix = "let the benchmark write TTFT and TPOT of both legs"
        yield Unverifiable(f"latencies of {whose}", (where,), fix=fix)
        return
    yield from latency_findings(case.measured.metrics, where, case.headline)


def _both(metric: Metric) -> tuple[float | None, float | None]:
    return metric.reference, metric.candidate


rule = Rule("headline_integrity", GAINS, ("D13",), ("lever", "rounds"), check)
