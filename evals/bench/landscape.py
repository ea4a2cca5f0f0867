"""Records a landscape on a live server: batches of co-resident servers, loaded one at a time in turns."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.evals.bench.grid import Batch, batches, round_orders
from bankable.evals.bench.records import GridKnob, Header, LaunchRow, RoundRow, check_header, read_partial
from bankable.tools.evidence.records import EngineIdentity, Failure, HostSample, ServerConfig, Workload
from bankable.tools.evidence.store import AppendLog
from bankable.tools.search.space import Dimension, SearchSpace
from bankable.tools.search.trial_log import NOT_ITS_FAULT
from bankable.tools.serving.driver import Driver, LaunchFailed, LaunchRequest, RoundFailed, RoundLoad, Server

SEED_STEP = 1000
"""Data seeds of two replicates are this far apart."""


@dataclass(frozen=True)
class LandscapePlan:
    """What to record, and where."""

    out: Path
    logs: Path
    """Folder for the servers' own logs."""
    model: str
    grid: Sequence[GridKnob]
    workload: Workload
    launches: int = 3
    rounds: int = 3
    together: int = 4
    seed: int = 1
    limit: int | None = None
    """Number of batches after which to stop; for trials."""


def record(driver: Driver, engine: EngineIdentity, plan: LandscapePlan, say: Callable[[str], None]) -> int:
    """Record the rows that are missing in the file; returns the number of batches recorded now.

    Raises ``UserError`` when the file holds another landscape.
    """
    log = AppendLog(plan.out)
    header = Header(
        grid=list(plan.grid),
        workload=plan.workload,
        model=Path(plan.model).name,
        device=driver.device,
        engine=engine,
        cores=os.cpu_count() or 1,
        together=plan.together,
        launches=plan.launches,
        rounds=plan.rounds,
        seed=plan.seed,
    )
    recorded_header, rows = read_partial(plan.out)
    if recorded_header is None:
        log.append(header.model_dump(mode="json"))
    else:
        check_header(recorded_header, header, plan.out)
    done = {(row.launch, tuple(row.point)) for row in rows if not _blameless(row)}
    everything = batches(plan.grid, plan.launches, plan.together, plan.seed)
    due = [b for b in everything if any((b.launch, p) not in done for p in b.points)][: plan.limit]
    for count, batch in enumerate(due, start=1):
        started = driver.clock()
        for row in _Batch(driver, plan, batch).run():
            log.append(row.model_dump(mode="json"))
        say(f"batch {batch.number} ({count} of {len(due)}) took {driver.clock() - started:.0f} s")
    return len(due)


def _blameless(row: LaunchRow) -> bool:
    """Whether it failed for a reason that is not the configuration's: then it is recorded again."""
    return row.failure is not None and row.failure.kind in NOT_ITS_FAULT


@dataclass
class _Member:
    """One server of a batch while it runs."""

    point: tuple[int, ...]
    config: ServerConfig
    server: Server | None = None
    failure: Failure | None = None
    startup_s: float = 0.0
    round_s: float = 0.0

    def __post_init__(self) -> None:
        self.rounds: list[RoundRow] = []


class _Batch:
    def __init__(self, driver: Driver, plan: LandscapePlan, batch: Batch) -> None:
        self._driver, self._plan, self._batch = driver, plan, batch
        space = SearchSpace(tuple(Dimension(k.name, tuple(k.values), k.env) for k in plan.grid))
        self._members = []
        for point in batch.points:
            flags, env = space.settings(point)
            self._members.append(_Member(point, ServerConfig(flags=flags, env=env)))
        self._startup_s = 0.0

    def run(self) -> list[LaunchRow]:
        """Launch all servers of a batch, load them in turns, stop all."""
        try:
            self._launch()
            for order in round_orders(len(self._members), 1):
                self._rounds(order, -1)
            for index, order in enumerate(round_orders(len(self._members), self._plan.rounds)):
                self._rounds(order, index)
        finally:
            for member in self._members:
                if member.server is not None:
                    member.server.close()
        return [self._row(m) for m in self._members]

    def _launch(self) -> None:
        started = self._driver.clock()
        answers = self._driver.launch([self._request(i, m) for i, m in enumerate(self._members)])
        self._startup_s = self._driver.clock() - started
        for member, answer in zip(self._members, answers, strict=True):
            if isinstance(answer, LaunchFailed):
                member.failure, member.startup_s = answer.failure, self._startup_s
            else:
                member.server = answer
                member.startup_s = answer.identity.ready_at - answer.identity.launched_at

    def _request(self, place: int, member: _Member) -> LaunchRequest:
        name = f"batch-{self._batch.number:03d}-{place}"
        taken = len(list(self._plan.logs.glob(f"{name}*")))
        return LaunchRequest(
            leg_id=name,
            comparison="landscape",
            config=member.config,
            model=self._plan.model,
            log=self._plan.logs / f"{name}-{taken}.log",
            on_host_sample=_ignore,
        )

    def _rounds(self, order: Sequence[int], index: int) -> None:
        seed = self._plan.seed + SEED_STEP * (self._batch.launch + 1) + index
        for member in (self._members[i] for i in order):
            if member.server is not None and member.failure is None:
                self._round(member, member.server, RoundLoad(self._plan.workload, seed, index))

    def _round(self, member: _Member, server: Server, load: RoundLoad) -> None:
        peers = [m.server for m in self._members if m.server is not None and m is not member]
        began = self._driver.clock()
        try:
            result = server.round(load, peers)
        except RoundFailed as error:
            member.failure = error.failure
            return
        finally:
            member.round_s += self._driver.clock() - began
        if load.index < 0:
            return
        member.rounds.append(
            RoundRow(
                started=result.started,
                seconds=result.ended - result.started,
                output_throughput=result.record["output_throughput"],
                median_ttft_ms=result.record["median_ttft_ms"],
                median_tpot_ms=result.record["median_tpot_ms"],
                cpu_s=result.cpu_s,
                peer_cpu_s=result.peer_cpu_s,
                load_1m=os.getloadavg()[0],
            )
        )

    def _row(self, member: _Member) -> LaunchRow:
        return LaunchRow(
            batch=self._batch.number,
            launch=self._batch.launch,
            point=list(member.point),
            flags=member.config.flags,
            env=member.config.env,
            rounds=member.rounds,
            startup_s=member.startup_s,
            batch_startup_s=self._startup_s,
            round_s=member.round_s,
            failure=member.failure,
        )


def _ignore(sample: HostSample) -> None:
    """The load average of each round is enough here."""
