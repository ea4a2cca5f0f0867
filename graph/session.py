"""Opens a run (live, attached or replayed) and drives the state machine through it."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag

from pydantic import ValidationError

from bankable.graph.config import RunConfig
from bankable.graph.key_source import library_missing
from bankable.graph.memory import (
    SNAPSHOT,
    describe_device,
    describe_engine,
    describe_load,
    find_architecture,
    recall_for,
)
from bankable.nodes.preflight import Preflight
from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import RunFolder, finished_legs, read_run
from bankable.tools.evidence.layout import CHAIN_FILE
from bankable.tools.evidence.records import LaunchPlan, ReferenceChoice, Scalar, ServerConfig, Workload
from bankable.tools.levers.settings import lever_of
from bankable.tools.llm.advisor import Advisor
from bankable.tools.llm.ledger import CALLS
from bankable.tools.measurement.outlook import default_launch_plan
from bankable.tools.measurement.progress import ProgressEvent, Watcher, silent
from bankable.tools.measurement.run_context import MeasurementProtocol, RunContext
from bankable.tools.objective.parse import OBJECTIVES
from bankable.tools.recorder.chain import Mode
from bankable.tools.recorder.client import STAMP_COMMAND, Recorder, has_library
from bankable.tools.serving.attached import AttachedDriver
from bankable.tools.serving.choice import choose_reference, describe_kernels
from bankable.tools.serving.command import Permissions
from bankable.tools.serving.cpu_kernels import check_kernels
from bankable.tools.serving.dataset import file_digest, load_questions
from bankable.tools.serving.driver import AccuracyQuestion, Driver
from bankable.tools.serving.engine import engine_python, find_engine
from bankable.tools.serving.hub import NamedModel, find_model
from bankable.tools.serving.live import LiveDriver, LiveOptions
from bankable.tools.serving.model import ModelFolder, check_model
from bankable.tools.serving.probe import load_probes
from bankable.tools.serving.process import kill_orphan
from bankable.tools.serving.recording import Recording
from bankable.tools.serving.replay import ReplayDriver
from bankable.tools.store.memory import RunPlace, SearchMemory
from bankable.tools.workloads import find_fitting_scale

SHIPPED = Path(__file__).resolve().parents[1] / "tools" / "model" / "shipped"
PROBE_TOKENS = 24
LADDER_SHARE = 0.5
"""Part of the budget that is kept for the load ladder of a run with one."""
PROBES = Path(__file__).resolve().parents[1] / "tools" / "serving" / "probes.jsonl"


@dataclass(frozen=True)
class _Machine:
    """A driver and what it reports about its machine."""

    driver: Driver
    base: ServerConfig
    workload: Workload
    model: str
    known_flags: frozenset[str]
    cores: int
    chosen: ReferenceChoice | None = None
    kernels: str = ""
    """Which kernels the engine runs, in a few words; empty where nothing is known."""


@contextmanager
def session(
    config: RunConfig, out: Path, *, resume: bool, watch: Watcher = silent, stop: Flag | None = None
) -> Iterator[RunContext]:
    """Everything that a run needs, opened, locked and closed again; all its processes are stopped at the end.

    Raises ``UserError`` for every problem that the user can fix.
    """
    stop = stop or Flag()
    with ExitStack() as stack:
        recorder = _open_recorder(config, out if resume else None, watch)
        if recorder is not None:
            stack.callback(recorder.close)
        if resume:
            folder = stack.enter_context(RunFolder.open(out, recorder))
            _sweep(folder)
        elif recorder is not None:
            recorder.start()  # it makes its key while the engine is looked at
        machine = _machine(config, out if resume else None, stop, stack)
        if not resume:
            run_id = _run_id(config, recorder)
            folder = stack.enter_context(RunFolder.create(out, run_id, config.model_dump(mode="json"), recorder))
        driver = machine.driver
        begun = _read_start(folder) if resume else driver.clock()
        kept_s = LADDER_SHARE * 60 * config.budget_minutes if config.loads else 0.0
        yield RunContext(
            run_id=read_run(out).run_id,
            model=machine.model,
            driver=driver,
            folder=folder,
            workload=machine.workload,
            protocol=MeasurementProtocol(
                launch_plan=_launch_plan(config, driver),
                looks=config.looks,
                control_blocks=config.control_blocks,
                control_rounds=config.control_rounds or config.rounds_per_leg,
                rounds_per_leg=config.rounds_per_leg,
                floor=config.floor,
                seed=config.seed,
                metric=OBJECTIVES[config.objective],
                limits=config.limits,
                guards=config.guards,
            ),
            base=machine.base,
            chosen=machine.chosen,
            kernels=machine.kernels,
            prompts=load_probes(PROBES, PROBE_TOKENS),
            questions=_questions(config),
            known_flags=machine.known_flags,
            cores=machine.cores,
            engine_python=driver.engine.python if isinstance(driver, LiveDriver) else None,
            executor=config.executor,
            recorded=driver.recording.root if isinstance(driver, ReplayDriver) else None,
            deadline=(begun if begun is not None else driver.clock()) + 60 * config.budget_minutes - kept_s,
            loads=tuple(map(_with_data, config.loads)),
            contenders=_contenders(config, machine),
            ladder_s=kept_s,
            advisor=Advisor(config.llm.settings, out / CALLS) if config.llm is not None else None,
            memory=_recall(config, machine, folder, watch),
            watch=watch,
            stop=stop,
        )


def _recall(config: RunConfig, machine: _Machine, folder: RunFolder, watch: Watcher) -> SearchMemory | None:
    """What earlier runs verified here. A resumed run has what it started with."""
    if config.memory is None:
        return None
    snapshot = folder.search / SNAPSHOT
    if snapshot.is_file():
        return SearchMemory.model_validate_json(snapshot.read_bytes())
    driver, limits = machine.driver, config.limits
    if isinstance(driver, LiveDriver):
        engine = describe_engine(driver.engine.sglang, driver.engine.torch, driver.engine.kernels)
        devices = list(driver.engine.device_set)
    elif isinstance(driver, ReplayDriver) and (legs := finished_legs(driver.recording.root)):
        engine = describe_engine(legs[0].engine.sglang, legs[0].engine.torch, legs[0].engine.kernels)
        devices = legs[0].device_set
    else:
        return None
    place = RunPlace(
        engine=engine,
        architecture=find_architecture(machine.model),
        device=describe_device(driver.device, devices, machine.cores),
        workload=describe_load(machine.workload, OBJECTIVES[config.objective], limits),
    )
    memory = recall_for(Path(config.memory), place)
    folder.put(snapshot, memory.model_dump(mode="json"))
    watch(
        ProgressEvent(
            "note",
            f"memory: {len(memory.gains)} settings that were banked here are tried first, {len(memory.losses)} that "
            f"were disproved last; {memory.expired} verified elsewhere do not count",
        )
    )
    return memory


def read_recorded_config(recording: Path, changes: dict[str, object]) -> RunConfig:
    """The configuration of a recorded run with ``changes`` laid over it, set to replay it."""
    opened = Recording(recording)
    try:
        return RunConfig.model_validate(
            {**opened.head.config, "replay": str(recording), "llm": None, "approve": "never", **changes}
        )
    except ValidationError as problem:
        raise UserError(
            f"Cannot read the recording's settings: {problem.errors()[0]['msg']}", str(recording), "give a recorded run"
        ) from None
    finally:
        opened.close()


def read_stored_config(out: Path) -> RunConfig:
    """The configuration of the run in a folder."""
    try:
        return RunConfig.model_validate(read_run(out).config)
    except ValidationError as problem:
        raise UserError(
            f"Cannot read run.json: {problem.errors()[0]['msg']}", str(out), "give the folder of a run"
        ) from None


def _check_lengths(workload: Workload, model: ModelFolder, overridden: Scalar | None) -> None:
    """Raises ``UserError`` where the longest request of random ids exceeds what the model can read."""
    positions = overridden if isinstance(overridden, int) else model.context_length
    longest = workload.input_len + workload.output_len
    if positions is None or workload.dataset != "random-ids" or longest <= positions:
        return
    fitting = find_fitting_scale(workload.name, positions) if workload.name else None
    raise UserError(
        f"Cannot run: a prompt of {workload.input_len} and an answer of {workload.output_len} tokens exceed the "
        f"{positions} positions of the model",
        str(model.path),
        f"use --workload {fitting.name}" if fitting else "use smaller --input-len and --output-len",
    )


def _machine(config: RunConfig, resumed: Path | None, stop: Flag, stack: ExitStack) -> _Machine:
    if config.replay:
        return _open_replay(config, resumed, stack)
    permissions = Permissions(pickle=config.allow_pickle, remote_code=config.trust_remote_code)
    stored = _stored_preflight(resumed)
    interpreter = engine_python(Path(config.engine_python) if config.engine_python else None)
    named = (
        NamedModel(config.model, Path(config.model))
        if config.server_url
        else find_model(stored.model if stored is not None else config.model, interpreter)
    )
    model = named.path
    dummy = config.flags.get("load_format") == "dummy"
    served = None if config.server_url else check_model(model, permissions, dummy_weights=dummy)
    workload = _with_data(config.workload)
    if served is not None:
        _check_lengths(workload, served, config.flags.get("context_length"))
    engine = find_engine(Path(config.engine_python) if config.engine_python else None)
    if config.server_url:
        attached = AttachedDriver(engine, config.server_url, stop=stop)
        stack.callback(attached.close)
        return _Machine(attached, ServerConfig(), workload, config.model, engine.flags, _cores())
    if served is not None:
        check_kernels(engine, served.config, served.path)
    launch_plan = _configured_plan(config, engine.device)
    chosen = choose_reference(engine, sorted(os.sched_getaffinity(0)), launch_plan)
    live = LiveDriver(engine, model.resolve(), LiveOptions(permissions=permissions), stop)
    stack.callback(live.close)
    unknown = sorted(set(config.flags) - engine.flags)
    if unknown:
        raise UserError(
            f"Cannot set flag {unknown[0]!r}: this engine has no such flag", "--flag", "see `sglang serve --help`"
        )
    if stored is not None:
        return _Machine(
            live, stored.base, workload, stored.model, engine.flags, stored.cores, stored.chosen, stored.kernels
        )
    base = ServerConfig(flags={**chosen.config.flags, **config.flags}, env=chosen.config.env)
    return _Machine(
        live,
        base,
        workload,
        named.name,
        engine.flags,
        _cores(),
        chosen.choice,
        describe_kernels(engine),
    )


def _stored_preflight(resumed: Path | None) -> Preflight | None:
    """What a resumed run found at its start: model, reference and threads stay as they were."""
    path = resumed / "preflight.json" if resumed is not None else None
    return Preflight.model_validate_json(path.read_bytes()) if path is not None and path.is_file() else None


def _launch_plan(config: RunConfig, driver: Driver) -> LaunchPlan:
    """As configured; else co-resident where the device allows it. An attached server can only be measured in turns."""
    if not driver.can_launch:
        return LaunchPlan.ALTERNATING
    return _configured_plan(config, driver.device)


def _configured_plan(config: RunConfig, device: str) -> LaunchPlan:
    return default_launch_plan(device) if config.launch_plan == "auto" else LaunchPlan(config.launch_plan)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _open_replay(config: RunConfig, resumed: Path | None, stack: ExitStack) -> _Machine:
    recording = Recording(Path(config.replay or ""))
    stack.callback(recording.close)
    seen = Preflight.model_validate_json((recording.root / "preflight.json").read_bytes())
    driver = ReplayDriver(recording, _last_stop(resumed), config.replay_draw)
    known_flags = frozenset(seen.known_flags)
    return _Machine(driver, seen.base, seen.workload, seen.model, known_flags, seen.cores, seen.chosen, seen.kernels)


def _last_stop(run: Path | None) -> float | None:
    """Latest stop time of all finished legs: where a replayed run's clock continues after a crash."""
    return max((leg.stopped_at for leg in finished_legs(run)), default=None) if run else None


