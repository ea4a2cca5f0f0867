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
from bankable.nodes.auditor.rule import GAINS, Outcome, Remark, Rule, Unverifiable, at
from bankable.nodes.auditor.verdict import Metric
from bankable.tools.evidence.records import Side

PIECES = 1.2
"""Ratio of the tokens per gap of both legs above which their gaps are of two kinds."""


def check(case: Case) -> Iterator[Outcome]:
    where = at(case.candidate_file)
    metrics = [metric for metric in case.measured.metrics if metric.name in LATENCIES]
    if case.imported and not any(metric.delta is not None for metric in metrics):
        sides = [sum(value is not None for value in column) for column in zip(*map(_both, metrics), strict=True)]
        whose = "both legs" if not any(sides) else "one leg" if not all(sides) else "one kind on both legs"
        fix = "let the benchmark write TTFT and TPOT of both legs"
        yield Unverifiable(f"latencies of {whose}", (where,), fix=fix)
        return
    if case.imported and (sizes := _piece_sizes(case)) is not None:
        yield Remark(
            f"gaps of {sizes[0]:.1f} tokens on the reference and {sizes[1]:.1f} on the candidate: ITL is not compared"
        )
        metrics = [metric for metric in metrics if "itl" not in metric.name]
    yield from latency_findings(metrics, where, case.headline)


def _piece_sizes(case: Case) -> tuple[float, float] | None:
    """Tokens per gap of both legs where they differ: one leg's gaps are of tokens, the other's of chunks."""
    sizes = []
    for side in Side:
        rows = [row for leg in case.counted(side) for row in leg.rows if row.listed]
        gaps = sum(sum(row.streamed) for row in rows)
        tokens = sum(sum(row.output_lens) - len(row.output_lens) for row in rows)
        if gaps <= 0 or tokens <= 0:
            return None
        sizes.append(tokens / gaps)
    return (sizes[0], sizes[1]) if max(sizes) > PIECES * min(sizes) else None


def _both(metric: Metric) -> tuple[float | None, float | None]:
    return metric.reference, metric.candidate


rule = Rule("headline_integrity", GAINS, ("D13",), ("lever", "rounds"), check)
