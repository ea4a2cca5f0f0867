"""Throughput is not bought with latency behind the reader's back (D13).

TTFT, TPOT, ITL and their p99 of both legs are recomputed per block like the metric. One that is worse by more than 20
%, with its whole interval above 5 %, belongs into the headline: FLAG, ``downgrade_headline``. The win itself stands.
Where there are too few launches for an interval, only a latency that is half as large again counts. Where the headline
gives the change, it has been said.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.latencies import latency_findings
from bankable.nodes.auditor.rule import GAINS, Outcome, Rule, at


def check(case: Case) -> Iterator[Outcome]:
    yield from latency_findings(case.measured.metrics, at(case.candidate_file), case.headline)


rule = Rule("headline_integrity", GAINS, ("D13",), ("lever", "rounds"), check)
