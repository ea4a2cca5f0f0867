"""Renders a summary as one HTML file: no script, no external request, every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from bankable.evals.score.models import Models
from bankable.evals.score.split import side
from bankable.evals.score.summary import WORDS, Summary
from bankable.tools.report.words import share


def page(summaries: Sequence[Summary], title: str, across: Models | None = None) -> str:
    """The page: a chapter for each auditor, and what several have in common. Same summaries, same bytes."""
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(share=share)
    template = environment.from_string((files("bankable.evals.score") / "page.html.j2").read_text("utf-8"))
    wrong = sum(len(summary.wrong) for summary in summaries)
    return template.render(
        found=summaries,
        across=across,
        title=title,
        style=Markup((files("bankable.tools.report") / "style.css").read_text("utf-8")),
        words={summary.auditor: _words(summary) for summary in summaries},
        tone="bad" if wrong else "good",
        verdict=f"{wrong} wrong" if wrong else "as keyed",
        sides={fixture.fixture: side(fixture.key) for summary in summaries for fixture in summary.each},
    )


def _words(summary: Summary) -> list[str]:
    return [*WORDS, *(["differs"] if any(word == "differs" for _, word in summary.confusion) else [])]
