"""``python -m evals push``: sends fixtures and results to external services. Nothing else sends anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bankable.evals.cli.auditor import Only
from bankable.evals.fixtures.keys import read_keys
from bankable.evals.frontends.langsmith_client import connect
from bankable.evals.frontends.langsmith_dataset import dataset as dataset_of
from bankable.evals.frontends.langsmith_dataset import push
from bankable.evals.frontends.langsmith_experiment import push_results
from bankable.evals.frontends.shown import list_keyed, show
from bankable.evals.runner.results import read_results
from bankable.evals.score.compare import of_one
from bankable.evals.score.scored import scores
from bankable.tools.errors import UserError

push_app = typer.Typer(no_args_is_help=True, help="Send the fixtures, with their keys, to a service of others.")


@push_app.callback()
def main() -> None:
    """Send the fixtures, with their keys, to a service of others."""


@push_app.command()
def langsmith(
    *,
    dataset: Annotated[str, typer.Option(help="Its name; made where there is none.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the evidence.")] = 0,
    results: Annotated[Path | None, typer.Option(help="Results of `run` to send too, as an experiment.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Name of the experiment.")] = None,
    model: Annotated[str | None, typer.Option(help="Of several judges in the results, this one's.")] = None,
    only: Only = None,
) -> None:
    """Fixtures as a LangSmith dataset: inputs as the judge is shown them, outputs their keys. Safe to repeat.

    Goes to LANGSMITH_ENDPOINT with the key in LANGSMITH_API_KEY.
    """
    if (results is None) != (experiment is None):
        raise UserError(
            "Cannot push an experiment: --results and --experiment go together",
            "--results, --experiment",
            "give both or none",
        )
    fixture_scores = None
    if results is not None:
        fixture_scores = scores(of_one(read_results(results), model or "", results), read_keys())
        if not fixture_scores or {repeat.judgment.seed for one in fixture_scores for repeat in one.repeats} != {seed}:
            raise UserError(
                "Cannot push the results: they are of other evidence",
                str(results),
                "give the --seed that they were made with",
            )
    fixtures = list(list_keyed(only or ()))
    client = connect(os.environ)
    into = dataset_of(client, dataset)
    done = push(client, into, ((fixture, show(fixture.fixture, seed)) for fixture in fixtures), seed)
    typer.echo(f"dataset {dataset}: {done}")
    if fixture_scores is not None and experiment is not None:
        typer.echo(f"experiment {experiment}: {push_results(client, into, experiment, fixture_scores)} verdicts")
