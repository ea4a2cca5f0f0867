"""Formats numbers for people."""

from __future__ import annotations

from bankable.tools.report.frontier_model import Interval


def percent(value: float | None, digits: int = 1) -> str:
    """Signed percentage of a fraction: ``+4.2 %``."""
    if value is None:
        return "–"
    text = f"{100 * value:+.{digits}f}"
    return (text[1:] if float(text) == 0 else text.replace("-", "−")) + " %"


def share(value: float | None) -> str:
    """Unsigned percentage of a share: ``42.0 %``."""
    return "–" if value is None else f"{100 * value:.1f} %"


def bounds(interval: Interval | None) -> str:
    """``+1.9 % … +6.4 %``."""
    return "–" if interval is None else f"{percent(interval[0])} … {percent(interval[1])}"


def quantity(value: float | None) -> str:
    """Four significant digits, thousands apart: ``1,234`` and ``12.35``."""
    if value is None:
        return "–"
    for limit, digits in ((1000.0, 0), (100.0, 1), (1.0, 2)):
        if abs(value) >= limit:
            return f"{value:,.{digits}f}"
    return f"{value:.3g}"


def milliseconds(us: float) -> str:
    """Microseconds as milliseconds."""
    return f"{quantity(us / 1000)} ms"
