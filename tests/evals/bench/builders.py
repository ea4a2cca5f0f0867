"""A made-up landscape and a made-up server for the tests of the benches. Labelled synthetic; never a result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import numpy as np

from bankable.evals.bench.grid import batches
from bankable.evals.bench.records import GridKnob, Header, Landscape, LaunchRow, RoundRow
from bankable.tools.evidence.records import Answer, EngineIdentity, Failure, Generation, ServerConfig, Workload
from bankable.tools.serving.driver import (
    AccuracyQuestion,
    LaunchFailed,
    LaunchIdentity,
    LaunchRequest,
    ProbePrompt,
    RoundFailed,
    RoundLoad,
    RoundResult,
    Server,
)

GRID = (
    GridKnob(name="stream_interval", values=[1, 8, 32]),
    GridKnob(name="disable_overlap_schedule", values=[None, True]),
    GridKnob(name="dtype", values=[None, "float32"]),
    GridKnob(name="OMP_NUM_THREADS", values=["1", "2"], env=True),
)
WORKLOAD = Workload(num_prompts=8, input_len=32, output_len=8, concurrency=4)
ENGINE = EngineIdentity(python="3.11", sglang="0.5.23", torch="2.13", tree_digest=None)


def true_log(flags: dict[str, Any], env: dict[str, str]) -> float:
    """Log throughput over the reference's: additive, with one interaction."""
    gain = {1: 0.0, 8: 0.1, 32: 0.15}[flags.get("stream_interval", 1)]
    gain += 0.06 if flags.get("disable_overlap_schedule") else 0.0
    gain -= 0.12 if flags.get("dtype") == "float32" else 0.0
    if env.get("OMP_NUM_THREADS") == "2":
        gain += 0.04 if flags.get("disable_overlap_schedule") else -0.1
    return gain


def landscape(noise: float = 0.02, drift: float = 0.1, launches: int = 3, fails: str | None = None) -> Landscape:
    """All 24 configurations; batch effects and launch noise as given; launches with the dtype ``fails`` die."""
    header = Header(
        grid=list(GRID),
        workload=WORKLOAD,
        model="synthetic",
        device="cpu",
        engine=ENGINE,
        cores=2,
        together=4,
        launches=launches,
        rounds=3,
        seed=1,
        synthetic=True,
    )
    rng = np.random.default_rng(5)
    rows = []
    for batch in batches(GRID, launches, 4, 1):
        effect = float(rng.normal(0, drift))
        for point in batch.points:
            values = {k.name: k.values[i] for k, i in zip(GRID, point, strict=True) if i}
            env = {n: str(v) for n, v in values.items() if n == "OMP_NUM_THREADS"}
            flags = {n: v for n, v in values.items() if n not in env and v is not None}
            speed = 300 * math.exp(true_log(flags, env) + effect + float(rng.normal(0, noise)))
            dead = fails is not None and flags.get("dtype") == fails
            rounds = [] if dead else [round_row(speed) for _ in range(3)]
            rows.append(
                LaunchRow(
                    batch=batch.number,
                    launch=batch.launch,
                    point=list(point),
                    flags=flags,
                    env=env,
                    rounds=rounds,
                    startup_s=60,
                    batch_startup_s=80,
                    round_s=0 if dead else 12,
                    failure=Failure(kind="died_early", line="dead") if dead else None,
                )
            )
    return Landscape(header=header, launches=rows)


def round_row(speed: float) -> RoundRow:
    return RoundRow(
        started=0,
        seconds=3,
        output_throughput=speed,
        median_ttft_ms=50,
        median_tpot_ms=20,
        cpu_s=3,
        peer_cpu_s=0.1,
        load_1m=1,
    )


@dataclass
class FakeServer:
    """Answers rounds with the throughput of the made-up landscape and a clock that the driver owns."""

    driver: FakeDriver
    config: ServerConfig
    fails_at: int | None = None
    closed: bool = False

    @property
    def identity(self) -> LaunchIdentity:
        return LaunchIdentity(
            argv=[],
            env={},
            engine=ENGINE,
            model_digest=None,
            device="cpu",
            device_set=[],
            host="h",
            boot_id="b",
            pid=1,
            launched_at=self.driver.now - 30,
            ready_at=self.driver.now,
            lifecycle="fresh",
        )

    def round(self, load: RoundLoad, peers: Sequence[Server] = ()) -> RoundResult:
        assert not self.closed
        self.driver.loads.append((self.config, load.index, load.seed, len(peers)))
        if self.fails_at == load.index:
            raise RoundFailed(Failure(kind="died_in_round", line="killed"))
        started = self.driver.now
        self.driver.now += 2.0
        speed = 300 * math.exp(true_log(dict(self.config.flags), self.config.env))
        record = {"output_throughput": speed, "median_ttft_ms": 50.0, "median_tpot_ms": 20.0}
        return RoundResult(record, started, self.driver.now, "0" * 64, 8, 1.5, 0.1, True)

    def close(self) -> float:
        self.closed = True
        return self.driver.now

    def server_info(self) -> dict[str, Any]:
        return {}

    def generate(self, prompts: Sequence[ProbePrompt], repeat: int = 0) -> list[Generation]:
        return []

    def answer(self, questions: Sequence[AccuracyQuestion], concurrency: int = 8) -> list[Answer]:
        return []

    def profile(self, load: RoundLoad, steps: int, folder: Any) -> list[Any]:
        return []


@dataclass
class FakeDriver:
    """Launches fake servers; ``refuses`` names a dtype that does not start."""

    refuses: str | None = None
    breaks_after: int | None = None
    """Raise KeyboardInterrupt at that many launches: somebody killed the recorder."""
    failure: Literal["died_early", "port_taken"] = "died_early"
    now: float = 0.0
    kind: Literal["live", "replay", "attached"] = "live"
    device: Literal["cpu", "cuda", "rocm"] = "cpu"
    can_launch: bool = True
    launched: int = 0
    loads: list[tuple[ServerConfig, int, int, int]] = field(default_factory=list)
    servers: list[FakeServer] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def launch(self, requests: Sequence[LaunchRequest]) -> list[Server | LaunchFailed]:
        if self.breaks_after is not None and self.launched >= self.breaks_after:
            raise KeyboardInterrupt
        self.now += 40.0
        answers: list[Server | LaunchFailed] = []
        for request in requests:
            self.launched += 1
            if request.config.flags.get("dtype") == self.refuses and self.refuses:
                answers.append(LaunchFailed(Failure(kind=self.failure, line="no")))
            else:
                server = FakeServer(self, request.config)
                self.servers.append(server)
                answers.append(server)
        return answers

    def close(self) -> None:
        pass


def all_points() -> set[tuple[int, ...]]:
    return set(product(*(range(len(k.values)) for k in GRID)))
