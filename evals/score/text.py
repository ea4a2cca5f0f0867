"""Renders a summary for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.evals.score.summary import WORDS, Summary, SummaryRow

ONCE = "not asked twice"


def text(summary: Summary, *, modes: bool = True) -> str:
    """Rates first, then tables, then the wrong results."""
    lines = [
        f"{summary.fixtures} fixtures, {summary.repeats} repeats",
        f"as their key says    {summary.as_keyed}",
        f"frauds signed off    {summary.false_pass}",
        f"honest ones accused  {summary.false_alarm}",
        *([f"  of all verdicts    signed off {summary.passed_verdicts}"] if summary.passed_verdicts else []),
        *([f"                     accused {summary.alarmed_verdicts}"] if summary.alarmed_verdicts else []),
        f"equal verdict bytes  {summary.stability or ONCE}",
        *([f"same judgment        {summary.same_judgments or ONCE}"] if summary.spent else []),
        f"development          {summary.split.development}",
        f"held-out             {summary.split.held_out}",
        f"audit time           {summary.seconds:.1f} s in all, {summary.median_seconds:.2f} s median, "
        f"{summary.cached} from the cache",
        *([f"judge                {summary.spent}"] if summary.spent else []),
        "",
        *confusion(summary),
        "",
        *rows("scope", summary.scopes),
        "",
        *rows("rule", summary.rules),
    ]
    if modes:
        lines += ["", *rows("mode", summary.modes)]
    if summary.split.warning:
        lines += ["", f"warning: {summary.split.warning}"]
    if summary.wrong:
        lines += ["", *(f"WRONG  {name}: {why}" for name, why in summary.wrong)]
    return "\n".join(lines)


def confusion(summary: Summary) -> list[str]:
    """Allowed verdicts against actual ones."""
    words = [*WORDS, *(["differs"] if any(word == "differs" for _, word in summary.confusion) else [])]
    head = f"{'key':<24}" + "".join(f"{word:>9}" for word in words)
    return [
        head,
        *(
            f"{row:<24}" + "".join(f"{summary.confusion.get((row, word), 0):>9}" for word in words)
            for row in summary.expectations
        ),
    ]


def rows(name: str, entries: Sequence[SummaryRow]) -> list[str]:
    """One line per rule, scope or mode."""
    head = f"{name:<24}{'frauds':>8}{'caught':>8}{'recall':>8}{'honest':>8}{'accused':>8}"
    return [
        head,
        *(
            f"{row.name:<24}{row.frauds:>8}{row.caught:>8}{'–' if row.recall is None else f'{row.recall:.0%}':>8}"
            f"{row.honest:>8}{row.accused:>8}"
            for row in entries
        ),
    ]
