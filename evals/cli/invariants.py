"""``python -m evals invariants``: how far the recorded honest launches come to each relation between records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bankable.evals.invariants import measure_runs, write_honest
from bankable.nodes.auditor.rules.invariants import INVARIANTS
from bankable.tools.errors import UserError


def invariants(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders or recorded archives; all recorded runs by default.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Replace the committed table.")] = False,
) -> None:
    """Largest deviation of each invariant over honest runs; exit code 1 when one exceeds its tolerance."""
    if runs and write:
        raise UserError("Cannot write a table of other runs", "--write", "leave out --write, or the runs")
    maxima = measure_runs(runs or ())
    beyond = 0
    for entry in INVARIANTS:
        if entry.id not in maxima:
            typer.echo(f"{entry.id:<28} no launch has both records")
            continue
        largest, pairs = maxima[entry.id]
        mark = "" if largest <= entry.tolerance else "  BEYOND"
        beyond += bool(mark)
        typer.echo(f"{entry.id:<28} {largest:>12.4g} of {entry.tolerance:<8g} {pairs:>6} pairs{mark}")
    if write:
        write_honest(maxima)
    raise typer.Exit(1 if beyond else 0)
