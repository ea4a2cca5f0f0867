"""The plots of a report: every round, the gain per block, an interval, and host samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from bankable.tools.report.frontier_model import Interval
from bankable.tools.report.model import SIDES, ReportComparison, ReportHostPoint
from bankable.tools.report.svg import Drawing, Scale, ticks
from bankable.tools.report.words import percent, quantity

WIDTH = 860
LEFT, RIGHT = 64, 16
GAP_S = 5.0


def rounds_plot(comparison: ReportComparison) -> str:
    """Every timed round as a dot, the median of each launch as a bar, the two launches of a block joined."""
    blocks = sorted({r.block for r in comparison.rounds})
    if not blocks:
        return ""
    values = [r.value for r in comparison.rounds]
    pad = (max(values) - min(values)) * 0.08 or abs(values[0]) * 0.02 or 1.0
    drawing = Drawing(WIDTH, 260, f"Every timed round of {comparison.name}, by block and leg")
    y = Scale(min(values) - pad, max(values) + pad, 222, 14)
    column = (WIDTH - LEFT - RIGHT) / len(blocks)
    for at in range(1, len(blocks), 2):
        drawing.box((LEFT + column * at, 14), (column, 208), "band")
    _grid(drawing, y, quantity)
    medians = {(leg.block, leg.side): leg.median for leg in comparison.legs if leg.median is not None}
    for at, block in enumerate(blocks):
        middle = LEFT + column * (at + 0.5)
        half = min(column * 0.22, 46)
        drawing.text((middle, 242), f"block {block}" if column > 54 else str(block), "tick", "middle")
        centers = {"reference": middle - half, "candidate": middle + half}
        ends = [(centers[side], y(v)) for side in SIDES if (v := medians.get((block, side))) is not None]
        if len(ends) == len(SIDES):
            drawing.line(ends[0], ends[1], "pair")
        for side in SIDES:
            mine = [r for r in comparison.rounds if (r.block, r.side) == (block, side)]
            for k, one in enumerate(mine):
                shift = (k - (len(mine) - 1) / 2) * min(9.0, 1.3 * half / max(len(mine), 1))
                title = f"block {block}, {side}, round {one.index}: {quantity(one.value)} {comparison.unit}"
                drawing.dot((centers[side] + shift, y(one.value)), f"dot {side}", title=title)
            if (value := medians.get((block, side))) is not None:
                width = min(18.0, half * 0.8)
                drawing.line((centers[side] - width, y(value)), (centers[side] + width, y(value)), f"median {side}")
    drawing.text((LEFT - 52, 11), comparison.unit or comparison.metric, "tick")
    return drawing.to_svg()


def gains_plot(comparison: ReportComparison) -> str:
    """Gain of each block, the claimed interval below, zero and the floor marked."""
    if not comparison.gains:
        return ""
    floor = comparison.plan.floor if comparison.plan else None
    marks = [0.0, *(g for _, g in comparison.gains), *(comparison.interval or ()), *([] if floor is None else [floor])]
    height = 46 + 20 * (len(comparison.gains) + (comparison.interval is not None))
    drawing = Drawing(WIDTH, height, f"Gain per block of {comparison.name}")
    x = _gain_axis(drawing, marks, floor, height)
    row = 18.0
    for block, gain in comparison.gains:
        drawing.text((LEFT - 8, row + 4), f"block {block}", "tick", "end")
        drawing.line((x(0), row), (x(gain), row), "stem")
        drawing.dot((x(gain), row), "dot candidate", 4.5, f"block {block}: {percent(gain)}")
        row += 20
    if comparison.interval is not None:
        drawing.text((LEFT - 8, row + 4), "claimed", "tick strong", "end")
        _interval(drawing, x, row, comparison.interval, comparison.delta)
    return drawing.to_svg()


def interval_plot(interval: Interval, delta: float | None, floor: float | None) -> str:
    """One interval against zero and the floor, for the head of the page."""
    drawing = Drawing(WIDTH, 74, f"Interval of the gain: {percent(interval[0])} to {percent(interval[1])}")
    marks = [0.0, *interval, *([] if floor is None else [floor])]
    _interval(drawing, _gain_axis(drawing, marks, floor, 74), 24, interval, delta)
    return drawing.to_svg()


def host_plot(points: Sequence[ReportHostPoint]) -> str:
    """CPU use and load over the comparison; seconds with other busy processes are shaded."""
    if len(points) < 2:
        return ""
    drawing = Drawing(WIDTH, 206, "CPU use, load average and other tenants over time")
    x = Scale(points[0].t, max(points[-1].t, points[0].t + 1), LEFT, WIDTH - RIGHT)
    cpu = Scale(0, 100, 106, 18)
    load = Scale(0, max(1.0, *(p.load_1m for p in points)), 178, 136)
    for span in _runs([p for p in points if p.tenants]):
        drawing.box((x(span[0].t), 18), (max(2.0, x(span[-1].t + 1) - x(span[0].t)), 160), "tenant")
    for scale, marks, unit in ((cpu, (0.0, 50.0, 100.0), " %"), (load, (0.0, load.high), "")):
        for mark in marks:
            drawing.line((LEFT, scale(mark)), (WIDTH - RIGHT, scale(mark)), "grid")
            drawing.text((LEFT - 8, scale(mark) + 4), f"{mark:.{0 if unit else 1}f}{unit}", "tick", "end")
    for part in _runs(points):
        drawing.path([(x(p.t), cpu(p.cpu_percent)) for p in part], "trace cpu")
        drawing.path([(x(p.t), load(p.load_1m)) for p in part], "trace load")
    drawing.text((LEFT, 11), "CPU, whole machine", "tick cpu-label")
    drawing.text((LEFT, 128), "load average, 1 min", "tick load-label")
    for tick in ticks(x.low, x.high, 7):
        drawing.text((x(tick), 198), f"{tick:g} s", "tick", "middle")
    return drawing.to_svg()


def _runs(points: Sequence[ReportHostPoint]) -> list[list[ReportHostPoint]]:
    """Points in unbroken runs: no line is drawn over a time without samples."""
    usual = sorted(b.t - a.t for a, b in pairwise(points))
    limit = max(GAP_S, 3 * usual[len(usual) // 2]) if usual else GAP_S
    runs: list[list[ReportHostPoint]] = []
    for point in points:
        if runs and point.t - runs[-1][-1].t <= limit:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _grid(drawing: Drawing, y: Scale, text: Callable[[float], str]) -> None:
    for tick in ticks(y.low, y.high):
        drawing.line((LEFT, y(tick)), (WIDTH - RIGHT, y(tick)), "grid")
        drawing.text((LEFT - 8, y(tick) + 4), text(tick), "tick", "end")


def _gain_axis(drawing: Drawing, marks: Sequence[float], floor: float | None, height: int) -> Scale:
    low, high = min(marks), max(marks)
    pad = (high - low) * 0.08 or 0.01
    x = Scale(low - pad, high + pad, LEFT + 8, WIDTH - RIGHT - 8)
    bottom = height - 24
    for tick in ticks(x.low, x.high, 7):
        drawing.line((x(tick), 4), (x(tick), bottom), "grid")
        drawing.text((x(tick), height - 7), percent(tick), "tick", "middle")
    drawing.line((x(0), 4), (x(0), bottom), "zero")
    if floor:
        drawing.line((x(floor), 4), (x(floor), bottom), "floor")
    return x


def _interval(drawing: Drawing, x: Scale, row: float, interval: Interval, delta: float | None) -> None:
    low, high = interval
    drawing.line((x(low), row), (x(high), row), "interval")
    for end in (low, high):
        drawing.line((x(end), row - 6), (x(end), row + 6), "interval")
    if delta is not None:
        drawing.dot((x(delta), row), "dot total", 6, percent(delta))
