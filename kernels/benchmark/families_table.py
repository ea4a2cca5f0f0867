"""All families side by side as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from bankable.kernels.benchmark.families import FamilyResult


def build_families_table(results: Sequence[FamilyResult]) -> Table:
    """A line for each shape of each family."""
    shown = Table("family", "shape", "implementation", "µs", "× live", "× torch.compile", "of the roof", box=None)
    for result in results:
        low = f" ({result.interval[0]:.2f}–{result.interval[1]:.2f})" if result.interval else ""
        shown.add_row(
            result.family,
            result.shape,
            result.implementation,
            f"{result.us:.2f}" if result.us else "",
            result.why or f"{result.against_live:.2f}{low}",
            f"{result.against_compile:.2f}" if result.against_compile else "–",
            f"{result.of_the_roof:.1%}" if result.of_the_roof else "",
        )
    return shown
