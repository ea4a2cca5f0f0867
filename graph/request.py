"""From what was typed to a run's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bankable.graph.config import RunConfig
from bankable.graph.llm import llm_options
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Scalar, Workload
from bankable.tools.measurement.executor import choose_executor

QUICK: dict[str, object] = {
    "tracks": ("config",),
    "rounds_per_leg": 2,
    "control_blocks": 2,
    "questions": 40,
    "budget_minutes": 12.0,
}
"""What ``--quick`` changes, besides rounds of half the requests."""

TRACKS = ("kernels", "config")
APPROVE = ("bank", "bundle", "never")


@dataclass(frozen=True)
class RunOptions:
    """Options of ``run`` as typed; ``None`` where nothing was."""

    model: Path | None = None
    budget: float | None = None
    quick: bool = False
    seed: int | None = None
    no_auditor: bool = False
    executor: str = "local"
    engine_python: Path | None = None
    server: str | None = None
    replay: Path | None = None
    draw: int | None = None
    concurrency: int | None = None
    request_rate: float | None = None
    num_prompts: int | None = None
    input_len: int | None = None
    output_len: int | None = None
    dataset: str | None = None
    dataset_path: Path | None = None
    questions: Path | None = None
    flag: list[str] | None = None
    only: list[str] | None = None
    tracks: list[str] | None = None
    allow_pickle: bool = False
    trust_remote_code: bool = False
    llm: str | None = None
    llm_base_url: str | None = None
    llm_role: list[str] | None = None
    llm_budget: list[str] | None = None
    llm_price: list[str] | None = None
    judge_votes: int | None = None
    approve: str | None = None


def build_config(asked: RunOptions) -> RunConfig:
    """The run that was asked for. Raises ``UserError`` on what cannot be."""
    changes: dict[str, object] = {"auditor": not asked.no_auditor, "executor": choose_executor(asked.executor)}
    llm = llm_options(
        asked.llm,
        asked.llm_base_url,
        asked.llm_role or [],
        asked.llm_budget or [],
        asked.llm_price or [],
        asked.judge_votes,
    )
    if llm is not None:
        changes["llm"] = llm
    if asked.approve is not None:
        if asked.approve not in APPROVE:
            raise UserError(f"invalid value {asked.approve!r} for --approve", "", f"use one of {', '.join(APPROVE)}")
        changes["approve"] = asked.approve
    if asked.seed is not None:
        changes["seed"] = asked.seed
    if asked.budget is not None:
        changes["budget_minutes"] = asked.budget
    if asked.only is not None:
        changes["only"] = _values(asked.only, "--only")
    if asked.replay is not None:
        from bankable.graph.session import recorded_config

        if asked.draw is not None:
            changes["replay_draw"] = asked.draw
        return recorded_config(asked.replay, changes)
    if asked.tracks is not None:
        changes["tracks"] = _tracks(asked.tracks)
    if asked.model is None and asked.server is None:
        raise UserError("cannot run: no model", "--model", "give a model folder, for instance tools/model/shipped")
    quick: dict[str, object] = dict(QUICK) if asked.quick else {}
    return RunConfig.model_validate(
        {
            "model": str(asked.model or asked.server),
            "quick": asked.quick,
            "engine_python": str(asked.engine_python) if asked.engine_python else None,
            "server_url": asked.server,
            "flags": _values(asked.flag or [], "--flag"),
            "workload": _workload(asked),
            "questions_path": str(asked.questions) if asked.questions else None,
            "allow_pickle": asked.allow_pickle,
            "trust_remote_code": asked.trust_remote_code,
            **quick,
            **changes,
        }
    )


def _tracks(asked: list[str]) -> tuple[str, ...]:
    unknown = sorted(set(asked) - set(TRACKS))
    if unknown:
        raise UserError(f"invalid value {unknown[0]!r} for --track", "", f"use one of {', '.join(TRACKS)}")
    return tuple(name for name in TRACKS if name in asked)


def free_folder(wanted: Path) -> Path:
    """``wanted``, or the first numbered name beside it that does not hold a run yet."""
    number, folder = 2, wanted
    while (folder / "run.json").exists():
        folder, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    return folder


def _workload(asked: RunOptions) -> dict[str, object]:
    given = {
        "concurrency": asked.concurrency,
        "request_rate": asked.request_rate,
        "num_prompts": asked.num_prompts
        if asked.num_prompts
        else (Workload().num_prompts // 2 if asked.quick else None),
        "input_len": asked.input_len,
        "output_len": asked.output_len,
        "dataset": asked.dataset,
        "dataset_path": str(asked.dataset_path) if asked.dataset_path else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _values(pairs: list[str], option: str) -> dict[str, Scalar]:
    """``["a=1", "b=true"]`` → ``{"a": 1, "b": True}``; dashes in names are underscores."""
    values: dict[str, Scalar] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise UserError(
                f"invalid value {pair!r} for {option}", "", "use name=value, for instance stream_interval=8"
            )
        values[name.strip().lstrip("-").replace("-", "_")] = _scalar(text.strip())
    return values


def _scalar(text: str) -> Scalar:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
