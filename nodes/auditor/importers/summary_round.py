"""A round from a tool's summary: figures and counts, and no record of single requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bankable.nodes.auditor.importers.documents import Document, number, whole
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.rows import BenchRound, FigureCheck
from bankable.nodes.auditor.reading.view import AbsentRecord

_MEAN_DIGITS = 1e-4
"""Rounding of a mean: tools write four digits."""
FINISH_REASONS = AbsentRecord("finish reasons", "the format has none", "output_correctness", decides=False)


@dataclass(frozen=True)
class Counts:
    """What a summary counts; ``None`` where it does not say."""

    issued: int | None = None
    completed: int | None = None
    failed: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration: float | None = None
    """Seconds."""


def build_summary_round(
    reader: Reader,
    file: str,
    document: Document,
    figures: Mapping[str, float | None],
    counts: Counts,
    arguments: tuple[tuple[str, str], ...] = (),
    span: tuple[float, float] | None = None,
) -> BenchRound | None:
    """A round, or ``None`` with a report of what is wrong. Figures are by field of ``LatencySummary``, in its units."""
    reported = {name: value for name, value in figures.items() if value is not None}
    if "output_throughput" not in reported:
        reader.report(file, document.line, "invalid", "no usable rate of output tokens")
        return None
    if any(value < 0 for value in reported.values()) or (counts.duration is not None and counts.duration <= 0):
        reader.report(file, document.line, "impossible", "a negative figure, or a duration of 0")
        return None
    counted = {"output_throughput": counts.output_tokens, "request_throughput": counts.completed}
    checks = [
        FigureCheck(name, reported[name], count / counts.duration)
        for name, count in counted.items()
        if count is not None and counts.duration is not None and name in reported
    ]
    return BenchRound(
        line=document.line,
        reported=reported,
        raw={},
        checks=tuple(checks),
        duration=counts.duration,
        issued=counts.issued,
        completed=counts.completed,
        failed=counts.failed,
        total_output=counts.output_tokens,
        output_tokens=counts.output_tokens or None,
        input_tokens=counts.input_tokens,
        arguments=arguments,
        span=span,
    )


def multiply(mean: Any, count: Any) -> int | None:
    """A whole total from its mean over so many requests; ``None`` where they give none, within rounding."""
    value, requests = number(mean), whole(count)
    if value is None or requests is None or value < 0:
        return None
    total = round(value * requests)
    return total if abs(total - value * requests) <= max(_MEAN_DIGITS * requests, 1e-9 * total) else None


def milliseconds(value: float | None, unit: str) -> float | None:
    """A latency in milliseconds; ``None`` without a known unit."""
    scale = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6}.get(unit.strip().lower().removesuffix("/token"))
    return None if value is None or scale is None else value * scale
