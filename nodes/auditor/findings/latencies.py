"""Judges latencies that got worse while throughput rose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.findings.stated import LATENCIES as FAMILIES
from bankable.nodes.auditor.findings.stated import percentages
from bankable.nodes.auditor.rule import Outcome, flag, info
from bankable.nodes.auditor.verdict import Action, Evidence, Metric

LATENCIES = ("median_ttft_ms", "median_tpot_ms", "median_itl_ms", "p99_ttft_ms", "p99_itl_ms")
WORSE = 0.20
SURELY = 0.05
WORSE_WITHOUT_INTERVAL = 0.50
HIDES_LITTLE = 0.8
"""Smallest share of the true change that a headline has to state: +100 % is enough for +120 %."""
SMALLEST_MS = 0.5
"""Smallest rise in milliseconds that has to be stated."""


def changes(metric: Metric) -> tuple[float, ...]:
    """A figure's change as it may be quoted: mean over blocks, or of the medians over launches."""
    if metric.delta is None or metric.reference is None or metric.candidate is None:
        return ()
    return (metric.delta, metric.candidate / metric.reference - 1.0) if metric.reference > 0 else (metric.delta,)


def latency_findings(metrics: Sequence[Metric], where: Evidence, headline: str = "") -> Iterator[Outcome]:
    """Judge the latencies among the metrics; without an interval only a rise by half counts.

    A latency that the headline states, with its change or a slightly smaller one, gives no finding.
    """
    fine: list[str] = []
    largest = _collect_stated(metrics, headline)
    for metric in metrics:
        if metric.name not in LATENCIES or None in (metric.delta, metric.reference, metric.candidate):
            continue
        before, after, delta = metric.reference or 0.0, metric.candidate or 0.0, metric.delta or 0.0
        observed = f"{metric.name} {before:.2f} → {after:.2f} ms ({delta:+.0%})"
        sure = metric.interval.lower > SURELY if metric.interval else delta > WORSE_WITHOUT_INTERVAL
        if largest.get(_family(metric.name), -1.0) >= HIDES_LITTLE * delta > 0:
            fine.append(f"{observed}, as the headline says")
        elif delta > WORSE and sure and after - before > SMALLEST_MS:
            yield flag(
                f"{metric.name} not worse by more than {WORSE:.0%}",
                observed,
                "say in the headline what the throughput costs in latency",
                where,
                action=Action.DOWNGRADE_HEADLINE,
                code="latency_worse",
            )
        else:
            fine.append(observed)
    if fine:
        yield info("latencies of both legs", "; ".join(fine), where)


def _family(name: str) -> str:
    return next((family for family in FAMILIES if family in name), "")


def _collect_stated(metrics: Sequence[Metric], headline: str) -> dict[str, float]:
    """The largest true rise that the headline gives for each kind of latency, as a fraction."""
    largest: dict[str, float] = {}
    for stated in percentages(headline):
        if stated.about not in FAMILIES or stated.sign <= 0:
            continue
        known_changes = [
            change for metric in metrics if _family(metric.name) == stated.about for change in changes(metric)
        ]
        for value in known_changes:
            if stated.is_(value, signed=True):
                largest[stated.about] = max(value, largest.get(stated.about, -1.0))
    return largest
