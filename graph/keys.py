"""``keys``: the signing key of this user. Only its public half is ever printed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bankable.graph.key_source import KEY_VARIABLE, library_missing
from bankable.tools.errors import UserError

app = typer.Typer(no_args_is_help=True, help="The Ed25519 key that signs verdicts: show its public half, or make one.")


@app.command()
def show(
    key: Annotated[
        Path | None, typer.Option(envvar=KEY_VARIABLE, help="Private key (PEM); your own by default.")
    ] = None,
) -> None:
    """Print the public key (PEM) on standard output, its fingerprint and place on standard error.

    python -m graph keys show > my-key.pem, for whoever is to run: verify BUNDLE --public-key my-key.pem
    """
    try:
        from bankable.tools.attest.signing_key import read_key
    except ImportError as missing:
        raise library_missing(missing) from None
    path = key or _own()
    if key is None and not os.path.lexists(path):
        raise UserError(
            "Cannot show the signing key: there is none yet", str(path), "make one with `keys new`, or start a run"
        )
    stored_key = read_key(path)
    sys.stdout.write(stored_key.public.pem.decode())
    print(f"{stored_key.public.fingerprint}  {path}", file=sys.stderr)


@app.command()
def new(
    path: Annotated[
        Path | None, typer.Argument(help="Where to keep it; where runs look for your own key by default.")
    ] = None,
) -> None:
    """Make a key, in a file that you alone can read. An existing file is never replaced."""
    try:
        from bankable.tools.attest.signing_key import make_key
    except ImportError as missing:
        raise library_missing(missing) from None
    target = path or _own()
    if os.path.lexists(target):
        raise UserError("Cannot make a key: the file exists", str(target), "choose another path, or move the file away")
    try:
        print(make_key(target).said)
    except OSError as problem:
        raise UserError(f"Cannot make a key: {problem.strerror}", str(target), "choose another path") from None


def _own() -> Path:
    from bankable.tools.attest.signing_key import default_path

    try:
        return default_path()
    except RuntimeError:
        raise UserError("Cannot find the signing key: no home folder", "", "give a path") from None
