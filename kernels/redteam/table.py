"""Results of the red-team bench: one line for each failure mode, then missed and wrongly accused candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.table import Table

from bankable.kernels.redteam.trial import RedTeamResult

MODES = tuple(f"H{number:02}" for number in range(1, 20))


def build_modes_table(results: Sequence[RedTeamResult]) -> Table:
    """Candidates by the modes that they try; one that tries two is counted in both."""
    shown = Table("mode", "tried", "caught", "missed", "caught by", box=None)
    names = sorted({*MODES, *(mode for result in results for mode in result.modes)})
    for mode in names:
        of_mode = [result for result in results if mode in result.modes]
        outcomes = Counter(result.outcome for result in of_mode)
        layers = Counter(next(iter(result.layers)) for result in of_mode if result.outcome == "caught")
        shown.add_row(
            mode,
            str(len(of_mode)),
            str(outcomes["caught"]),
            str(outcomes["missed"]),
            ", ".join(f"{layer} {count}" for layer, count in layers.most_common()) or "–",
        )
    return shown


def summary_lines(results: Sequence[RedTeamResult]) -> Iterator[str]:
    """Totals, and the id of every candidate that the harness misjudged."""
    hostile, honest = [result for result in results if result.modes], [result for result in results if not result.modes]
    outcomes = Counter(result.outcome for result in results)
    yield (
        f"{len(results)} candidates: {len(hostile)} hostile, {outcomes['caught']} caught, {outcomes['missed']} missed;"
        f" {len(honest)} honest, {outcomes['accused']} accused; {outcomes['harness_error']} not judged"
    )
    alone = Counter(next(iter(result.layers)) for result in hostile if len(result.layers) == 1)
    yield "caught by one layer alone: " + ", ".join(f"{name} {count}" for name, count in alone.most_common())
    untried = [mode for mode in MODES if not any(mode in result.modes for result in results)]
    if untried:
        yield f"not tried in this run: {', '.join(untried)}"
    for result in results:
        if result.outcome in ("missed", "accused", "harness_error"):
            reasons = "; ".join(f"{layer}: {what}" for layer, what in result.layers.items())
            yield (
                f"{result.outcome}: {result.id}"
                + (f", {result.gain:.2f}×" if result.gain else "")
                + (f", {reasons}" if reasons else "")
            )
