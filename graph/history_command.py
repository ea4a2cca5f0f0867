"""The command ``history``: lists and draws what the store knows, nights of baselines and what runs verified."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bankable.graph.exit_codes import Json
from bankable.tools.errors import UserError


def history(
    store: Annotated[Path, typer.Argument(help="Store that `gate` or `run --memory` wrote.")],
    add: Annotated[
        list[Path] | None, typer.Option(help="Put a finished run into the store first; may be repeated.")
    ] = None,
    series: Annotated[str | None, typer.Option(help="Only the nights of this series.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the nights into this HTML file; it opens offline.")] = None,
    json: Json = False,
) -> None:
    """Nights of each baseline, and what runs verified where. None of it is evidence."""
    from bankable.graph.history import draw_history, list_nights, list_verified
    from bankable.graph.memory import read_memory, remember
    from bankable.tools.store.database import read_store
    from bankable.tools.store.nights import read_measurements

    for run in add or ():
        print(f"{run}: {remember(store, run)} levers are new to the store", file=sys.stderr)
    with read_store(store) as connection:
        measurements, levers = read_measurements(connection, series), read_memory(connection)
    nights = list_nights(measurements)
    if plot is not None:
        try:
            plot.write_text(draw_history(nights), encoding="utf-8")
        except OSError as problem:
            raise UserError(
                f"Cannot write the plot: {problem.strerror}", str(plot), "name a file that can be written"
            ) from problem
    if json:
        fields = {"nights": nights, "verified": [lever.model_dump(mode="json") for lever in levers]}
        sys.stdout.buffer.write(orjson.dumps(fields) + b"\n")
        return
    for night in nights:
        day = datetime.fromtimestamp(night.measured_at, UTC).strftime("%Y-%m-%d %H:%M")
        load = f" [{night.load}]" if night.load else ""
        levels = ", ".join(f"{name} {value:.2f}" for name, value in night.levels.items())
        print(f"{night.series}{load}  {day}  {night.launches} launches  {levels}  {night.outcome}")
    for line in list_verified(levers):
        print(line)
    if not nights and not levers:
        print("the store is empty")
