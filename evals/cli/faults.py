"""Commands about faults: list them, inject one into a run, and sweep their strengths."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bankable.evals.faults.all import describe_faults, select_faults
from bankable.evals.faults.base import build, copy
from bankable.evals.faults.sweep import honest, honest_text
from bankable.evals.faults.sweep import sweep as sweep_faults
from bankable.evals.faults.sweep import text as curves_text
from bankable.tools.errors import UserError

BUILT = "built"


def faults() -> None:
    """List the faults, with their units and where they are harmless and must be caught."""
    typer.echo(describe_faults())


def inject(
    *,
    fault: Annotated[str, typer.Argument(help="Its name, as `faults` lists it.")],
    run: Annotated[str, typer.Argument(help="A run folder or its .tar.xz; `built` makes clean evidence.")],
    out: Annotated[Path, typer.Argument(help="New folder for the spoiled run.")],
    strength: Annotated[float, typer.Option(help="In the fault's unit.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the evidence and of the fault.")] = 0,
) -> None:
    """Copy a clean run and do one fault to it: `python -m evals inject C15-guest built OUT --strength 50`."""
    matching = select_faults([fault])
    if len(matching) != 1:
        raise UserError(
            f"Cannot choose a fault: {len(matching)} faults are called {fault}",
            ", ".join(fault.name for fault in matching),
            "name one of them",
        )
    (one,) = matching
    if run == BUILT and out.exists():
        raise UserError(
            "Cannot write the faulty run: the folder exists", str(out), "choose another: evidence is never overwritten"
        )
    target = build(one.base, one.scope, out, seed) if run == BUILT else copy(Path(run), out, one.scope)
    one.inject(target, strength, seed)
    typer.echo(f"{out}: {one.name} at {strength:g} ({one.unit}); judge {target.scope} {target.subject}")


def sweep(
    *,
    names: Annotated[list[str] | None, typer.Argument(help="Faults or modes; all without.")] = None,
    run: Annotated[
        Path | None, typer.Option(help="Spoil this run; only scope patch then, and nothing is held.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Of the evidence, for each strength.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Workers.")] = os.cpu_count() or 1,
) -> None:
    """Detection curves, and honest changes that must change no verdict. Exit code 1 when a promise is broken."""
    chosen = select_faults(names or ())
    if run is not None:
        chosen = [fault for fault in chosen if fault.base == "patch" and fault.scope == "patch"]
    curves = sweep_faults(chosen, seeds, jobs, run)
    typer.echo(curves_text(curves))
    seen = honest(seeds, jobs, run) if not names else ()
    if seen:
        typer.echo("\n" + honest_text(seen))
    broken = [] if run is not None else [line for curve in curves for line in curve.broken]
    for line in broken:
        typer.echo(f"BROKEN  {line}")
    raise typer.Exit(1 if broken or any(probe.accused for probe in seen) else 0)
