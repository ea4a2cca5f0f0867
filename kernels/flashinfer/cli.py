"""``python -m kernels flashinfer``: flashinfer-bench's data sets from operator benchmarks, and an audit of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bankable.kernels.flashinfer.read import audit_traces, read_data_set
from bankable.kernels.flashinfer.write import write_data_set
from bankable.tools.errors import UserError

console = Console(soft_wrap=True, highlight=False)
REFUSED = 21
"""Exit code where a trace is refused, as of ``audit`` where a claim is disproved."""


def flashinfer(
    folder: Annotated[Path, typer.Argument(help="a data set to audit; with --out: a folder with operator benchmarks")],
    out: Annotated[Path | None, typer.Option(help="new folder for a data set of these benchmarks")] = None,
) -> None:
    """Audit a data set of flashinfer-bench, or write one from operator benchmarks."""
    if out is not None:
        if out.exists():
            raise UserError("Cannot write a data set: the folder exists", str(out), "give a new --out")
        paths = write_data_set(folder, out)
        console.print(f"{len(paths)} files in {out}")
        folder = out
    data = read_data_set(folder)
    audits = audit_traces(data)
    table = Table("definition", "solution", "workload", "speed-up", "verdict", "why")
    for audit in audits:
        speedup = "" if audit.speedup is None else f"{audit.speedup:.2f}"
        table.add_row(audit.definition, audit.solution, audit.workload[:8], speedup, audit.verdict, audit.why)
    console.print(table)
    counts = (len(data.definitions), len(data.solutions), len(data.workloads), len(data.traces))
    console.print("{} definitions, {} solutions, {} workloads, {} traces".format(*counts))
    if any(audit.verdict == "refused" for audit in audits):
        raise typer.Exit(REFUSED)
