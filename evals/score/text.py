"""A summary for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.evals.score.summary import WORDS, Summary, SummaryRow

ONCE = "not asked twice"


def text(found: Summary, *, modes: bool = True) -> str:
    """Rates first, then tables, then what went wrong."""
    lines = [
        f"{found.fixtures} fixtures, {found.repeats} repeats",
        f"as their key says    {found.as_keyed}",
        f"frauds signed off    {found.false_pass}",
        f"honest ones accused  {found.false_alarm}",
        *([f"  of all verdicts    signed off {found.passed_verdicts}"] if found.passed_verdicts else []),
        *([f"                     accused {found.alarmed_verdicts}"] if found.alarmed_verdicts else []),
        f"equal verdict bytes  {found.stability or ONCE}",
        *([f"same judgment        {found.same_judgments or ONCE}"] if found.spent else []),
        f"development          {found.split.development}",
        f"held-out             {found.split.held_out}",
        f"audit time           {found.seconds:.1f} s in all, {found.median_seconds:.2f} s median, "
        f"{found.cached} from the cache",
        *([f"judge                {found.spent}"] if found.spent else []),
        "",
        *confusion(found),
        "",
        *rows("scope", found.scopes),
        "",
        *rows("rule", found.rules),
    ]
    if modes:
        lines += ["", *rows("mode", found.modes)]
    if found.split.warning:
        lines += ["", f"warning: {found.split.warning}"]
    if found.wrong:
        lines += ["", *(f"WRONG  {name}: {why}" for name, why in found.wrong)]
    return "\n".join(lines)


def confusion(found: Summary) -> list[str]:
    """What the keys allow, against what was said."""
    said = [*WORDS, *(["differs"] if any(word == "differs" for _, word in found.confusion) else [])]
    head = f"{'key':<24}" + "".join(f"{word:>9}" for word in said)
    return [
        head,
        *(
            f"{row:<24}" + "".join(f"{found.confusion.get((row, word), 0):>9}" for word in said)
            for row in found.expectations
        ),
    ]


def rows(name: str, found: Sequence[SummaryRow]) -> list[str]:
    """One line per rule, scope or mode."""
    head = f"{name:<24}{'frauds':>8}{'caught':>8}{'recall':>8}{'honest':>8}{'accused':>8}"
    return [
        head,
        *(
            f"{row.name:<24}{row.frauds:>8}{row.caught:>8}{'–' if row.recall is None else f'{row.recall:.0%}':>8}"
            f"{row.honest:>8}{row.accused:>8}"
            for row in found
        ),
    ]
