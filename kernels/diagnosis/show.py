"""Formats a diagnosis for a terminal: every layer with its finding or the reason why there is none, then the bound."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bankable.kernels.diagnosis.diagnose import Examined
from bankable.kernels.diagnosis.layers.layer import LayerResult
from bankable.kernels.diagnosis.record import Diagnosis

SIGNS = {"measured": ("✓", "green"), "absent": ("–", "dim"), "skipped": ("–", "dim")}
FAILED = ("✗", "red")
BAR = 24
"""Cells of the bar that shows a share."""


def report(examined: Examined) -> RenderableType:
    """All of it."""
    subject, diagnosis = examined.subject, examined.diagnosis
    head = Text.assemble(
        (subject.implementation, "bold"),
        f"  {subject.task().task.family} at {subject.shape}, {subject.threads} thread"
        + ("s" if subject.threads > 1 else ""),
    )
    return Group(head, "", layers_table(examined), "", *_conclusion(diagnosis), *_twins(examined))


def layers_table(examined: Examined) -> Table:
    """A line a layer."""
    table = Table(box=None, show_header=True, header_style="dim", padding=(0, 1))
    table.add_column("")
    table.add_column("layer", no_wrap=True)
    table.add_column("finding, or why there is none", overflow="fold")
    for result in examined.results.values():
        sign, style = SIGNS.get(result.outcome, FAILED)
        label = f"{result.number or '·'} {result.title or result.layer}"
        table.add_row(
            Text(sign, style=style), Text(label), Text(_describe(result), style="" if result.found else "dim")
        )
    return table


def bar(share: float) -> str:
    """``██████░░░░``: a share between nothing and all."""
    full = round(max(0.0, min(1.0, share)) * BAR)
    return "█" * full + "░" * (BAR - full)


def _describe(result: LayerResult) -> str:
    return result.describe() + (" (stored)" if result.cached else "")


def _conclusion(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    if diagnosis.roofline_share is not None:
        yield Text(f"roofline  {bar(diagnosis.roofline_share)} {diagnosis.roofline_share:.1%} of the machine's roof")
    if diagnosis.overhead_share is not None:
        yield Text(f"overhead  {bar(diagnosis.overhead_share)} {diagnosis.overhead_share:.1%} of a warm call is launch")
    yield Text.assemble("bound by  ", (diagnosis.bound, "bold"))
    yield from (Padding(Text(f"· {line}"), (0, 0, 0, 10)) for line in diagnosis.evidence)
    if diagnosis.advice:
        yield Text("to try")
    for rank, advice in enumerate(diagnosis.advice, 1):
        values = f" → {', '.join(map(str, advice.values))}" if advice.values else ""
        yield Padding(Text.assemble(f"{rank}. ", (advice.lever + values, "bold"), f": {advice.why}"), (0, 0, 0, 10))


def _twins(examined: Examined) -> Iterator[RenderableType]:
    for twin in examined.on_gpu:
        yield Text.assemble("\n", twin.implementation, ": ", (twin.bound, "bold"), f", {'; '.join(twin.evidence)}")
