"""Judges a candidate against the baseline of the store, and enters it there where it may be.

What never enters: a candidate with a FAIL finding, of another subject, or worse. An undecided one enters, for a
baseline of decided nights only would look quieter than the machine is.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Literal

from bankable.graph.gate.candidate import CandidateLoad
from bankable.graph.version import find_version
from bankable.nodes.auditor.reading.resolved import find_differences
from bankable.nodes.auditor.verdict import Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import GOODPUT
from bankable.tools.statistics.drift import DriftDecision, find_drift
from bankable.tools.statistics.nights import NightsDecision, decide_nights
from bankable.tools.statistics.paired import launch_level
from bankable.tools.store.database import read_store, write_store
from bankable.tools.store.nights import (
    Night,
    StoredMeasurement,
    add_measurement,
    find_current,
    find_known_round,
    group_nights,
    read_measurements,
)
from bankable.tools.store.subject import find_subject_differences, find_unstated

Outcome = Literal["refused", "not_comparable", "worse", "drifted", "inconclusive", "no_worse", "better", "begun"]
ORDER: tuple[Outcome, ...] = (
    "refused",
    "not_comparable",
    "worse",
    "drifted",
    "inconclusive",
    "no_worse",
    "better",
    "begun",
)
"""Heaviest first: of several figures or loads the first one counts."""
NEVER_ENTERED = frozenset({"refused", "not_comparable", "worse"})
MARGINS: tuple[tuple[str, float], ...] = (("output_throughput", 0.02),)
WINDOW = 20
"""Nights of the rolling baseline."""


@dataclass(frozen=True)
class GateOptions:
    """What the caller asks for."""

    margins: tuple[tuple[str, float], ...] = MARGINS
    """(figure, largest harm as a fraction). The first one decides whether the candidate is better."""
    series: str = "main"
    """Name of the baseline in the store."""
    window: int = WINDOW
    """Latest nights that the candidate is compared with."""
    enter: bool = False
    """Enter the candidate into the baseline where it may be."""
    restart: bool = False
    """Begin the baseline anew with this candidate: earlier nights no longer count."""


@dataclass(frozen=True)
class FigureJudgment:
    """One figure against its margin."""

    figure: str
    margin: float
    baseline: float | None
    """Geometric mean over the nights, in the figure's unit."""
    candidate: float | None
    decision: NightsDecision | None
    """``None`` where a launch of the candidate, or every night of the baseline, lacks the figure."""
    drift: DriftDecision | None
    """How the baseline itself moved; ``None`` with few nights."""
    history: tuple[float, ...] = ()
    """The baseline's nights, oldest first, in the figure's unit."""

    @property
    def larger_is_better(self) -> bool:
        """A rate, and no latency."""
        return is_rate(self.figure)


@dataclass(frozen=True)
class LoadJudgment:
    """The candidate at one load."""

    load: str
    outcome: Outcome
    reason: str
    """Why, where figures alone do not say it."""
    figures: tuple[FigureJudgment, ...] = ()
    changed: tuple[str, ...] = ()
    """Resolved settings that differ from those of the last night."""
    unstated: tuple[str, ...] = ()
    """What the files do not say and could not be compared."""
    verdict: str = "PASS"
    """Of the rules on the candidate's files alone."""
    findings: tuple[str, ...] = ()
    """FAIL and FLAG findings on them."""


@dataclass(frozen=True)
class GateResult:
    """The result of one call."""

    outcome: Outcome
    loads: tuple[LoadJudgment, ...]
    store: str
    series: str
    entered: bool
    nights: int
    """Of the rolling baseline that was compared with; the most over the loads."""


def is_rate(figure: str) -> bool:
    """Whether larger is better."""
    return figure.endswith("_throughput") or figure == GOODPUT


def judge_candidate(store: Path, candidate: Sequence[CandidateLoad], options: GateOptions) -> GateResult:
    """Judge, and enter where asked for and allowed. Raises ``UserError`` for a store or a candidate that is no use."""
    if not options.enter:
        if options.restart:
            raise UserError("Cannot begin a baseline anew without entering", "--restart", "add --enter")
        with read_store(store) as connection:
            return _judge(connection, store, candidate, options)
    with write_store(store) as connection:
        result = _judge(connection, store, candidate, options)
        if result.outcome in NEVER_ENTERED:
            return result
        for load, judgment in zip(candidate, result.loads, strict=True):
            add_measurement(connection, _to_measurement(load, judgment.outcome, options))
        return replace(result, entered=True)


def _to_measurement(load: CandidateLoad, outcome: Outcome, options: GateOptions) -> StoredMeasurement:
    return StoredMeasurement(
        series=options.series,
        load=load.load,
        entered_at=time.time(),
        subject=load.subject,
        settings=load.settings,
        outcome=outcome,
        verdict=load.verdict.verdict.value,
        ruleset=load.verdict.ruleset,
        written_by=find_version(),
        launches=load.launches,
    )


