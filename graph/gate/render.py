"""Renders a result of the gate: for a terminal, and as a Markdown comment for a pull request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bankable.graph.gate.judgment import FigureJudgment, GateResult, LoadJudgment
from bankable.nodes.auditor.measured import UNITS
from bankable.nodes.auditor.render import escape_cell, escape_code

MARK = "<!-- bankable gate -->"
"""Begins every comment, so that a job finds its own and replaces it."""
SHOWN = 8
"""Changed settings and findings that are listed."""
BARS = "▁▂▃▄▅▆▇█"
TITLES = {
    "begun": "baseline begun",
    "better": "better",
    "no_worse": "no worse",
    "refused": "refused",
    "worse": "worse",
    "inconclusive": "inconclusive",
    "not_comparable": "not comparable",
    "drifted": "the baseline has drifted",
}


def render_gate_text(result: GateResult) -> str:
    """Plain text: the outcome, then each load with its figures."""
    lines = [f"{TITLES[result.outcome].upper()}  {describe_outcome(result)}"]
    for load in result.loads:
        if load.load:
            lines.append(f"== {load.load}: {TITLES[load.outcome]}")
        lines += [f"  {text}" for text in _describe_load(load)]
    return "\n".join(lines) + "\n"


def render_gate_markdown(result: GateResult) -> str:
    """GitHub-flavoured Markdown that begins with ``MARK``."""
    parts = [MARK, f"### Performance gate: {TITLES[result.outcome]}", escape_cell(describe_outcome(result))]
    for load in result.loads:
        if load.load:
            parts.append(f"**{escape_cell(load.load)}**: {TITLES[load.outcome]}")
        if load.reason:
            parts.append(escape_cell(load.reason) + ".")
        if load.figures:
            rows = [f"| {' | '.join(map(escape_cell, _cells(figure)))} |" for figure in load.figures]
            head = "| figure | baseline | candidate | change | allowed | nights | outcome |"
            parts.append("\n".join([head, "| --- | ---: | ---: | --- | --- | --- | --- |", *rows]))
        notes = [*_describe_figures(load), *_describe_notes(load)]
        if notes:
            parts.append("\n".join(f"- {escape_cell(note)}" for note in notes))
    parts.append(f"Series {escape_code(result.series)}; {describe_entry(result)}.")
    return "\n\n".join(parts) + "\n"


def describe_outcome(result: GateResult) -> str:
    """One sentence: how many nights, and whether the candidate entered."""
    nights = f"against {_count(result.nights, 'night')}" if result.nights else "against nothing"
    return f"{nights} of series {result.series}; {describe_entry(result)}"


def describe_entry(result: GateResult) -> str:
    """Whether the candidate is in the baseline now."""
    return "the candidate entered the baseline" if result.entered else "the candidate did not enter the baseline"


def _describe_load(load: LoadJudgment) -> Iterator[str]:
    if load.reason:
        yield load.reason
    for figure in load.figures:
        name, before, after, change, allowed, nights, outcome = _cells(figure)
        yield f"{name}: {before} → {after}, {change}, allowed {allowed}, {nights}: {outcome}"
    yield from _describe_figures(load)
    yield from _describe_notes(load)


def _cells(figure: FigureJudgment) -> tuple[str, ...]:
    unit = UNITS.get(figure.figure, "ms")
    before, after = ("–" if value is None else f"{value:.2f} {unit}" for value in (figure.baseline, figure.candidate))
    allowed = f"{'−' if figure.larger_is_better else '+'}{figure.margin:.1%}"
    if figure.decision is None:
        return figure.figure, before, after, "–", allowed, "–", "not measured"
    decision = figure.decision
    nights = " and ".join(
        f"{_count(night, 'night')} of {_count(launches, 'launch')}"
        for night, launches in zip(decision.nights, decision.launches, strict=True)
    )
    return (
        figure.figure,
        before,
        after,
        _describe_change(figure, decision.harm, decision.lower, decision.upper),
        allowed,
        nights,
        decision.outcome.replace("_", " "),
    )


def _describe_change(figure: FigureJudgment, harm: float, lower: float, upper: float) -> str:
    """A harm as the change of the figure, with its bounds."""
    change, low, high = (-harm, -upper, -lower) if figure.larger_is_better else (harm, lower, upper)
    bounded = low > -1.0 and math.isfinite(high)
    return f"{change:+.1%}" + (f" [{low:+.1%}, {high:+.1%}]" if bounded else ", no interval")


def _describe_figures(load: LoadJudgment) -> Iterator[str]:
    """What would decide, how nights scatter, and where the baseline has moved."""
    for figure in load.figures:
        decision = figure.decision
        if decision is None:
            continue
        spread = decision.spread
        if decision.nights[0] > 1:
            history = f", {_draw(figure.history)}" if len(figure.history) > 2 else ""
            yield (
                f"{figure.figure}: sd between nights {spread.night_sd:.1%}, between launches of a night "
                f"{math.sqrt(spread.launches):.1%}, drift {math.sqrt(spread.drift):.1%}{history}"
            )
        else:
            yield f"{figure.figure}: a baseline of one night does not show how nights differ"
        if decision.outcome == "inconclusive":
            yield f"{figure.figure}: {_describe_more(figure)}"
        if figure.drift is not None and figure.drift.outcome in ("worse", "better"):
            drift = figure.drift
            yield (
                f"{figure.figure}: drift of the baseline, last {drift.ends} nights against its first {drift.ends}: "
                f"{_describe_change(figure, drift.harm, drift.lower, drift.upper)}, {drift.outcome}"
            )


def _describe_more(figure: FigureJudgment) -> str:
    decision = figure.decision
    if decision is None or decision.more is None:
        return "the change lies at the margin: no feasible number of launches would decide"
    more = decision.more
    on = "of the candidate" if more.of == "candidate" else "of the baseline first"
    assumed = ", if nights differ by the 2 % that is assumed" if decision.nights[0] == 1 else ""
    launches = "1 more launch" if more.launches == 1 else f"{more.launches} more launches"
    return (
        f"{launches} {on} would decide: {_count(more.nights, 'night')} with {more.a_night} each{assumed}; "
        "more launches on one night do not average the night out"
    )


def _describe_notes(load: LoadJudgment) -> Iterator[str]:
    if load.unstated:
        yield f"not compared, because the files do not say: {', '.join(load.unstated)} (state it with --label)"
    if load.changed:
        yield f"changed since the last night: {_first(load.changed)}"
    if load.findings:
        yield f"audit of the candidate's files, {load.verdict}: {_first(load.findings)}"


def _first(texts: Sequence[str]) -> str:
    more = len(texts) - SHOWN
    return "; ".join(texts[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _count(number: int, what: str) -> str:
    ending = "" if number == 1 else "es" if what.endswith("ch") else "s"
    return f"{number} {what}{ending}"


def _draw(values: Sequence[float]) -> str:
    """Nights as bars, the lowest and the highest at the ends of the scale."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] for value in values)
