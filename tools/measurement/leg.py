"""One leg's evidence: a folder that fills while a server runs and is closed, once, when it has stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from bankable.tools.evidence.records import (
    BenchRun,
    EngineIdentity,
    Failure,
    HostSample,
    LegRecord,
    LegSpan,
    RoundStamp,
    ServerConfig,
    Side,
)
from bankable.tools.evidence.store import AppendLog, json_bytes, write_once
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.overlay.folder import overlay_digest
from bankable.tools.overlay.reports import OverlayState
from bankable.tools.serving.driver import LaunchIdentity, LaunchRequest, RoundLoad, RoundResult, Server

PREPARED = ".leg.json"


@dataclass(frozen=True)
class TimedRound:
    """A round as it was recorded."""

    record: dict[str, Any]
    """The benchmark's own record, with per-request lists."""
    stamp: RoundStamp

    @property
    def output_throughput(self) -> float:
        """Output tokens per second."""
        return float(self.record["output_throughput"])

    def run(self) -> BenchRun:
        """The record with its stamp, checked."""
        return BenchRun.model_validate({**self.record, "bankable": self.stamp})


class LegWriter:
    """Opens the folder of a launch. Nothing else writes there."""

    def __init__(
        self, context: RunContext, folder: Path, comparison: str, block: int, side: Side, config: ServerConfig
    ) -> None:
        self.context, self.folder, self.comparison = context, folder, comparison
        self.block, self.side, self.config = block, side, config
        self.leg_id = folder.name
        self.warmups = 0
        self.timed = 0
        folder.mkdir(parents=True)
        self._overlay: Path | None = None
        self._overlay_digest: str | None = None
        self._modules: dict[str, str] = {}
        self._opened = context.driver.clock()
        self._spans: list[LegSpan] = []
        self._runs = AppendLog(folder / "bench_runs.jsonl")
        self._host = AppendLog(folder / "host.jsonl")

    def request(self) -> LaunchRequest:
        """What to ask the driver for."""
        return LaunchRequest(
            leg_id=self.leg_id,
            comparison=self.comparison,
            config=self.config,
            model=self.context.model,
            log=self.folder / "server.log",
            on_host_sample=self._sample,
            overlay=self._overlay,
            overlay_digest=self._overlay_digest,
            reports=self.folder / "overlay" if self._overlay else None,
        )

    def lay(self, overlay: Path, replaces: bool) -> None:
        """Launch with an overlay on the path. One that replaces nothing is no part of what is compared."""
        self._overlay = overlay
        self._overlay_digest = overlay_digest(overlay) if replaces else None

    def overlay(self, state: OverlayState) -> None:
        """Record the reports of the server's processes about their operators, once, after the last round."""
        self._modules = dict(state.modules)
        self.lines("engagement.jsonl", state.markers)

    def _sample(self, sample: HostSample) -> None:
        self._host.append(sample.model_dump(exclude_none=True))

    def server_info(self, server: Server) -> None:
        """Keep the resolved arguments as the server reports them."""
        write_once(self.folder / "server_info.json", json_bytes(server.server_info()))

    def warm(self, server: Server, load: RoundLoad, peers: list[Server]) -> None:
        """A full round whose result is discarded; only that it happened is recorded."""
        with self.span("warmup"):
            server.round(load, peers)
        self.warmups += 1

    def round(self, server: Server, load: RoundLoad, peers: list[Server]) -> TimedRound:
        """Run a timed round and record it."""
        with self.span("round"):
            result = server.round(load, peers)
        timed = TimedRound(result.record, self._stamp(load, result))
        self._runs.append({**timed.record, "bankable": timed.stamp.model_dump()})
        self.timed += 1
        return timed

    @contextmanager
    def span(self, kind: Literal["warmup", "probe", "profile", "round"]) -> Iterator[None]:
        """Note what the launch is busy with."""
        started = self.context.driver.clock()
        yield
        self._spans.append(LegSpan(kind=kind, started=started, ended=self.context.driver.clock()))

    def _stamp(self, load: RoundLoad, result: RoundResult) -> RoundStamp:
        return RoundStamp(
            leg_id=self.leg_id,
            index=load.index,
            seed=load.seed,
            started=result.started,
            ended=result.ended,
            request_digest=result.request_digest,
            issued=result.issued,
            cpu_s=result.cpu_s,
            peer_cpu_s=result.peer_cpu_s,
            flushed=result.flushed,
        )

    def lines(self, name: str, records: Iterable[BaseModel]) -> None:
        """Append records to one of the leg's logs."""
        log = AppendLog(self.folder / name)
        for record in records:
            log.append(record.model_dump(mode="json"))

    def close(self, identity: LaunchIdentity | None, stopped_at: float, failure: Failure | None) -> LegRecord:
        """Write ``leg.json`` and enter the whole folder in the ledger."""
        record = self.prepare(identity, stopped_at, failure)
        publish(self.context, self.folder)
        return record

    def prepare(self, identity: LaunchIdentity | None, stopped_at: float, failure: Failure | None) -> LegRecord:
        """Write what ``leg.json`` will hold under a hidden name; ``publish`` makes it count."""
        context, spans = self.context, list(self._spans)
        if identity:
            spans.insert(0, LegSpan(kind="start", started=identity.launched_at, ended=identity.ready_at))
        record = LegRecord(
            leg_id=self.leg_id,
            comparison=self.comparison,
            run_id=context.run_id,
            block=self.block,
            side=self.side,
            driver=context.driver.kind,
            lifecycle=identity.lifecycle if identity else "fresh",
            model=context.model,
            model_digest=identity.model_digest if identity else None,
            argv=identity.argv if identity else [],
            env=identity.env if identity else {},
            config=self.config,
            overlay_digest=self._overlay_digest,
            modules=self._modules,
            engine=identity.engine if identity else NO_ENGINE,
            device=context.driver.device,
            device_set=identity.device_set if identity else [],
            host=identity.host if identity else "",
            boot_id=identity.boot_id if identity else "",
            pid=identity.pid if identity else 0,
            launched_at=identity.launched_at if identity else self._opened,
            ready_at=identity.ready_at if identity else None,
            stopped_at=stopped_at,
            warmups=self.warmups,
            timed_rounds=self.timed,
            status="failed" if failure else "complete",
            failure=failure,
            spans=spans,
            source=identity.source if identity else None,
        )
        write_once(self.folder / PREPARED, json_bytes(record.model_dump(mode="json")))
        return record


def publish(context: RunContext, folder: Path) -> LegRecord | None:
    """Close a leg that is prepared; the record of a leg that is closed; ``None`` for one that is neither.

    Co-resident legs are all prepared before the first is published, so that a crash never leaves half a block closed.
    """
    if (folder / PREPARED).is_file():
        (folder / PREPARED).rename(folder / "leg.json")
    if not (folder / "leg.json").is_file():
        return None
    context.folder.ledger.enter_tree(folder)
    return LegRecord.model_validate_json((folder / "leg.json").read_bytes())


NO_ENGINE = EngineIdentity(python="", sglang="", torch="", tree_digest=None)
"""For a launch that failed before anything could be asked."""


def read_runs(leg: Path) -> list[BenchRun]:
    """The timed rounds of a leg, in order; a torn last line is passed over."""
    runs = []
    for line in (leg / "bench_runs.jsonl").read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            runs.append(BenchRun.model_validate_json(line))
    return runs
