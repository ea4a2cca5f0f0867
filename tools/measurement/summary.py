"""Summarises raw rounds into the figures of one side: medians over launches of medians over rounds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bankable.tools.evidence.records import BenchRun, LatencySummary

FIELDS = tuple(LatencySummary.model_fields)


def summarise(launches: Sequence[Sequence[BenchRun]]) -> LatencySummary:
    """Median over launches of the median over rounds, figure by figure; launches without rounds do not count."""
    values = {
        field: median(median(getattr(run, field) for run in runs) for runs in launches if runs) for field in FIELDS
    }
    return LatencySummary(**values)
