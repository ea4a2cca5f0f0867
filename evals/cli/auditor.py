"""Commands about the auditor's results: compare two runs, disable its rules in turn, and the gate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bankable.evals.fixtures.keys import read_keys
from bankable.evals.gate import as_table, complaints, judge_all, read_expected, write_expected
from bankable.evals.mutants import mutants as disable_each
from bankable.evals.mutants import text as mutants_text
from bankable.evals.runner.results import read_results
from bankable.evals.runner.run import select_fixtures
from bankable.evals.score.compare import compare as compare_scores
from bankable.evals.score.compare import of_one
from bankable.evals.score.compare import text as comparison_text
from bankable.evals.score.scored import scores
from bankable.evals.score.summary import summarize
from bankable.evals.score.text import text as summary_text

CORES = os.cpu_count() or 1

Jobs = Annotated[int, typer.Option(min=1, help="Workers.")]
Only = Annotated[list[str] | None, typer.Option("--only", help="A fixture's id; may be given again. All without.")]


def compare(
    *,
    a: Annotated[Path, typer.Argument(help="Results of `run`: the file or its folder.")],
    b: Annotated[Path, typer.Argument(help="Those of the other auditor.")],
    model: Annotated[
        str | None, typer.Option(help="Of several judges in the results this one's, or X,Y: X of A against Y of B.")
    ] = None,
) -> None:
    """Is B better than A, worse, or not to be told apart with these fixtures?"""
    keys = read_keys()
    first, _, second = (model or "").partition(",")
    mine, others = of_one(read_results(a), first, a), of_one(read_results(b), second or first, b)
    typer.echo(comparison_text(compare_scores(scores(mine, keys), scores(others, keys))))


def mutants(*, only: Only = None, jobs: Jobs = CORES) -> None:
    """Disable each rule in turn: does a fixture notice? Exit code 1 when a rule survives."""
    tested = disable_each(select_fixtures(only or ()), read_keys(), jobs)
    typer.echo(mutants_text(tested))
    raise typer.Exit(0 if all(mutant.killed for mutant in tested) else 1)


def gate(
    *,
    write: Annotated[bool, typer.Option("--write", help="Replace the committed table by what is found now.")] = False,
    jobs: Jobs = CORES,
) -> None:
    """The gate of `make evals`: every fixture as its key says, and no rule finds less than it did."""
    summary = summarize(judge_all([fixture.id for fixture in select_fixtures(())], jobs), read_keys())
    typer.echo(summary_text(summary, modes=False))
    if write:
        write_expected(as_table(summary.rules))
    reasons = complaints(summary, read_expected())
    typer.echo(
        "\n" + "\n".join([*(f"GATE  {reason}" for reason in reasons), f"gate {'closed' if reasons else 'open'}"])
    )
    raise typer.Exit(1 if reasons else 0)
