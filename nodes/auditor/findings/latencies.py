"""Latencies that a gain in throughput was bought with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nodes.auditor.rule import Outcome, flag, info
from nodes.auditor.verdict import Action, Evidence, Metric

LATENCIES = ("median_ttft_ms", "median_tpot_ms", "median_itl_ms", "p99_ttft_ms", "p99_itl_ms")
WORSE = 0.20
SURELY = 0.05
WORSE_WITHOUT_INTERVAL = 0.50
SMALLEST_MS = 0.5
"""Half a millisecond more is nobody's headline."""


def latency_findings(metrics: Sequence[Metric], where: Evidence) -> Iterator[Outcome]:
    """Judge the latencies among the metrics; without an interval only a change by half counts."""
    fine: list[str] = []
    for metric in metrics:
        if metric.name not in LATENCIES or None in (metric.delta, metric.reference, metric.candidate):
            continue
        before, after, delta = metric.reference or 0.0, metric.candidate or 0.0, metric.delta or 0.0
        said = f"{metric.name} {before:.2f} → {after:.2f} ms ({delta:+.0%})"
        sure = metric.interval.lower > SURELY if metric.interval else delta > WORSE_WITHOUT_INTERVAL
        if delta > WORSE and sure and after - before > SMALLEST_MS:
            yield flag(
                f"{metric.name} not worse by more than {WORSE:.0%}", said,
                "say in the headline what the throughput costs in latency", where,
                action=Action.DOWNGRADE_HEADLINE, code="latency_worse",
            )  # fmt: skip
        else:
            fine.append(said)
    if fine:
        yield info("latencies of both legs", "; ".join(fine), where)
