"""``python -m evals redteam``: how many generated frauds are caught, and how many honest changes accused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

import typer

from bankable.evals.redteam.campaign import MutationResult, run_campaign
from bankable.evals.score.rate import Rate

GROUPS = ("told", "held_out", "honest")


def redteam(
    *,
    count: Annotated[int, typer.Option(min=1, help="Mutations in all.")] = 60,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    seconds: Annotated[float, typer.Option(min=1.0, help="Time budget.")] = 600.0,
    group: Annotated[list[str] | None, typer.Option(help="told, held_out or honest; may be given again.")] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Name what passes and what is accused, held-out kinds too.")
    ] = False,
) -> None:
    """Mutate recorded runs and judge them: recall by kind with its interval, and false alarms."""
    attempts = list(run_campaign(seed, count, seconds, group or GROUPS))
    typer.echo(render_campaign(attempts, show=show))


def render_campaign(attempts: Sequence[MutationResult], *, show: bool) -> str:
    """Rates by group, then by kind; kinds that were held out are listed one by one only on request."""
    lines = [
        f"{name:<10} {Rate.count(bool(attempt.added) for attempt in attempts if attempt.mutation.group == name)}"
        + ("  accused" if name == "honest" else "  caught")
        for name in GROUPS
    ]
    kinds: dict[str, list[MutationResult]] = defaultdict(list)
    for attempt in attempts:
        if attempt.mutation.group != "held_out" or show:
            kinds[f"{attempt.mutation.group} {attempt.mutation.name}"].append(attempt)
    for name, made in sorted(kinds.items()):
        lines.append(f"  {name:<32} {sum(bool(attempt.added) for attempt in made)} of {len(made)}")
        for attempt in made if show else ():
            if bool(attempt.added) == (attempt.mutation.group == "honest"):
                place = f"{attempt.subject.run}/{attempt.subject.comparison}"
                lines.append(f"      {place} attempt {attempt.seed}: {', '.join(attempt.added) or 'nothing found'}")
    return "\n".join(lines)
