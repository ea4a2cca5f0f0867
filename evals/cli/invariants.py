"""``python -m evals invariants``: how far the recorded honest launches come to each relation between records."""

from __future__ import annotations

from typing import Annotated

import typer

from bankable.evals.invariants import measure_recorded, write_honest
from bankable.nodes.auditor.rules.invariants import INVARIANTS


def invariants(
    write: Annotated[bool, typer.Option("--write", help="Replace the committed table.")] = False,
) -> None:
    """Largest deviation of each invariant over all recorded runs; exit code 1 when one exceeds its tolerance."""
    maxima = measure_recorded()
    beyond = 0
    for entry in INVARIANTS:
        if entry.id not in maxima:
            typer.echo(f"{entry.id:<28} no recorded launch has both records")
            continue
        largest, pairs = maxima[entry.id]
        mark = "" if largest <= entry.tolerance else "  BEYOND"
        beyond += bool(mark)
        typer.echo(f"{entry.id:<28} {largest:>12.4g} of {entry.tolerance:<8g} {pairs:>6} pairs{mark}")
    if write:
        write_honest(maxima)
    raise typer.Exit(1 if beyond else 0)
