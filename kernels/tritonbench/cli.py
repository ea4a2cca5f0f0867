"""``python -m kernels tritonbench``: an audit of tritonbench's CSV or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bankable.kernels.tritonbench.audit import audit_points, by_label
from bankable.kernels.tritonbench.results import read_results

console = Console(soft_wrap=True, highlight=False)
REFUSED = 21
"""Exit code where a speed-up is refused, as of ``audit`` where a claim is disproved."""


def tritonbench(results: Annotated[Path, typer.Argument(help="tritonbench's CSV or JSON")]) -> None:
    """Audit tritonbench's results: speed-ups of what is wrong are refused, averages are of what stands."""
    points = read_results(results)
    audits = audit_points(points)
    table = Table("input", "implementation", "speed-up", "verdict", "why")
    for audit in audits:
        table.add_row(audit.x, audit.label, f"{audit.speedup:.2f}", audit.verdict, audit.why)
    console.print(table)
    for summary in by_label(points, audits):
        claimed = "no average" if summary.claimed is None else f"average {summary.claimed:.2f} claimed"
        stands = "nothing stands" if summary.stands is None else f"geometric mean of what stands {summary.stands:.2f}"
        console.print(f"{summary.label}: {claimed}, {stands}, {summary.standing} of {summary.inputs} inputs")
    if not audits:
        console.print("no speed-up is claimed")
    if any(audit.verdict == "refused" for audit in audits):
        raise typer.Exit(REFUSED)
