"""Throughput is not bought with latency behind the reader's back (D13).

TTFT, TPOT, ITL and their p99 of both legs are recomputed per block like the metric. One that is worse by more than
20 %, with its whole interval above 5 %, belongs into the headline: FLAG, ``downgrade_headline``. The win itself stands.
Where the headline gives the change, it has been said.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.latencies import latency_findings
from bankable.nodes.auditor.rule import GAINS, Outcome, Rule, at


def check(case: Case) -> Iterator[Outcome]:
    claim = case.comparison.claim
    yield from latency_findings(
        case.measured.metrics, at(case.comparison.path("legs")), claim.headline if claim is not None else ""
    )


rule = Rule("headline_integrity", GAINS, ("D13",), ("plan", "rounds"), check)
