"""``bankable scripted``: a whole run with scripted models in every role, or just their endpoint."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from bankable.graph.scripted.models import serve_models
from bankable.graph.scripted.run import run_with_models
from bankable.tools.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def group() -> None:
    """Scripted language models that play every role over real HTTP, well, badly, dishonestly and malformed in turns."""


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    out: Annotated[Path, typer.Option(help="Folder of the run; must not exist.")],
    served: Annotated[
        bool, typer.Option("--served", help="A real sglang server of the shipped model plays the roles instead.")
    ] = False,
    options: Annotated[list[str] | None, typer.Argument(help="After --: options of `bankable run`.")] = None,
) -> None:
    """A whole run with models in every role. Exit code 0 when every request is in the run's ledger of calls.

    bankable scripted run --out runs/scripted -- --replay evals/recorded/cpu-kernels.tar.xz
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server keeps running
    raise typer.Exit(0 if run_with_models(out, options or [], served=served) else 1)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; any free one by default.")] = 0,
) -> None:
    """Serve the scripted models until SIGTERM or SIGINT; prints the address, every request, and counts at the end."""
    serve_models(port)


def main() -> None:
    """Entry point in a process of its own: a user error is one line and exit code 2."""
    try:
        app(prog_name="bankable scripted")
    except UserError as problem:
        print(f"bankable: {problem}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