def _judge(
    connection: sqlite3.Connection, store: Path, candidate: Sequence[CandidateLoad], options: GateOptions
) -> GateResult:
    known = find_known_round(connection, options.series, (launch for load in candidate for launch in load.launches))
    if known is not None:
        launch, file, at = known
        raise UserError(
            f"Cannot gate: the baseline holds this run already, as {file}, entered {_day(at)}",
            launch.file,
            "give the files of a new measurement",
        )
    measurements = read_measurements(connection, options.series)
    if not measurements and not options.enter:
        raise UserError(f"Cannot gate: no series {options.series!r} in the store", str(store), "begin it with --enter")
    loads = tuple(_judge_load(load, measurements, options) for load in candidate)
    nights = max((figure.decision.nights[0] for load in loads for figure in load.figures if figure.decision), default=0)
    outcome = min((load.outcome for load in loads), key=ORDER.index)
    return GateResult(outcome, loads, str(store), options.series, False, nights)


def _judge_load(load: CandidateLoad, measurements: Sequence[StoredMeasurement], options: GateOptions) -> LoadJudgment:
    findings = tuple(
        f"{finding.severity.value} {finding.rule}: {finding.observed}"
        for finding in load.verdict.findings
        if finding.severity.value in ("FAIL", "FLAG")
    )
    bare = LoadJudgment(load.load, "begun", "", verdict=load.verdict.verdict.value, findings=findings)
    if load.verdict.verdict is Word.FAIL:
        reason = "the audit of the candidate's own files has a FAIL, so it is compared with nothing"
        return replace(bare, outcome="refused", reason=reason)
    current = find_current([entry for entry in measurements if entry.load == load.load])
    if options.restart or not measurements:
        return replace(bare, reason="the first night of a baseline")
    if not current:
        loads = "; ".join(sorted({entry.load or "one load" for entry in measurements}))
        reason = f"workload: the baseline has {loads}, and not {load.load or 'a single load'}"
        return replace(bare, outcome="not_comparable", reason=reason[:300])
    differences = dict.fromkeys(
        text for entry in (current[0], current[-1]) for text in find_subject_differences(entry.subject, load.subject)
    )
    if differences:
        return replace(bare, outcome="not_comparable", reason="; ".join(differences))
    nights = group_nights(launch for entry in current for launch in entry.launches)
    tonight = group_nights(load.launches)
    figures = tuple(_judge_figure(name, margin, nights, tonight, options) for name, margin in options.margins)
    outcome, reason = _join(figures)
    return replace(
        bare,
        outcome=outcome,
        reason=reason,
        figures=figures,
        changed=tuple(
            f"{difference.name}: {difference.reference} → {difference.candidate}"
            for difference in find_differences(current[-1].settings, load.settings)
        )
        if load.settings and current[-1].settings
        else (),
        unstated=tuple(find_unstated(current[-1].subject, load.subject)),
    )


def _judge_figure(
    name: str, margin: float, nights: Sequence[Night], tonight: Sequence[Night], options: GateOptions
) -> FigureJudgment:
    before, after = _levels(name, nights), _levels(name, tonight)
    complete = after and sum(map(len, after)) == sum(map(len, tonight))
    window = before[-options.window :]
    decision, drift = None, None
    rate, figures = is_rate(name), len(options.margins)
    if window and complete:
        decision = decide_nights(window, after, margin, larger_is_better=rate, figures=figures)
        drift = find_drift(before, margin, larger_is_better=rate, figures=figures)
    return FigureJudgment(
        name,
        margin,
        _middle(window),
        _middle(after) if complete else None,
        decision,
        drift,
        tuple(math.exp(fmean(night)) for night in window),
    )


def _levels(name: str, nights: Sequence[Night]) -> list[list[float]]:
    """Log levels of the launches that have the figure, by night; without nights that have none."""
    levels = [
        [
            launch_level(values)
            for launch in night
            if (values := launch.figure(name)) and all(math.isfinite(value) and value > 0 for value in values)
        ]
        for night in nights
    ]
    return [night for night in levels if night]


def _middle(nights: Sequence[Sequence[float]]) -> float | None:
    return math.exp(fmean(fmean(night) for night in nights)) if nights else None


def _join(figures: Sequence[FigureJudgment]) -> tuple[Outcome, str]:
    """The outcome over all figures. Better is decided by the first, and only where no other is open."""
    missing = [figure.figure for figure in figures if figure.decision is None]
    outcomes = [figure.decision.outcome for figure in figures if figure.decision is not None]
    if "worse" in outcomes:
        return "worse", ""
    moved = [figure for figure in figures if figure.drift is not None and figure.drift.outcome == "worse"]
    if moved:
        return "drifted", "not worse than the last nights, but these are worse than the first ones: see drift"
    if missing:
        return "inconclusive", f"not in every launch, or zero: {', '.join(missing)}"
    if "inconclusive" in outcomes:
        return "inconclusive", ""
    return ("better" if outcomes[0] == "better" else "no_worse"), ""


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
