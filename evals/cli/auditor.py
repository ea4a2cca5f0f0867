"""Commands about the auditor: run it over the fixtures, compare two runs, disable its rules, and the gate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from evals.fixtures.keys import read_keys
from evals.gate import as_table, complaints, judge_all, read_expected, write_expected
from evals.mutants import mutants as disable_each
from evals.mutants import text as mutants_text
from evals.runner.auditor import Auditor
from evals.runner.results import NAME, read_results
from evals.runner.run import chosen
from evals.runner.run import run as judge_fixtures
from evals.score.compare import compare as compare_scores
from evals.score.compare import text as comparison_text
from evals.score.page import page
from evals.score.scored import scores
from evals.score.summary import summarize
from evals.score.text import text as summary_text

CORES = os.cpu_count() or 1
CACHE = Path("runs/evals-cache")

Jobs = Annotated[int, typer.Option(min=1, help="Workers.")]
Only = Annotated[list[str] | None, typer.Option("--only", help="A fixture's id; may be given again. All without.")]


def run(
    *,
    out: Annotated[Path, typer.Option(help="Folder of results; what is done there is not done again.")],
    auditor: Annotated[Auditor, typer.Option(help="Who judges.")] = Auditor.RULES,
    repeats: Annotated[int, typer.Option(min=1, help="Verdicts on each fixture.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the evidence: another one makes new fixtures.")] = 0,
    llm: Annotated[
        str | None, typer.Option(help="Model of the judge: openai:NAME, or NAME with --llm-base-url.")
    ] = None,
    llm_base_url: Annotated[
        str | None, typer.Option(help="Server of chat completions: https, or http on this machine.")
    ] = None,
    llm_budget: Annotated[
        list[str] | None, typer.Option(help="tokens=200000, calls=50 or usd=1.5 for the whole run; may be repeated.")
    ] = None,
    llm_price: Annotated[
        list[str] | None, typer.Option(help="NAME=IN,OUT: US dollars per million tokens; may be repeated.")
    ] = None,
    votes: Annotated[int, typer.Option(min=1, max=15, help="Of the judge on each fixture.")] = 3,
    only: Only = None,
    jobs: Jobs = CORES,
    cache: Annotated[Path | None, typer.Option(help="Folder of earlier verdicts.")] = CACHE,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Judge everything anew.")] = False,
) -> None:
    """Have every fixture judged by an auditor that sees its sealed evidence alone, then hold it against the keys.

    Exit code 1 when something differs from its key. Keys are for seed 0. With another seed honest noise is drawn anew:
    in one seed of ten the A/A control excludes zero by chance, and every patch on it is flagged.
    """
    judged = None
    if auditor is not Auditor.RULES or llm or llm_base_url or llm_budget or llm_price:
        from evals.runner.judged import asked_for, spent  # noqa: PLC0415  # the rules alone start without it

        judged = asked_for(auditor, llm, llm_base_url, votes, budgets=llm_budget or (), prices=llm_price or ())
    judgments = judge_fixtures(
        chosen(only or ()), out, auditor=auditor.value if judged is None else judged.label, repeats=repeats, seed=seed,
        jobs=jobs, cache=None if no_cache else cache, tell=typer.echo, judged=judged,
    )  # fmt: skip
    if judged is not None:
        spent(out, typer.echo)
    found = summarize(judgments, read_keys())
    html = out / "report.html"
    html.write_text(
        page(found, f"The auditor ({auditor}) over {found.fixtures} fixtures, seed {seed}"), encoding="utf-8"
    )
    typer.echo(f"\n{summary_text(found)}\n\nresults  {out / NAME}\nreport   {html}")
    raise typer.Exit(1 if found.wrong else 0)


def compare(
    a: Annotated[Path, typer.Argument(help="Results of `run`: the file or its folder.")],
    b: Annotated[Path, typer.Argument(help="Those of the other auditor.")],
) -> None:
    """Is B better than A, worse, or not to be told apart with these fixtures?"""
    keys = read_keys()
    typer.echo(comparison_text(compare_scores(scores(read_results(a), keys), scores(read_results(b), keys))))


def mutants(*, only: Only = None, jobs: Jobs = CORES) -> None:
    """Disable each rule in turn: does a fixture notice? Exit code 1 when a rule survives."""
    found = disable_each(chosen(only or ()), read_keys(), jobs)
    typer.echo(mutants_text(found))
    raise typer.Exit(0 if all(it.killed for it in found) else 1)


def gate(
    *,
    write: Annotated[bool, typer.Option("--write", help="Replace the committed table by what is found now.")] = False,
    jobs: Jobs = CORES,
) -> None:
    """The gate of `make evals`: every fixture as its key says, and no rule finds less than it did."""
    found = summarize(judge_all([it.id for it in chosen(())], jobs), read_keys())
    typer.echo(summary_text(found, modes=False))
    if write:
        write_expected(as_table(found.rules))
    said = complaints(found, read_expected())
    typer.echo("\n" + "\n".join([*(f"GATE  {it}" for it in said), f"gate {'closed' if said else 'open'}"]))
    raise typer.Exit(1 if said else 0)
