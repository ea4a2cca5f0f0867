"""``python -m kernels export``: evaluations of kernels as training data."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from bankable.kernels.training.collect import UNKNOWN, collect
from bankable.kernels.training.environment import write_environment
from bankable.kernels.training.formats import write_parquet, write_rows, write_verl
from bankable.kernels.training.row import TrainingRow, deduplicate
from bankable.kernels.training.secrets import SecretFilter
from bankable.tools.errors import UserError
from bankable.tools.serving.engine import engine_python

console = Console(soft_wrap=True, highlight=False)
ExportFormat = Literal["jsonl", "parquet", "verl", "openenv"]


def export(
    runs: Annotated[list[Path], typer.Argument(help="folders of runs, searches, benchmarks or `kernels kernelbench`")],
    out: Annotated[Path, typer.Option(help="new folder")],
    format_: Annotated[ExportFormat, typer.Option("--format", help="jsonl, parquet, verl or openenv")] = "jsonl",
    licence: Annotated[str, typer.Option(help="SPDX identifier of the answers' licence")] = UNKNOWN,
    engine_python_: Annotated[Path | None, typer.Option("--engine-python", help="interpreter with pyarrow")] = None,
) -> None:
    """Write every evaluation of a kernel as a row of training data, its reward the audited gain."""
    if out.exists():
        raise UserError("Cannot export: the folder exists", str(out), "give a new --out")
    collected = [row for run in runs for row in collect(run, licence)]
    unique = deduplicate(collected)
    rows, left_out = without_secrets(unique, SecretFilter(os.environ))
    if format_ == "openenv":
        paths = write_environment(rows, out)
    else:
        paths = [write_rows(rows, out)]
        if format_ == "parquet":
            paths.append(write_parquet(rows, out / "rows.parquet", engine_python(engine_python_)))
        if format_ == "verl":
            paths.append(write_verl(rows, out / "train.parquet", engine_python(engine_python_)))
    verdicts = ", ".join(
        f"{count} {verdict}" for verdict, count in sorted(Counter(row.verdict for row in rows).items())
    )
    console.print(f"{len(rows)} rows of {len(collected)} evaluations: {verdicts}")
    rewards = [row.reward for row in rows if row.reward > 0]
    console.print(f"{len(rewards)} with a reward, the largest {max(rewards, default=0.0):.3g}")
    console.print(f"{left_out} left out for a secret in the source" if left_out else "no source holds a secret")
    console.print(f"written to {', '.join(str(path) for path in paths)}")


def without_secrets(rows: list[TrainingRow], secrets: SecretFilter) -> tuple[list[TrainingRow], int]:
    """Rows whose source holds no secret, the rest of their text cleaned; and how many were left out."""
    kept = [row for row in rows if not secrets.holds(row.source) and not secrets.holds(row.reference)]
    cleaned = [TrainingRow.model_validate(secrets.clean(row.model_dump(mode="json"))) for row in kept]
    return cleaned, len(rows) - len(kept)
