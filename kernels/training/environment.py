"""Writes an OpenEnv environment over the KernelBench problems among rows: its reward is the audited gain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bankable.kernels.training.episode import MOST_REWARD, EpisodeTask
from bankable.kernels.training.row import TrainingRow
from bankable.tools.errors import UserError
from bankable.tools.evidence.store import write_once

TEMPLATES = Path(__file__).with_name("openenv")
NAME = "bankable_kernels"
VERSION = "0.1.0"


def write_environment(rows: Sequence[TrainingRow], folder: Path) -> list[Path]:
    """The folder of an environment. Raises ``UserError`` where no row is of a KernelBench problem."""
    tasks = tasks_of(rows)
    if not tasks:
        raise UserError(
            "Cannot export an environment: no row is of a KernelBench problem",
            str(folder),
            "export the --out of `kernels kernelbench`",
        )
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    paths = []
    for path in sorted(TEMPLATES.rglob("*.j2")):
        name = path.relative_to(TEMPLATES).as_posix()
        text = templates.get_template(name).render(
            name=NAME, version=VERSION, tasks=len(tasks), most_reward=MOST_REWARD
        )
        paths.append(folder / name.removesuffix(".j2"))
        write_once(paths[-1], text.encode())
    write_once(
        folder / "tasks.jsonl",
        b"".join(orjson.dumps(task.model_dump(mode="json"), option=orjson.OPT_APPEND_NEWLINE) for task in tasks),
    )
    return [*paths, folder / "tasks.jsonl"]


def tasks_of(rows: Sequence[TrainingRow]) -> list[EpisodeTask]:
    """The problems of the rows, each once."""
    tasks: dict[str, EpisodeTask] = {}
    for row in rows:
        if row.kind == "kernelbench" and row.reference:
            level, _, name = row.task.partition("/")
            tasks.setdefault(
                row.task,
                EpisodeTask(
                    level=int(level.removeprefix("level")),
                    number=int(name.partition("_")[0]),
                    name=f"{name}.py",
                    source=row.reference,
                ),
            )
    return list(tasks.values())
