"""The plot of a load ladder: throughput per device against interactivity, each point with its intervals.

Without a script: a pointer over a point shows its figures, and the boxes above the plot hide and show configurations
(by style sheet alone).
"""

from __future__ import annotations

from collections.abc import Sequence

from bankable.tools.report.frontier_model import ReportFrontier, ReportPoint
from bankable.tools.report.svg import Drawing, Scale, ticks
from bankable.tools.report.words import quantity

WIDTH, HEIGHT = 860, 440
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 26, 50
COLOURS = 12
"""Classes ``k0``, ``k1``, … of the style sheet."""


def frontier_plot(frontier: ReportFrontier) -> str:
    """Points of the frontier are filled, dominated ones hollow; the loads of a configuration are joined."""
    if not frontier.points:
        return ""
    drawing = Drawing(WIDTH, HEIGHT, "Throughput per device against interactivity, by configuration and load")
    x = _scale([_bounds(point.interactivity, point.interactivity_interval) for point in frontier.points], LEFT, 0)
    y = _scale([_bounds(point.throughput, point.throughput_interval) for point in frontier.points], 0, TOP)
    for tick in ticks(x.low, x.high, 8):
        drawing.line((x(tick), TOP), (x(tick), HEIGHT - BOTTOM), "grid")
        drawing.text((x(tick), HEIGHT - BOTTOM + 18), quantity(tick), "tick", "middle")
    for tick in ticks(y.low, y.high, 7):
        drawing.line((LEFT, y(tick)), (WIDTH - RIGHT, y(tick)), "grid")
        drawing.text((LEFT - 8, y(tick) + 4), quantity(tick), "tick", "end")
    drawing.text((LEFT - 56, 12), "output tok/s and device", "tick")
    drawing.text((WIDTH - RIGHT, HEIGHT - 10), "interactivity: tok/s for one user (1000 / median TPOT)", "tick", "end")
    for number, contender in enumerate(frontier.contenders):
        points = [point for point in frontier.points if point.contender == contender]
        drawing.open_group(f"k{number % COLOURS}")
        drawing.path([(x(point.interactivity), y(point.throughput)) for point in points], "rung")
        for point in points:
            _draw_point(drawing, point, x, y)
        drawing.close_group()
    return drawing.to_svg()


def _draw_point(drawing: Drawing, point: ReportPoint, x: Scale, y: Scale) -> None:
    place = x(point.interactivity), y(point.throughput)
    if point.throughput_interval is not None:
        low, high = point.throughput_interval
        drawing.line((place[0], y(low)), (place[0], y(high)), "whisker")
    if point.interactivity_interval is not None:
        low, high = point.interactivity_interval
        drawing.line((x(low), place[1]), (x(high), place[1]), "whisker")
    drawing.dot(place, "rung-dominated" if point.dominated_by else "rung-standing", 5.5, describe_point(point))
    drawing.text((place[0] + 9, place[1] - 7), point.load, "tick")


def describe_point(point: ReportPoint) -> str:
    """Figures of a point in one line."""
    parts = [
        f"{point.contender} at {point.load}: {quantity(point.throughput)} tok/s and device, "
        f"{quantity(point.interactivity)} tok/s for one user, {point.launches} launches"
    ]
    if point.goodput is not None:
        share = "" if point.attainment is None else f" ({point.attainment:.0%})"
        parts.append(f"{quantity(point.goodput)} good requests/s{share}")
    parts.append(f"dominated by {', '.join(point.dominated_by[:3])}" if point.dominated_by else "on the frontier")
    return "; ".join(parts)


def _bounds(value: float, interval: tuple[float, float] | None) -> tuple[float, float]:
    return interval if interval is not None else (value, value)


def _scale(spans: Sequence[tuple[float, float]], left: float, top: float) -> Scale:
    """An axis from 0 over all intervals; ``left`` for the horizontal one, ``top`` for the vertical one."""
    high = 1.06 * max(high for _, high in spans)
    return Scale(0.0, high, left, WIDTH - RIGHT) if left else Scale(0.0, high, HEIGHT - BOTTOM, top)
