"""The command ``recipe``: the search space of one of InferenceX's configurations, as runs of this project."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from bankable.tools.errors import UserError


def recipe(
    file: Annotated[Path, typer.Argument(help="A configuration file of InferenceX, such as nvidia-master.yaml.")],
    name: Annotated[str | None, typer.Argument(help="Recipe in it; without one they are listed.")] = None,
    model: Annotated[str | None, typer.Option(help="Model to serve in place of the recipe's.")] = None,
    scale: Annotated[int, typer.Option(min=1, help="Divide the lengths by this, for small models; named so.")] = 1,
) -> None:
    """Print a `bankable run` for each entry of a recipe's search space, and say what cannot be run here."""
    from bankable.tools.exchange.recipe import read_recipes

    recipes = read_recipes(file)
    if name is None:
        for each in recipes.values():
            runnable = sum(not point.left_out for point in each.points)
            facts = ", ".join((each.model, each.precision, each.framework))
            print(f"{each.name}: {facts}, {runnable} of {len(each.points)} entries")
        return
    chosen = recipes.get(name)
    if chosen is None:
        raise UserError(f"Cannot find the recipe {name!r}", str(file), f"use one of {', '.join(list(recipes)[:8])}")
    for point in chosen.points:
        lengths = f"{point.input_len}/{point.output_len}"
        workload = point.workload
        if point.left_out or workload is None:
            print(f"# not run: {lengths}, {point.left_out or 'no named workload of these lengths'}")
            continue
        words = ["bankable", "run", "--model", model or chosen.model, "--workload", workload.scale(scale).name]
        words += ["--concurrency", ",".join(map(str, point.concurrencies))]
        for flag, value in point.flags.items():
            words += ["--flag", f"{flag}={str(value).lower()}"]
        print(shlex.join(words))
