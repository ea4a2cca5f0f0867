"""Axes and numbers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.report.model import ReportHostPoint
from bankable.tools.report.plots import host_plot, interval_plot
from bankable.tools.report.svg import MAX_TICKS, Scale, ticks
from bankable.tools.report.words import bounds, percent, quantity

_floats = st.floats(-1e12, 1e12, allow_nan=False)


@settings(deadline=None)
@given(_floats, _floats)
def test_ticks_lie_inside_and_are_few(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    found = ticks(low, high)
    assert len(found) <= MAX_TICKS
    slack = (high - low) * 1e-6 + 1e-9
    assert all(low - slack <= tick <= high + slack for tick in found)
    assert found == sorted(found)


def test_ticks_are_round_numbers() -> None:
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
    assert ticks(247.0, 273.0) == [250.0, 260.0, 270.0]
    assert ticks(5.0, 5.0) == [5.0]
    assert ticks(float("nan"), 1.0) == []
    assert ticks(0.0, 5e-324) == [0.0]
    assert ticks(-1.7e308, 1.7e308) == [-1.7e308]


@settings(deadline=None)
@given(_floats, _floats, _floats)
def test_a_scale_never_leaves_its_frame_by_more_than_a_margin(low: float, high: float, value: float) -> None:
    assert -10 <= Scale(low, high, 0, 100)(value) <= 110


def test_numbers_for_people() -> None:
    assert (percent(0.1418), percent(-0.02), percent(0.0001), percent(None)) == ("+14.2 %", "−2.0 %", "0.0 %", "–")
    assert bounds((0.01, 0.2)) == "+1.0 % … +20.0 %"
    assert [quantity(v) for v in (12345.6, 234.56, 1.2345, 0.01234, None)] == ["12,346", "234.6", "1.23", "0.0123", "–"]


def test_no_line_is_drawn_over_a_pause() -> None:
    points = [ReportHostPoint(t=t, cpu_percent=50, load_1m=1, tenants=0) for t in (0, 1, 2, 40, 41, 42)]
    assert host_plot(points).count('class="trace cpu"') == 2
    assert host_plot(points[:3]).count('class="trace cpu"') == 1
    assert host_plot(points[:1]) == ""


def test_an_interval_shows_zero_and_floor() -> None:
    svg = interval_plot((0.118, 0.166), 0.142, 0.01)
    assert svg.count('class="zero"') == svg.count('class="floor"') == 1
    assert "floor" not in interval_plot((0.118, 0.166), 0.142, None)
