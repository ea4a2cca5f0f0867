"""Renders a report as one HTML file: no script, no request to anywhere, every text escaped."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from bankable.tools.report import words
from bankable.tools.report.frontier_plot import COLOURS, frontier_plot
from bankable.tools.report.model import ReportComparison, ReportModel
from bankable.tools.report.plots import gains_plot, host_plot, interval_plot, rounds_plot

TOP_OPERATORS = 20
TONES = {
    "PASS": "good",
    "FLAG": "warn",
    "FAIL": "bad",
    "banked": "good",
    "published": "good",
    "flagged": "warn",
    "returned": "warn",
    "not proven": "plain",
    "ejected": "bad",
    "failed": "bad",
    "stopped": "bad",
    "INFO": "plain",
    "degraded": "warn",
    "unverifiable": "warn",
}
LEADING = ("bundle", "patch", "control")
"""Kinds of comparison in the order in which the page shows them: what decides first."""
CLOSED = frozenset({"not applicable"})
"""Kinds of notes that leave nothing open: the page folds them away."""


def render(report: ReportModel) -> str:
    """The page. Same report, same bytes."""
    here = files("bankable.tools.report")
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        percent=words.percent,
        share=words.share,
        bounds=words.bounds,
        quantity=words.quantity,
        ms=words.milliseconds,
        tone=lambda word: TONES.get(word, "plain"),
    )
    template = environment.from_string((here / "page.html.j2").read_text("utf-8"))
    return template.render(
        r=report,
        style=Markup((here / "style.css").read_text("utf-8")),
        tone=_tone(report),
        hero_plot=Markup(interval_plot(report.interval, report.delta, report.floor)) if report.interval else "",
        comparisons=sorted(report.comparisons, key=_rank),
        plots={comparison.name: _plots(comparison) for comparison in report.comparisons},
        open_notes=[note for note in report.not_judged if note.kind not in CLOSED],
        closed_notes=[note for note in report.not_judged if note.kind in CLOSED],
        top=TOP_OPERATORS,
        frontier_plot=Markup(frontier_plot(report.frontier)) if report.frontier is not None else "",
        colours=COLOURS,
    )


def _rank(comparison: ReportComparison) -> int:
    return LEADING.index(comparison.kind) if comparison.kind in LEADING else len(LEADING)


def _plots(comparison: ReportComparison) -> dict[str, Markup]:
    """The drawings escape what they print, so they are markup already."""
    return {
        "rounds": Markup(rounds_plot(comparison)),
        "gains": Markup(gains_plot(comparison)),
        "host": Markup(host_plot(comparison.host)),
    }


def _tone(report: ReportModel) -> str:
    if report.proven:
        return "warn" if "corrected" in report.verdict else "good"
    return "plain" if report.finished else "warn"
