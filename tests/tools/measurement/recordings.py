"""Tiny recordings, and the context of a run that replays one: real parts, virtual time, figures to order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.records import (
    BenchRun,
    Block,
    ComparisonKind,
    EngineIdentity,
    Failure,
    Generation,
    HostSample,
    LaunchPlan,
    LegRecord,
    LegSpan,
    Lever,
    Plan,
    RoundStamp,
    ServerConfig,
    Side,
    Workload,
)
from bankable.tools.measurement.plan import round_order
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import MeasurementProtocol, RunContext
from bankable.tools.serving.driver import AccuracyQuestion, ProbePrompt
from bankable.tools.serving.recording import Recording
from bankable.tools.serving.replay import ReplayDriver

BASE = ServerConfig(flags={"chunked_prefill_size": 512})
LEVER = Lever(flags={"chunked_prefill_size": 64})
CHANGED = BASE.with_lever(LEVER)
START_S, ROUND_S = 20.0, 10.0
PROMPT = ProbePrompt("p1", "The capital of France is", 8)
QUESTION = AccuracyQuestion("q1", ProbePrompt("q1", "How many eggs?", 8), "18")
ENGINE = EngineIdentity(python="3.11", sglang="0.5.23", torch="2.13", tree_digest=None)


def record_leg(
    root: Path,
    comparison: str,
    leg_id: str,
    config: ServerConfig,
    rates: Sequence[float],
    *,
    failure: Failure | None = None,
    resolved: dict[str, Any] | None = None,
    launched_at: float = 1000.0,
) -> Path:
    """A leg with one timed round for each rate, tokens per second. A failure without rounds is one of the launch."""
    place = root / "search" if comparison == "search" else root / "comparisons" / comparison
    folder = place / "legs" / leg_id
    folder.mkdir(parents=True)
    ready = None if failure and not rates else launched_at + START_S
    begin = launched_at + START_S + ROUND_S
    spans = [LegSpan(kind="warmup", started=begin - ROUND_S, ended=begin)]
    leg = LegRecord(
        leg_id=leg_id,
        comparison=comparison,
        run_id="recorded",
        block=0,
        side=Side.CANDIDATE if "candidate" in leg_id else Side.REFERENCE,
        driver="live",
        lifecycle="fresh",
        model="tiny",
        model_digest="a" * 64,
        argv=["sglang.launch_server"],
        env={},
        config=config,
        engine=ENGINE,
        device="cpu",
        device_set=["0", "1"],
        host="bench-1",
        boot_id="boot",
        pid=4242,
        launched_at=launched_at,
        ready_at=ready,
        stopped_at=begin + ROUND_S * len(rates),
        warmups=1,
        timed_rounds=len(rates),
        status="failed" if failure else "complete",
        failure=failure,
        spans=spans,
    )
    runs = [_run(leg_id, index, rate, begin + ROUND_S * index) for index, rate in enumerate(rates)]
    info = {**config.flags, "max_total_num_tokens": 4096, **(resolved or {})}
    (folder / "leg.json").write_bytes(orjson.dumps(leg.model_dump(mode="json")))
    (folder / "bench_runs.jsonl").write_bytes(b"".join(orjson.dumps(run) + b"\n" for run in runs))
    (folder / "server_info.json").write_bytes(orjson.dumps(info))
    (folder / "server.log").write_text("ready\n")
    answers = [_generation(repeat) for repeat in (0, 1)]
    (folder / "outputs.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in answers))
    sample = HostSample(t=begin, cpu_percent=50.0, load_1m=1.0, mem_available_bytes=1 << 30)
    (folder / "host.jsonl").write_bytes(orjson.dumps(sample.model_dump()) + b"\n")
    return folder


def replaying(recorded: Path, out: Path, **changes: Any) -> tuple[RunContext, list[ProgressEvent]]:
    """The context of a run that replays ``recorded`` into the folder ``out``, and the events that it reports."""
    (recorded / "run.json").write_text('{"schema_version": 1, "run_id": "recorded", "config": {}}')
    driver, events = ReplayDriver(Recording(recorded)), list[ProgressEvent]()
    folder = RunFolder.open(out) if (out / "run.json").is_file() else RunFolder.create(out, "r1", {})
    settings: dict[str, Any] = {
        "run_id": "r1",
        "model": "tiny",
        "driver": driver,
        "folder": folder,
        "workload": Workload(num_prompts=4, input_len=8, output_len=4, concurrency=2),
        "protocol": MeasurementProtocol(LaunchPlan.CORESIDENT, (5, 7), 2, 2, 2, 0.01, 1),
        "base": BASE,
        "prompts": [PROMPT],
        "questions": [QUESTION],
        "known_flags": frozenset(BASE.flags),
        "cores": 2,
        "deadline": driver.clock() + 1e6,
        "watch": events.append,
    }
    return RunContext(**{**settings, **changes}), events


def plan_of(
    kind: ComparisonKind = ComparisonKind.PATCH, launch_plan: LaunchPlan = LaunchPlan.CORESIDENT, blocks: int = 1
) -> Plan:
    """Two timed rounds a leg; the reference goes first in even blocks."""
    sides = (Side.REFERENCE, Side.CANDIDATE)
    return Plan(
        name=kind.value,
        run_id="r1",
        kind=kind,
        model="tiny",
        reference=BASE,
        lever=Lever() if kind is ComparisonKind.CONTROL else LEVER,
        workload=Workload(num_prompts=4, input_len=8, output_len=4, concurrency=2),
        launch_plan=launch_plan,
        rounds_per_leg=2,
        looks=(blocks,),
        alpha=0.05,
        blocks=tuple(
            Block(
                index=index,
                order=sides if index % 2 == 0 else sides[::-1],
                rounds=round_order(sides[index % 2], launch_plan, 2),
                seeds=(10 * index + 1, 10 * index + 2),
                warmup_seed=10 * index + 9,
            )
            for index in range(blocks)
        ),
        seed=1,
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _run(leg_id: str, index: int, rate: float, started: float) -> dict[str, Any]:
    stamp = RoundStamp(
        leg_id=leg_id,
        index=index,
        seed=-1 - index,
        started=started,
        ended=started + ROUND_S,
        request_digest="b" * 64,
        issued=4,
        cpu_s=1.5,
        peer_cpu_s=0.25,
        flushed=True,
    )
    run = BenchRun(
        duration=16 / rate,
        completed=4,
        total_input_tokens=32,
        total_output_tokens=16,
        output_throughput=rate,
        request_throughput=rate / 4,
        input_lens=[8] * 4,
        output_lens=[4] * 4,
        ttfts=[0.01] * 4,
        itls=[[0.01] * 3] * 4,
        errors=[""] * 4,
        server_info={},
        bankable=stamp,
        median_ttft_ms=1000 / rate,
        median_tpot_ms=1000 / rate,
        median_itl_ms=1000 / rate,
        p99_ttft_ms=1000 / rate,
        p99_tpot_ms=1000 / rate,
        p99_itl_ms=1000 / rate,
    )
    return run.model_dump(mode="json")


def _generation(repeat: int) -> dict[str, Any]:
    answer = Generation(
        prompt_id=PROMPT.prompt_id,
        repeat=repeat,
        prompt=PROMPT.text,
        token_ids=[1, 2],
        text=" Paris.",
        finish_reason="length",
    )
    return answer.model_dump(mode="json")
