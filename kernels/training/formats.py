"""Writes rows as JSON lines, as Parquet, and as verl's data set.

verl reads Parquet files with the columns ``data_source``, ``prompt`` (messages), ``ability``, ``reward_model``
(``style`` and ``ground_truth``) and ``extra_info``; it looks at ``extra_info.index``. The source that was evaluated,
its reward and where it comes from stand in ``extra_info``: a trainer that samples its own answers does not need them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from bankable.kernels.training.row import TrainingRow
from bankable.tools.errors import UserError
from bankable.tools.evidence.store import write_once
from bankable.tools.package import program
from bankable.tools.serving.environment import isolate_environment

ROWS = "rows.jsonl"
PROGRAM = "bankable.kernels.worker.parquet"
LIMIT_S = 600.0
ABILITY = "kernel_optimization"
PROMPT = Path(__file__).with_name("prompt.md")
NESTED = ("setting", "checks", "timings", "diagnosis", "prompt")
"""Columns whose form differs from row to row: JSON text in Parquet."""


def write_rows(rows: Iterable[TrainingRow], folder: Path) -> Path:
    """One JSON object a line."""
    path = folder / ROWS
    write_once(path, _lines(row.model_dump(mode="json") for row in rows))
    return path


def write_parquet(rows: Iterable[TrainingRow], path: Path, python: Path) -> Path:
    """A table with one column a field. Raises ``UserError`` where the interpreter has no pyarrow."""
    return _to_parquet((flat(row) for row in rows), path, python)


def write_verl(rows: Sequence[TrainingRow], path: Path, python: Path) -> Path:
    """verl's data set. Raises ``UserError`` where the interpreter has no pyarrow."""
    return _to_parquet((verl_row(row, index) for index, row in enumerate(rows)), path, python)


def flat(row: TrainingRow) -> dict[str, Any]:
    """A row of scalars and lists of text."""
    values = row.model_dump(mode="json")
    nested = {name: orjson.dumps(values[name]).decode() for name in NESTED}
    origin = {f"origin_{name}": value for name, value in values.pop("origin").items()}
    return {**values, **nested, **origin}


def verl_row(row: TrainingRow, index: int) -> dict[str, Any]:
    """A row of verl's data set."""
    return {
        "data_source": f"bankable/{row.kind}",
        "prompt": [dict(message) for message in row.prompt] or [{"role": "user", "content": prompt_of(row)}],
        "ability": ABILITY,
        "reward_model": {"style": "rule", "ground_truth": row.reference},
        "extra_info": {
            "index": index,
            "uuid": f"{row.source_digest[:16]}-{row.task_digest[:16]}",
            "type": row.kind,
            "module_name": row.task,
            "entry_point": "ModelNew" if row.kind == "kernelbench" else "bankable_run",
            "language": row.language,
            "response": row.source,
            "reward": row.reward,
            "verdict": row.verdict,
            "reasons": list(row.reasons),
            "source_digest": row.source_digest,
            "parent": row.parent or "",
            "licence": row.licence,
            "origin": row.origin.model_dump(mode="json"),
        },
    }


def prompt_of(row: TrainingRow) -> str:
    """What to ask a model for, where no prompt was recorded."""
    return PROMPT.read_text(encoding="utf-8").format(
        task=row.task,
        language=row.language,
        setting=orjson.dumps(row.setting).decode(),
        reference=row.reference,
    )


def _to_parquet(rows: Iterable[dict[str, Any]], path: Path, python: Path) -> Path:
    """Written by the engine's interpreter, which has pyarrow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [str(python), *program(PROGRAM, str(path.resolve()))],
            input=_lines(rows),
            env=isolate_environment({}),
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise UserError(f"Cannot write Parquet: {problem}", str(python), "check --engine-python") from None
    if done.returncode != 0:
        said = (done.stderr.decode("utf-8", "replace").strip() or "no error output").splitlines()[-1][:200]
        raise UserError(
            f"Cannot write Parquet: {said}", str(python), "give an interpreter with pyarrow, or --format jsonl"
        )
    return path


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
