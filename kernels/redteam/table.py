"""What the hostile bench found: one line for each failure mode, then who got away, and who was accused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.table import Table

from bankable.kernels.redteam.trial import RedTeamResult

MODES = tuple(f"H{number:02}" for number in range(1, 20))


def table(found: Sequence[RedTeamResult]) -> Table:
    """Candidates by the modes that they try; one that tries two is counted in both."""
    shown = Table("mode", "tried", "caught", "missed", "caught by", box=None)
    names = sorted({*MODES, *(mode for it in found for mode in it.modes)})
    for mode in names:
        mine = [it for it in found if mode in it.modes]
        outcomes = Counter(it.outcome for it in mine)
        layers = Counter(next(iter(it.layers)) for it in mine if it.outcome == "caught")
        shown.add_row(
            mode,
            str(len(mine)),
            str(outcomes["caught"]),
            str(outcomes["missed"]),
            ", ".join(f"{layer} {count}" for layer, count in layers.most_common()) or "–",
        )
    return shown


def summary_lines(found: Sequence[RedTeamResult]) -> Iterator[str]:
    """The sums, and everyone that the harness was wrong about by name."""
    hostile, honest = [it for it in found if it.modes], [it for it in found if not it.modes]
    outcomes = Counter(it.outcome for it in found)
    yield (
        f"{len(found)} candidates: {len(hostile)} hostile, {outcomes['caught']} caught, {outcomes['missed']} missed;"
        f" {len(honest)} honest, {outcomes['accused']} accused; {outcomes['harness_error']} not judged"
    )
    alone = Counter(next(iter(it.layers)) for it in hostile if len(it.layers) == 1)
    yield "caught by one layer alone: " + ", ".join(f"{name} {count}" for name, count in alone.most_common())
    untried = [mode for mode in MODES if not any(mode in it.modes for it in found)]
    if untried:
        yield f"not tried in this run: {', '.join(untried)}"
    for it in found:
        if it.outcome in ("missed", "accused", "harness_error"):
            said = "; ".join(f"{layer}: {what}" for layer, what in it.layers.items())
            yield f"{it.outcome}: {it.id}" + (f", {it.gain:.2f}×" if it.gain else "") + (f", {said}" if said else "")
