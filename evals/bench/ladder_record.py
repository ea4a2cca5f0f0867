"""Records a ladder landscape on a live server: batches of co-resident servers, all loads in turn."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bankable.evals.bench.grid import Batch, batches, round_orders
from bankable.evals.bench.ladder_records import LadderHeader, LadderLaunch, read_ladder_file
from bankable.evals.bench.records import GridKnob, RoundRow, check_header
from bankable.tools.evidence.records import EngineIdentity, Failure, HostSample, ServerConfig, Workload
from bankable.tools.evidence.store import AppendLog
from bankable.tools.search.space import Dimension, SearchSpace
from bankable.tools.serving.driver import Driver, LaunchFailed, LaunchRequest, RoundFailed, RoundLoad, Server

LADDER_GRID: tuple[GridKnob, ...] = (
    GridKnob(name="stream_interval", values=[1, 8]),
    GridKnob(name="max_running_requests", values=[None, 4]),
)
"""Four configurations. The cap on running requests trades throughput for interactivity at high loads."""
LADDER_LOADS = tuple(
    Workload(num_prompts=prompts, input_len=128, output_len=32, concurrency=concurrency)
    for concurrency, prompts in ((1, 4), (4, 8), (8, 16), (16, 32))
)
SEED_STEP = 1000


@dataclass(frozen=True)
class LadderLandscapePlan:
    """What to record, and where."""

    out: Path
    logs: Path
    """Folder for the servers' own logs."""
    model: str
    launches: int = 3
    rounds: int = 1
    together: int = 2
    seed: int = 1
    limit: int | None = None
    """Number of batches after which to stop."""


def record_ladders(
    driver: Driver, engine: EngineIdentity, plan: LadderLandscapePlan, say: Callable[[str], None]
) -> int:
    """Record the batches that are missing in the file; returns how many. Raises ``UserError`` for another landscape."""
    log = AppendLog(plan.out)
    header = LadderHeader(
        grid=list(LADDER_GRID),
        loads=list(LADDER_LOADS),
        model=Path(plan.model).name,
        device=driver.device,
        engine=engine,
        cores=os.cpu_count() or 1,
        together=plan.together,
        launches=plan.launches,
        rounds=plan.rounds,
        seed=plan.seed,
    )
    recorded, rows = read_ladder_file(plan.out)
    if recorded is None:
        log.append(header.model_dump(mode="json"))
    else:
        check_header(recorded, header, plan.out)
    done = {(row.launch, tuple(row.point)) for row in rows if row.failure is None}
    everything = batches(LADDER_GRID, plan.launches, plan.together, plan.seed)
    due = [batch for batch in everything if any((batch.launch, point) not in done for point in batch.points)]
    for count, batch in enumerate(due[: plan.limit], start=1):
        started = driver.clock()
        for row in _run(driver, plan, batch):
            log.append(row.model_dump(mode="json"))
        say(f"batch {batch.number} ({count} of {len(due)}) took {driver.clock() - started:.0f} s")
    return len(due[: plan.limit])


def _run(driver: Driver, plan: LadderLandscapePlan, batch: Batch) -> list[LadderLaunch]:
    """Launch all servers of a batch, load one at a time at every load, stop all."""
    space = SearchSpace(tuple(Dimension(knob.name, tuple(knob.values), knob.env) for knob in LADDER_GRID))
    configs = [ServerConfig(flags=space.settings(point)[0]) for point in batch.points]
    started = driver.clock()
    answers = driver.launch([_request(plan, batch, place, config) for place, config in enumerate(configs)])
    startup = driver.clock() - started
    servers = {place: answer for place, answer in enumerate(answers) if not isinstance(answer, LaunchFailed)}
    failures: dict[int, Failure] = {
        place: answer.failure for place, answer in enumerate(answers) if isinstance(answer, LaunchFailed)
    }
    rounds: list[list[list[RoundRow]]] = [[[] for _ in LADDER_LOADS] for _ in configs]
    warm = [0.0 for _ in configs]
    try:
        for place in servers:
            begun = driver.clock()
            _load(servers, place, RoundLoad(LADDER_LOADS[-1], plan.seed, -1), failures)
            warm[place] = driver.clock() - begun
        for index, load in enumerate(LADDER_LOADS):
            for turn, order in enumerate(round_orders(len(configs), plan.rounds)):
                seed = plan.seed + SEED_STEP * (batch.launch + 1) + 10 * index + turn
                for place in order:
                    if place in servers and place not in failures:
                        row = _load(servers, place, RoundLoad(load, seed, index), failures)
                        rounds[place][index] += [row] if row is not None else []
    finally:
        for server in servers.values():
            server.close()
    return [
        LadderLaunch(
            batch=batch.number,
            launch=batch.launch,
            point=list(point),
            flags=configs[place].flags,
            rounds=rounds[place],
            batch_startup_s=startup,
            warmup_s=warm[place],
            failure=failures.get(place),
        )
        for place, point in enumerate(batch.points)
    ]


def _load(servers: dict[int, Server], place: int, load: RoundLoad, failures: dict[int, Failure]) -> RoundRow | None:
    peers = [server for other, server in servers.items() if other != place]
    try:
        result = servers[place].round(load, peers)
    except RoundFailed as problem:
        failures[place] = problem.failure
        return None
    return RoundRow(
        started=result.started,
        seconds=result.ended - result.started,
        output_throughput=result.record["output_throughput"],
        median_ttft_ms=result.record["median_ttft_ms"],
        median_tpot_ms=result.record["median_tpot_ms"],
        cpu_s=result.cpu_s,
        peer_cpu_s=result.peer_cpu_s,
        load_1m=os.getloadavg()[0],
    )


def _request(plan: LadderLandscapePlan, batch: Batch, place: int, config: ServerConfig) -> LaunchRequest:
    name = f"batch-{batch.number:03d}-{place}"
    taken = len(list(plan.logs.glob(f"{name}*")))
    return LaunchRequest(
        leg_id=name,
        comparison="landscape",
        config=config,
        model=plan.model,
        log=plan.logs / f"{name}-{taken}.log",
        on_host_sample=_ignore,
    )


def _ignore(sample: HostSample) -> None:
    """The load average of each round is enough here."""