def _read_start(folder: RunFolder) -> float | None:
    return min((leg.launched_at for leg in finished_legs(folder.root)), default=None)


def _contenders(config: RunConfig, machine: _Machine) -> tuple[ServerConfig, ...]:
    """Configurations for the ladder. Raises ``UserError`` for a setting that the engine does not have."""
    levers = [lever_of(values) for values in config.contenders]
    unknown = sorted({name for lever in levers for name in lever.flags} - machine.known_flags)
    if unknown:
        raise UserError(
            f"Cannot serve a contender: this engine has no flag {unknown[0]!r}",
            "--contender",
            "see `sglang serve --help`",
        )
    return tuple(machine.base.with_lever(lever) for lever in levers)


def _with_data(load: Workload) -> Workload:
    """The workload with the digest of its data file, which also proves that the file can be read."""
    if load.dataset_path is None:
        if load.dataset == "questions":
            return _with_file(load, SHIPPED / "questions_train.jsonl")
        if load.dataset == "sharegpt":
            raise UserError(
                "Cannot build the workload: the dataset sharegpt needs a file",
                "--dataset-path",
                "give a ShareGPT-format JSON file",
            )
        return load
    return _with_file(load, Path(load.dataset_path))


def _with_file(load: Workload, path: Path) -> Workload:
    return load.model_copy(update={"dataset_path": str(path), "dataset_digest": file_digest(path)})


