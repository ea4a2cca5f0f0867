"""Compares reported figures with those of raw records. Tolerances cover differences in definition only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from bankable.nodes.auditor.measured import leg_figure
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Found, Remark, at, fail
from bankable.nodes.auditor.verdict import Action, Evidence

RATE, LATENCY, TPOT = 0.001, 0.02, 0.05
RATES = ("output_throughput", "request_throughput")
WINDOW = 0.002
"""Relative difference of two windows that rounded rates imply."""
RETOKENIZED = 0.02
"""Relative difference of two counts of the same text: that of the server, and that of another tokenizer run."""
SMALLEST_MS = 0.05


def record_findings(leg: LegView) -> Iterator[Found | Remark]:
    """Figures of each round's record, and of its summaries, compared with finer records of the same launch."""
    file = leg.path("bench_runs.jsonl")
    for row in leg.rows:
        window = None if row.duration is not None else find_window(row, row.reported)
        if window is not None:
            yield Remark(f"{file}: {window}")
        for name, true in row.raw.items():
            claimed = row.reported.get(name)
            if claimed is None or agrees(name, claimed, true) or (window is not None and name in RATES):
                continue
            yield wrong(f"{name} = {true:.4f} from its requests", f"{name} = {claimed:.4f}", at(file, row.line))
        for check in row.checks:
            if not agrees(check.name, check.reported, check.true):
                expected, observed = f"{check.name} = {check.true:.4f}", f"{check.name} = {check.reported:.4f}"
                yield wrong(expected, observed, at(file, row.line))
    for summary, figures in leg.summaries:
        window = find_window(leg.rows[0], figures) if leg.format and len(leg.rows) == 1 else None
        if window is not None:
            yield Remark(f"{summary}: {window}")
        for name, claimed in figures.items():
            measured = leg_figure((leg,), name)
            if measured is None or agrees(name, claimed, measured) or (window is not None and name in RATES):
                continue
            if name == "output_throughput" and len(leg.rows) == 1 and agrees_by_own_count(leg.rows[0], claimed):
                continue
            yield wrong(f"{name} = {measured:.4f}", f"{name} = {claimed:.4f}", at(summary))


def agrees_by_own_count(row: BenchRound, claimed: float) -> bool:
    """Whether a rate of output tokens is that of the load generator's own count, which is close to the server's.

    AIPerf's summary counts the tokens of the text that came back; 1150 of 1152 is common, and no contradiction.
    """
    rate, own, usage = row.raw.get("output_throughput"), row.retokenized, row.output_tokens
    if not rate or not own or not usage or not math.isclose(own, usage, rel_tol=RETOKENIZED):
        return False
    return agrees("output_throughput", claimed, rate * own / usage)


def find_window(row: BenchRound, figures: Mapping[str, float]) -> str | None:
    """Describe the observation window that a tool divides by, where both of its rates imply one that holds the round.

    Tools may divide by a window that is longer than the span from the first start to the last end. ``None``: the rates
    are those of the span, or imply two windows, or one that is shorter than the span.
    """
    rates = {name: figures.get(name) for name in RATES}
    tokens, requests = (rates[name] for name in RATES)
    if row.completed is None or not row.raw.get("request_throughput") or not tokens or not requests:
        return None
    span = row.completed / row.raw["request_throughput"]
    window = row.completed / requests
    counts = [count for count in (row.output_tokens, row.retokenized) if count]
    one = any(math.isclose(count / tokens, window, rel_tol=WINDOW) for count in counts)
    if not one or window < span * (1.0 - WINDOW) or math.isclose(window, span, rel_tol=RATE):
        return None
    return f"its rates divide by a window of {window:.3f} s, its requests span {span:.3f} s: another definition"


def agrees(name: str, claimed: float, true: float) -> bool:
    """Say whether a reported figure is the recomputed one, within the tolerance of its kind."""
    if name.endswith("_throughput"):
        return math.isclose(claimed, true, rel_tol=RATE, abs_tol=1e-9)
    return math.isclose(claimed, true, rel_tol=TPOT if "tpot" in name else LATENCY, abs_tol=SMALLEST_MS)


def wrong(expected: str, observed: str, where: Evidence) -> Found:
    """A finding for a reported number that raw records contradict."""
    return fail(
        expected,
        observed,
        "report what the per-request records give, with the definitions of the benchmark",
        where,
        action=Action.REDO,
        modes=("D14", "R01"),
        code="reported_differs",
    )
