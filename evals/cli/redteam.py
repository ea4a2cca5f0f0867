"""``python -m evals redteam``: how many generated frauds are caught, and how many honest changes accused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bankable.evals.redteam.campaign import MutationResult, run_campaign
from bankable.evals.score.rate import Clustered
from bankable.tools.errors import UserError

GROUPS = ("told", "held_out", "honest")


def redteam(
    *,
    run: Annotated[
        list[Path] | None, typer.Option(help="Run folder or recorded archive; may be given again. All recorded ones.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Mutations in all that move or hide something.")] = 60,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    seconds: Annotated[float, typer.Option(min=1.0, help="Time budget.")] = 600.0,
    group: Annotated[list[str] | None, typer.Option(help="told, held_out or honest; may be given again.")] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Name what passes and what is accused, held-out kinds too.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="JSON-lines file of all attempts, held-out kinds by name.")] = None,
) -> None:
    """Mutate recorded runs and judge them: recall by group with its interval, and false alarms."""
    groups = tuple(group or GROUPS)
    if unknown := [name for name in groups if name not in GROUPS]:
        raise UserError(f"Cannot attack: no group {unknown[0]!r}", "--group", f"use one of {', '.join(GROUPS)}")
    attempts = []
    for result in run_campaign(seed, count, seconds, groups, run or ()):
        attempts.append(result)
        if out is not None:
            with out.open("ab") as stream:
                stream.write(_line(result, seed))
    typer.echo(render_campaign(attempts, show=show))


def _line(result: MutationResult, seed: int) -> bytes:
    return (
        orjson.dumps(
            {
                "seed": seed,
                "attempt": result.attempt,
                "group": result.mutation.group,
                "kind": result.mutation.name,
                "subject": result.subject,
                "outcome": result.outcome,
                "added": result.added,
            }
        )
        + b"\n"
    )


def render_campaign(attempts: Sequence[MutationResult], *, show: bool) -> str:
    """Rates by group, then by kind; kinds that are held out are listed one by one only on request.

    Mutations of one kind resemble each other, so that the interval of a rate takes them as a cluster.
    """
    kinds: dict[str, dict[str, list[MutationResult]]] = {group: defaultdict(list) for group in GROUPS}
    for attempt in attempts:
        if attempt.counts:
            kinds[attempt.mutation.group][attempt.mutation.name].append(attempt)
    lines: list[str] = []
    for group in GROUPS:
        rate = Clustered.count([[_found(attempt) for attempt in made] for made in kinds[group].values()])
        lines.append(f"{group:<10} {_rate(rate)}{'  accused' if group == 'honest' else '  caught'}")
    idle = sum(not attempt.counts for attempt in attempts)
    lines.append(f"{idle} attempts more moved or hid nothing, or the run lacks the records")
    for group, by_kind in kinds.items():
        for name, made in sorted(by_kind.items()) if group != "held_out" or show else ():
            lines.append(f"  {f'{group} {name}':<56} {sum(map(_found, made))} of {len(made)}")
            for attempt in made if show or group == "honest" else ():
                if _found(attempt) == (group == "honest"):
                    said = ", ".join(attempt.added) or "nothing found"
                    lines.append(f"      {attempt.subject} attempt {attempt.attempt}: {said}")
    return "\n".join(lines)


def _found(attempt: MutationResult) -> bool:
    return attempt.outcome == "found"


def _rate(rate: Clustered) -> str:
    if rate.share is None or rate.interval is None:
        return "none"
    low, high = rate.interval
    return f"{rate.hits} of {rate.of} = {rate.share:.1%} (95 % interval {low:.1%} to {high:.1%}, {rate.fixtures} kinds)"
