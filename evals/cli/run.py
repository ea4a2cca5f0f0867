"""``python -m evals run``: runs an auditor over the fixtures and scores the result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bankable.evals.cli.auditor import CORES, Jobs, Only
from bankable.evals.fixtures.keys import read_keys
from bankable.evals.runner.auditor import Auditor
from bankable.evals.runner.results import NAME
from bankable.evals.runner.run import run as judge_fixtures
from bankable.evals.runner.run import select_fixtures
from bankable.evals.score.models import over_models
from bankable.evals.score.models import text as models_text
from bankable.evals.score.page import page
from bankable.evals.score.summary import by_auditor, summarize
from bankable.evals.score.text import text as summary_text
from bankable.tools.errors import UserError

if TYPE_CHECKING:
    from bankable.evals.runner.judged import JudgeSetup

CACHE = Path("runs/evals-cache")


def run(
    *,
    out: Annotated[Path, typer.Option(help="Folder of results; what is done there is not done again.")],
    auditor: Annotated[Auditor, typer.Option(help="Who judges.")] = Auditor.RULES,
    repeats: Annotated[int, typer.Option(min=1, help="Verdicts on each fixture.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the evidence: another one makes new fixtures.")] = 0,
    llm: Annotated[
        str | None, typer.Option(help="Model of the judge: openai:NAME, or NAME with --llm-base-url.")
    ] = None,
    models: Annotated[str | None, typer.Option(help="Several judges in one go: NAME,NAME.")] = None,
    skill: Annotated[
        Path | None, typer.Option(help="Folder or file of a skill in place of the judge's own, skills/patch_auditor.")
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
    names = [*([llm] if llm is not None else []), *_names(models)]
    judges: tuple[JudgeSetup, ...] = ()
    if auditor is not Auditor.RULES or names or llm_base_url or llm_budget or llm_price or skill:
        from bankable.evals.runner.judged import set_up_judges, tell_spending  # noqa: PLC0415 - the rules alone start without it

        judges = set_up_judges(
            auditor, names, llm_base_url, votes, budgets=llm_budget or (), prices=llm_price or (), skill_path=skill
        )
    judgments = judge_fixtures(
        select_fixtures(only or ()),
        out,
        repeats=repeats,
        seed=seed,
        jobs=jobs,
        cache=None if no_cache else cache,
        tell=typer.echo,
        judges=judges,
    )
    if judges:
        tell_spending(out, typer.echo)
    keys = read_keys()
    summaries = [summarize(judged, keys) for judged in by_auditor(judgments).values()]
    across = over_models(summaries)
    html = out / "report.html"
    title = f"The auditor ({auditor}) over {summaries[0].fixtures} fixtures, seed {seed}"
    html.write_text(page(summaries, title, across), encoding="utf-8")
    for summary in summaries:
        typer.echo(f"\n{_head(summary.auditor, len(summaries))}{summary_text(summary)}")
    if across is not None:
        typer.echo(f"\n{models_text(across)}")
    typer.echo(f"\nresults  {out / NAME}\nreport   {html}")
    raise typer.Exit(1 if any(summary.wrong for summary in summaries) else 0)


def _names(models: str | None) -> list[str]:
    names = [name.strip() for name in models.split(",")] if models is not None else []
    if not all(names):
        raise UserError("Cannot read --models: a model name is empty", f"--models {models}", "give NAME,NAME")
    return names


def _head(auditor: str, of: int) -> str:
    return f"=== {auditor} ===\n" if of > 1 else ""
