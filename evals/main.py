"""``python -m evals``: evaluations of the project itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bankable.evals.cli.auditor import compare, gate, mutants
from bankable.evals.cli.bench import bench_app
from bankable.evals.cli.faults import faults, inject, sweep
from bankable.evals.cli.invariants import invariants
from bankable.evals.cli.push import push_app
from bankable.evals.cli.redteam import redteam
from bankable.evals.cli.run import run
from bankable.evals.pack import pack as pack_runs
from bankable.tools.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(bench_app, name="bench")
app.add_typer(push_app, name="push")
for command in (run, compare, gate, mutants, faults, inject, sweep, invariants, redteam):
    app.command()(command)


@app.callback()
def main() -> None:
    """Evaluations of the project itself."""


@app.command()
def pack(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs.")],
    out: Annotated[Path, typer.Option(help="The archive: a .tar.xz that `graph run --replay` takes.")],
) -> None:
    """Pack finished runs into one archive that replays."""
    typer.echo(f"{out}: {pack_runs(runs, out) / 1e6:.1f} MB")


def start() -> None:
    """Entry point: a user error is one line and exit code 2."""
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    start()
