"""Lists and draws the nights and the verified levers of a store."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from statistics import fmean

from bankable.nodes.auditor.measured import UNITS
from bankable.tools.report.svg import Drawing, Scale, ticks
from bankable.tools.statistics.paired import launch_level
from bankable.tools.store.memory import VerifiedLever
from bankable.tools.store.nights import BEGUN, StoredMeasurement, group_nights

SHOWN = ("output_throughput", "goodput", "median_ttft_ms", "median_tpot_ms")
"""Figures that are listed and drawn."""
WIDTH, HEIGHT, LEFT, BOTTOM = 860, 190, 70, 28
STYLE = """
body { font: 14px system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #222; background: #fff; }
svg { width: 100%; } text { font-size: 11px; fill: #555; }
.axis { stroke: #ddd; } .trend { fill: none; stroke: #4a6fa5; stroke-width: 1.5; }
.night { fill: #4a6fa5; } .begun { fill: #b5651d; } .launch { fill: #b9c7dc; }
"""


@dataclass(frozen=True)
class NightLine:
    """One night of one baseline."""

    series: str
    load: str
    measured_at: float
    """Of its first launch, seconds since the epoch."""
    launches: int
    outcome: str
    """As the gate judged it when it was entered."""
    levels: dict[str, float]
    """Geometric mean over its launches, by figure."""
    each: dict[str, tuple[float, ...]]
    """The same of each launch."""


def list_nights(measurements: Sequence[StoredMeasurement]) -> list[NightLine]:
    """Nights by series and load, oldest first."""
    lines = []
    for series, load in dict.fromkeys((entry.series, entry.load) for entry in measurements):
        mine = [entry for entry in measurements if (entry.series, entry.load) == (series, load)]
        outcomes = {id(launch): entry.outcome for entry in mine for launch in entry.launches}
        for night in group_nights(launch for entry in mine for launch in entry.launches):
            levels: dict[str, tuple[float, ...]] = {}
            for name in SHOWN:
                values = [launch.figure(name) for launch in night]
                usable = [value for value in values if value and min(value) > 0]
                if usable:
                    levels[name] = tuple(math.exp(launch_level(value)) for value in usable)
            means = {name: math.exp(fmean(map(math.log, values))) for name, values in levels.items()}
            outcome = outcomes[id(night[0])]
            lines.append(NightLine(series, load, night[0].measured_at, len(night), outcome, means, levels))
    return lines


def list_verified(levers: Sequence[VerifiedLever]) -> Iterator[str]:
    """What runs verified, place by place."""
    for place in dict.fromkeys(lever.place.describe() for lever in levers):
        yield f"at {place}:"
        for lever in (each for each in levers if each.place.describe() == place):
            gain = "no percentage" if lever.gain is None else f"{lever.gain:+.1%}"
            if lever.lower is not None and lever.upper is not None:
                gain += f" [{lever.lower:+.1%}, {lever.upper:+.1%}]"
            yield f"  {lever.lever}: {lever.outcome.replace('_', ' ')}, {lever.metric} {gain}, run {lever.run_id}"


def draw_history(nights: Sequence[NightLine]) -> str:
    """A page with a picture for each figure of each baseline; it loads nothing from elsewhere."""
    parts = []
    for series, load in dict.fromkeys((night.series, night.load) for night in nights):
        mine = [night for night in nights if (night.series, night.load) == (series, load)]
        parts.append(f"<h2>{escape(series)}{f' [{escape(load)}]' if load else ''}</h2>")
        parts += [
            f"<h3>{escape(name)}, {escape(UNITS.get(name, 'ms'))}</h3>{_draw_figure(name, mine)}"
            for name in SHOWN
            if sum(name in night.levels for night in mine) > 1
        ]
    body = "\n".join(parts) or "<p>No baseline with two nights.</p>"
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>History</title><style>{STYLE}</style>\n'
        "<h1>Nights</h1>\n<p>Large dots are nights, small ones launches; a baseline begins at an orange dot.</p>\n"
        f"{body}\n</html>\n"
    )


def _draw_figure(name: str, nights: Sequence[NightLine]) -> str:
    shown = [night for night in nights if name in night.levels]
    values = [value for night in shown for value in night.each[name]]
    room = 0.08 * (max(values) - min(values) or max(values))
    y = Scale(min(values) - room, max(values) + room, HEIGHT - BOTTOM, 10)
    x = Scale(shown[0].measured_at, shown[-1].measured_at, LEFT + 10, WIDTH - 20)
    drawing = Drawing(WIDTH, HEIGHT, f"{name} of {len(shown)} nights")
    for tick in ticks(y.low, y.high):
        drawing.line((LEFT, y(tick)), (WIDTH - 10, y(tick)), "axis")
        drawing.text((LEFT - 6, y(tick) + 4), f"{tick:g}", anchor="end")
    drawing.path([(x(night.measured_at), y(night.levels[name])) for night in shown], "trend")
    for night in shown:
        at, day = x(night.measured_at), datetime.fromtimestamp(night.measured_at, UTC).strftime("%Y-%m-%d")
        for value in night.each[name]:
            drawing.dot((at, y(value)), "launch", 2.0)
        title = f"{day}: {night.levels[name]:.2f}, {night.launches} launches, {night.outcome.replace('_', ' ')}"
        drawing.dot((at, y(night.levels[name])), "begun" if night.outcome == BEGUN else "night", 4.0, title)
    for night in (shown[0], shown[-1]):
        day = datetime.fromtimestamp(night.measured_at, UTC).strftime("%Y-%m-%d")
        drawing.text((x(night.measured_at), HEIGHT - 8), day, anchor="start" if night is shown[0] else "end")
    return drawing.to_svg()