def _questions(config: RunConfig) -> list[AccuracyQuestion]:
    if config.questions_path:
        return load_questions(Path(config.questions_path), None, config.questions, config.seed)
    return load_questions(
        SHIPPED / "questions_heldout.jsonl", SHIPPED / "questions_train.jsonl", config.questions, config.seed
    )


def _open_recorder(config: RunConfig, resumed: Path | None, watch: Watcher) -> Recorder | None:
    """The recorder that signs what this run writes; ``None``, said aloud, where it cannot sign.

    Raises ``UserError`` where a run that was signed so far would go on unsigned: all of its audits would fail.
    """
    if not has_library():
        if resumed is not None and (resumed / CHAIN_FILE).exists():
            raise library_missing(ImportError(name="cryptography"))
        watch(ProgressEvent("note", "records are not signed: the library cryptography is not installed"))
        return None
    mode: Mode = "replay" if config.replay else "attached" if config.server_url else "live"
    return Recorder(mode, lambda text: watch(ProgressEvent("note", text)), os.environ.get(STAMP_COMMAND, ""))


def _run_id(config: RunConfig, recorder: Recorder | None) -> str:
    """A nonce: of a live run it names the recorder's key, so that every plan, claim and leg does.

    For a replay it is derived from the recording, so that two replays can be compared byte for byte.
    """
    if not config.replay:
        return secrets.token_hex(8) if recorder is None else recorder.run_id
    config_json = config.model_dump_json(exclude={"auditor", "llm", "approve", "memory"})
    return hashlib.sha256(config_json.encode()).hexdigest()[:16]


def _sweep(folder: RunFolder) -> None:
    """Stop servers that a killed run may have left running; only processes with a matching identity are signalled."""
    for note in folder.root.rglob("server.pid"):
        if not (note.parent / "leg.json").exists():
            kill_orphan(note)
