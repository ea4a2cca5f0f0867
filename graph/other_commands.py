"""Subcommands with modules of their own: listed in the help, imported only when they are called."""

from __future__ import annotations

from importlib import import_module

import typer

OTHERS = {
    "kernels": ("bankable.kernels.cli", "Operators alone: families, benchmark, search, diagnosis, roofline, Triton."),
    "evals": ("bankable.evals.main", "Evaluate the auditor and the optimizer: fixtures, faults, red team, benches."),
    "scripted": ("bankable.graph.scripted.cli", "A whole run with scripted language models in every role."),
}
"""Module with the Typer application ``app``, and the line in the help, by command."""

PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
"""Everything after the command's name, ``--help`` included, is passed to the subcommand's application."""


def add_other_commands(app: typer.Typer) -> None:
    """Add a command for each of ``OTHERS``."""
    for name, (module, help_line) in OTHERS.items():
        _add(app, name, module, help_line)


def _add(app: typer.Typer, name: str, module: str, help_line: str) -> None:
    @app.command(name, help=help_line, context_settings=PASSED_ON, add_help_option=False)
    def run(context: typer.Context) -> None:
        import_module(module).app(args=context.args, prog_name=f"bankable {name}")
