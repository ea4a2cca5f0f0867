"""Converts command-line options into a run's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bankable.graph.config import RunConfig
from bankable.graph.llm import llm_options
from bankable.graph.loads import choose_place, count_prompts, read_loads
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Scalar, Workload
from bankable.tools.measurement.executor import choose_executor
from bankable.tools.objective.parse import check_objective, parse_guards
from bankable.tools.slo import parse_limits
from bankable.tools.store.database import check_store
from bankable.tools.workloads import find_workload

QUICK: dict[str, object] = {
    "tracks": ("config",),
    "rounds_per_leg": 2,
    "control_blocks": 2,
    "questions": 40,
    "budget_minutes": 12.0,
}
"""What ``--quick`` changes, besides rounds of half the requests."""

SHORT_MINUTES = 24.0
"""In a shorter run a control of four rounds a launch takes more than a quarter of the time where a round takes ten
seconds; the launches, and not their rounds, are what the control replicates."""
SHORT_CONTROL_ROUNDS = 2
MOST_DOLLARS = 1e6
TRACKS = ("kernels", "config")
APPROVE = ("bank", "bundle", "never")
LAUNCH_PLANS = ("auto", "alternating", "coresident")


@dataclass(frozen=True)
class RunOptions:
    """Options of ``run`` as typed; ``None`` for an option that was not given."""

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
    concurrency: int | str | None = None
    request_rate: float | str | None = None
    contender: list[str] | None = None
    num_prompts: int | None = None
    input_len: int | None = None
    output_len: int | None = None
    dataset: str | None = None
    dataset_path: Path | None = None
    workload: str | None = None
    questions: Path | None = None
    flag: list[str] | None = None
    only: list[str] | None = None
    tracks: list[str] | None = None
    launch_plan: str | None = None
    allow_pickle: bool = False
    trust_remote_code: bool = False
    llm: str | None = None
    llm_base_url: str | None = None
    llm_role: list[str] | None = None
    llm_budget: list[str] | None = None
    llm_price: list[str] | None = None
    judge_votes: int | None = None
    approve: str | None = None
    slo: str | None = None
    objective: str | None = None
    guard: list[str] | None = None
    price: float | None = None
    memory: Path | None = None


def build_config(options: RunOptions) -> RunConfig:
    """The configuration of the requested run. Raises ``UserError`` for invalid options."""
    changes: dict[str, object] = {"auditor": not options.no_auditor, "executor": choose_executor(options.executor)}
    llm = llm_options(
        options.llm,
        options.llm_base_url,
        options.llm_role or [],
        options.llm_budget or [],
        options.llm_price or [],
        options.judge_votes,
    )
    if llm is not None:
        changes["llm"] = llm
    if options.approve is not None:
        if options.approve not in APPROVE:
            raise UserError(f"invalid value {options.approve!r} for --approve", "", f"use one of {', '.join(APPROVE)}")
        changes["approve"] = options.approve
    if options.launch_plan is not None:
        if options.launch_plan not in LAUNCH_PLANS:
            raise UserError(
                f"invalid value {options.launch_plan!r} for --launch-plan", "", f"use one of {', '.join(LAUNCH_PLANS)}"
            )
        changes["launch_plan"] = options.launch_plan
    changes |= _objective(options) | _price(options.price) | _memory(options.memory)
    if options.seed is not None:
        changes["seed"] = options.seed
    if options.budget is not None:
        changes["budget_minutes"] = options.budget
    if options.only is not None:
        changes["only"] = _values(options.only, "--only")
    if options.replay is not None:
        from bankable.graph.session import read_recorded_config

        if options.draw is not None:
            changes["replay_draw"] = options.draw
        return read_recorded_config(options.replay, changes)
    if options.tracks is not None:
        changes["tracks"] = _tracks(options.tracks)
    if options.model is None and options.server is None:
        raise UserError(
            "Cannot run: no model",
            "--model",
            "give a model folder or a Hugging Face id, for instance tools/model/shipped",
        )
    quick: dict[str, object] = dict(QUICK) if options.quick else {}
    return RunConfig.model_validate(
        {
            "model": str(options.model or options.server),
            "quick": options.quick,
            "engine_python": str(options.engine_python) if options.engine_python else None,
            "server_url": options.server,
            "flags": _values(options.flag or [], "--flag"),
            **_loads(options, str(changes.get("objective", "throughput"))),
            "questions_path": str(options.questions) if options.questions else None,
            "allow_pickle": options.allow_pickle,
            "trust_remote_code": options.trust_remote_code,
            **_shorten_control(options.budget),
            **quick,
            **changes,
        }
    )


def _shorten_control(budget: float | None) -> dict[str, object]:
    """Fewer rounds of the control in a short run."""
    minutes = budget if budget is not None else RunConfig.model_fields["budget_minutes"].default
    return {"control_rounds": SHORT_CONTROL_ROUNDS} if minutes < SHORT_MINUTES else {}


def _objective(options: RunOptions) -> dict[str, object]:
    """Objective, limits and guards; empty where none was asked for."""
    if options.slo is None and options.objective is None and options.guard is None:
        return {}
    limits = parse_limits(options.slo) if options.slo is not None else ()
    guards = parse_guards(options.guard or [])
    return {"objective": check_objective(options.objective, limits, guards), "limits": limits, "guards": guards}


def _price(price: float | None) -> dict[str, object]:
    """The price of an hour of one device; empty without one."""
    if price is None:
        return {}
    if not 0.0 < price <= MOST_DOLLARS:
        raise UserError(f"invalid value {price!r} for --price", "", "give dollars for an hour of one device")
    return {"price": price}


def _memory(store: Path | None) -> dict[str, object]:
    """The store of what runs verified; empty without one. Raises ``UserError`` for one that cannot be read."""
    if store is None:
        return {}
    check_store(store)
    return {"memory": str(store)}


def _tracks(requested: list[str]) -> tuple[str, ...]:
    unknown = sorted(set(requested) - set(TRACKS))
    if unknown:
        raise UserError(f"invalid value {unknown[0]!r} for --track", "", f"use one of {', '.join(TRACKS)}")
    return tuple(name for name in TRACKS if name in requested)


def free_folder(wanted: Path) -> Path:
    """``wanted``, or the first numbered name beside it that does not hold a run yet."""
    number, folder = 2, wanted
    while (folder / "run.json").exists():
        folder, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    return folder


def _loads(options: RunOptions, objective: str) -> dict[str, object]:
    """The workload of the run, and those of its load ladder where several loads are given."""
    loads = read_loads(options.concurrency, options.request_rate)
    if not loads.several:
        if options.contender:
            raise UserError(
                "Cannot use --contender: it needs several loads", "--contender", "give several, --concurrency 1,2,4,8"
            )
        return {"workload": _workload(options, *loads.pairs()[0], ladder=False)}
    if options.output_len is not None and options.output_len < 2:
        raise UserError(
            "Cannot plan the ladder: answers of one token have no time between tokens",
            "--output-len",
            "ask for two tokens at least",
        )
    workloads = [_workload(options, count, rate, ladder=True) for count, rate in loads.pairs()]
    contenders = [_values(text.split(","), "--contender") for text in options.contender or []]
    return {
        "workload": workloads[choose_place(len(workloads), objective)],
        "loads": tuple(workloads),
        "contenders": tuple(contenders),
    }


def _workload(
    options: RunOptions, concurrency: int | None, request_rate: float | None, *, ladder: bool
) -> dict[str, object]:
    """One load. On a ``ladder`` the number of requests follows from those in flight, where none is given."""
    if options.workload is not None:
        return _named_workload(options, options.workload, concurrency, request_rate)
    fields = {
        "concurrency": concurrency,
        "request_rate": request_rate,
        "num_prompts": options.num_prompts
        if options.num_prompts
        else (Workload().num_prompts // 2 if options.quick else None),
        "input_len": options.input_len,
        "output_len": options.output_len,
        "dataset": options.dataset,
        "dataset_path": str(options.dataset_path) if options.dataset_path else None,
    }
    if ladder and not options.num_prompts and request_rate is None:
        most = int(fields["num_prompts"] or Workload().num_prompts)
        fields["num_prompts"] = count_prompts(concurrency or Workload().concurrency, most)
    return {name: value for name, value in fields.items() if value is not None}


FIXED = ("num_prompts", "input_len", "output_len", "dataset", "dataset_path")
"""Options that a named workload decides."""


def _named_workload(
    options: RunOptions, name: str, in_flight: int | None, request_rate: float | None
) -> dict[str, object]:
    named = find_workload(name)
    conflict = next((option for option in FIXED if getattr(options, option) is not None), None)
    if conflict is not None:
        raise UserError(f"Cannot combine --workload with --{conflict.replace('_', '-')}", name, "leave out one of them")
    concurrency = in_flight or Workload().concurrency
    fields = {
        "name": named.name,
        "concurrency": concurrency,
        "request_rate": request_rate,
        "num_prompts": named.prompts_in_flight * concurrency,
        "input_len": named.input_len,
        "output_len": named.output_len,
        "range_ratio": named.range_ratio,
    }
    return {field: value for field, value in fields.items() if value is not None}


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
