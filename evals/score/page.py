"""A summary as one HTML file: no script, no request to anywhere, every text escaped."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from evals.score.summary import WORDS, Summary
from tools.report.words import share


def page(found: Summary, title: str) -> str:
    """The page. Same summary, same bytes."""
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(share=share)
    template = environment.from_string((files("evals.score") / "page.html.j2").read_text("utf-8"))
    differs = any(word == "differs" for _, word in found.confusion)
    return template.render(
        s=found,
        title=title,
        style=Markup((files("tools.report") / "style.css").read_text("utf-8")),
        words=[*WORDS, *(["differs"] if differs else [])],
        tone="good" if not found.wrong else "bad",
        verdict="as keyed" if not found.wrong else f"{len(found.wrong)} wrong",
    )
