"""Tiny honest run folders, consistent down to the last figure. A fraud is an honest folder with one edit."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from nodes.auditor.engine import evaluate
from nodes.auditor.verdict import Finding, Severity, Verdict
from tools.evidence.canonical import canonical, digest
from tools.evidence.records import (
    BenchRun,
    Block,
    Claim,
    Kind,
    LatencySummary,
    LaunchPlan,
    Lever,
    Plan,
    ServerConfig,
    Side,
    Workload,
)
from tools.evidence.seal import Scope, seal
from tools.statistics.latency import recompute, summarize
from tools.statistics.paired import block_difference, decide

RUN_ID = "run-0001"
ROUNDS = 3
PROMPTS, INPUT, OUTPUT, CONCURRENCY = 8, 16, 8, 4
LEVER = Lever(flags={"stream_interval": 8})
REFERENCE = ServerConfig(flags={"attention_backend": "torch_native", "max_total_tokens": 65536})
TEXTS = (
    "The station opens at seven and the first train leaves ten minutes later.",
    "She bought three apples and two pears, so she has five pieces of fruit.",
    "A river runs past the old mill before it reaches the village.",
    "He counted the chairs twice and wrote the number on the door.",
)
TOLD = "The server is fired up and ready to roll!"
Json = dict[str, Any]


@dataclass
class Recipe:
    """What an honest comparison measured. Rates in tokens per second, one sample per round around the given mean."""

    name: str = "control"
    kind: Kind = Kind.CONTROL
    lever: Lever = field(default_factory=Lever)
    reference_rate: float = 400.0
    gain: float = 0.0
    """True gain of the candidate, as a fraction."""
    block_sd: float = 0.02
    """Standard deviation of a launch's log rate."""
    round_sd: float = 0.02
    """Standard deviation of a round's log rate within a launch."""
    blocks: int = 6
    looks: tuple[int, ...] = (6,)
    alpha: float = 0.05
    launch_plan: LaunchPlan = LaunchPlan.CORESIDENT
    seed: int = 1
    start: float = 1_000_000.0
    info: Json = field(default_factory=dict)
    """Resolved arguments of the candidate beside those that the lever sets."""


def run_folder(root: Path, *recipes: Recipe) -> Path:
    """A run folder with these comparisons."""
    root.mkdir(parents=True, exist_ok=True)
    write(root / "run.json", {"schema_version": 1, "run_id": RUN_ID, "config": {}})
    for recipe in recipes:
        comparison(root / "comparisons" / recipe.name, recipe)
    return root


def standard_run(root: Path, **patch: Any) -> Path:
    """A control and one patch with a clear gain."""
    settings: Json = {"name": "patch-stream_interval", "kind": Kind.PATCH, "lever": LEVER, "gain": 0.30}
    return run_folder(root, Recipe(), Recipe(**{**settings, "seed": 2, "start": 1_010_000.0, **patch}))


def plan_of(recipe: Recipe) -> Plan:
    orders = [(Side.REFERENCE, Side.CANDIDATE), (Side.CANDIDATE, Side.REFERENCE)]
    blocks = []
    for index in range(max(recipe.looks)):
        first, second = orders[index % 2]
        if recipe.launch_plan is LaunchPlan.CORESIDENT:
            rounds = tuple(side for k in range(ROUNDS) for side in ((first, second) if k % 2 == 0 else (second, first)))
        else:
            rounds = (first,) * ROUNDS + (second,) * ROUNDS
        seeds = tuple(1000 * index + k for k in range(ROUNDS))
        order = (first, second)
        blocks.append(Block(index=index, order=order, rounds=rounds, seeds=seeds, warmup_seed=1000 * index + 99))
    return Plan(
        name=recipe.name,
        run_id=RUN_ID,
        kind=recipe.kind,
        model="tiny",
        reference=REFERENCE,
        lever=recipe.lever,
        workload=Workload(num_prompts=PROMPTS, input_len=INPUT, output_len=OUTPUT, concurrency=CONCURRENCY),
        launch_plan=recipe.launch_plan,
        rounds_per_leg=ROUNDS,
        looks=recipe.looks,
        alpha=recipe.alpha,
        blocks=tuple(blocks),
        seed=recipe.seed,
    )


def comparison(folder: Path, recipe: Recipe) -> None:
    """Plan, legs and the honest claim of a comparison."""
    plan, rng, clock = plan_of(recipe), random.Random(recipe.seed), recipe.start
    write(folder / "plan.json", plan.model_dump(mode="json"))
    runs: dict[Side, list[list[BenchRun]]] = {side: [] for side in Side}
    for block in plan.blocks[: recipe.blocks]:
        rates = {
            side: recipe.reference_rate
            * (1 + (recipe.gain if side is Side.CANDIDATE else 0.0))
            * math.exp(rng.gauss(0, recipe.block_sd))
            for side in Side
        }
        clock, measured = _block(folder, plan, block, rates=rates, rng=rng, clock=clock, recipe=recipe)
        for side in Side:
            runs[side].append(measured[side])
    write(folder / "claim.json", honest_claim(plan, runs).model_dump(mode="json"))


def honest_claim(plan: Plan, runs: dict[Side, list[list[BenchRun]]]) -> Claim:
    figures = {side: [[recompute(run) for run in launch] for launch in runs[side]] for side in Side}
    pairs = zip(figures[Side.REFERENCE], figures[Side.CANDIDATE], strict=True)
    ds = [block_difference([a.output_throughput for a in x], [b.output_throughput for b in y]) for x, y in pairs]
    decision = decide(ds, plan.alpha, plan.floor, plan.looks)
    return Claim(
        comparison=plan.name,
        run_id=plan.run_id,
        lever=plan.lever,
        metric=plan.metric,
        reference=summarize(figures[Side.REFERENCE]),
        candidate=summarize(figures[Side.CANDIDATE]),
        delta=decision.gain,
        interval=decision.gain_interval,
        blocks=decision.n,
        decision=decision.verdict,
        headline=f"output throughput {decision.gain:+.1%}",
    )


def bench_record(rate: float, seed: int, info: Json, rng: random.Random) -> Json:
    """One round as sglang records it, at ``rate`` output tokens per second."""
    duration = PROMPTS * OUTPUT / rate
    wave = duration * CONCURRENCY / PROMPTS
    ttfts = [wave * 0.2 * rng.uniform(0.9, 1.1) for _ in range(PROMPTS)]
    itls = [[wave * 0.75 / (OUTPUT - 1)] * (OUTPUT - 1) for _ in range(PROMPTS)]
    record: Json = {
        "backend": "sglang", "dataset_name": "random-ids", "request_rate": "inf", "max_concurrency": CONCURRENCY,
        "random_input_len": INPUT, "random_output_len": OUTPUT, "random_range_ratio": 1.0,
        "server_info": info, "duration": duration, "completed": PROMPTS, "total_input_tokens": PROMPTS * INPUT,
        "total_output_tokens": PROMPTS * OUTPUT, "input_lens": [INPUT] * PROMPTS, "output_lens": [OUTPUT] * PROMPTS,
        "ttfts": ttfts, "itls": itls, "errors": [""] * PROMPTS, "cached_tokens": [0] * PROMPTS,
        "generated_texts": [f"answer {seed} {index}" for index in range(PROMPTS)],
    }  # fmt: skip
    return reported(record)


def reported(record: Json) -> Json:
    """The record with its summary figures worked out from its lists."""
    zeros = dict.fromkeys((*LatencySummary.model_fields, "p99_tpot_ms"), 0.0)
    stamp = {
        "leg_id": "x", "index": 0, "seed": 0, "started": 0.0, "ended": 1.0, "request_digest": "0" * 64, "issued": 1,
        "cpu_s": 0.0, "flushed": True,
    }  # fmt: skip
    figures = recompute(BenchRun.model_validate({**zeros, "bankable": stamp, **record}))
    return {**record, **{name: getattr(figures, name) for name in zeros}}


def resolved(config: ServerConfig, extra: Json) -> Json:
    """A server's resolved arguments, ports and clocks included."""
    base: Json = {
        "model_path": "tiny", "tokenizer_path": "tiny", "version": "0.5.23", "device": "cpu", "dtype": "auto",
        "tp_size": 1, "chunked_prefill_size": 4096, "stream_interval": 1, "mem_fraction_static": 0.7,
        "max_running_requests": None, "schedule_policy": "fcfs", "disable_radix_cache": False,
        "max_total_num_tokens": 65536, "max_req_input_len": 4090, "random_seed": random.getrandbits(20),
        "port": random.randrange(30000, 31000), "page_size": 1,
        "internal_states": [{"last_gen_throughput": random.random(), "memory_usage": {"token_capacity": 65536}}],
    }  # fmt: skip
    return {**base, **config.flags, **extra}


def _block(
    folder: Path,
    plan: Plan,
    block: Block,
    *,
    rates: dict[Side, float],
    rng: random.Random,
    clock: float,
    recipe: Recipe,
) -> tuple[float, dict[Side, list[BenchRun]]]:
    legs = {side: folder / "legs" / f"b{block.index:02d}-{side.value}" for side in Side}
    configs = {Side.REFERENCE: plan.reference, Side.CANDIDATE: plan.reference.with_lever(plan.lever)}
    extra = {Side.REFERENCE: {}, Side.CANDIDATE: recipe.info}
    infos = {side: resolved(configs[side], extra[side]) for side in Side}
    together = plan.launch_plan is LaunchPlan.CORESIDENT
    launched: dict[Side, float] = {}
    stopped: dict[Side, float] = {}
    lines: dict[Side, list[Json]] = {side: [] for side in Side}
    if together:
        launched = dict.fromkeys(Side, clock)
        clock += 40
    for position, side in enumerate(block.rounds):
        if side not in launched:
            launched[side] = clock
            clock += 40
        index = len(lines[side])
        record = bench_record(
            rates[side] * math.exp(rng.gauss(0, recipe.round_sd)), block.seeds[index], infos[side], rng
        )
        started, clock = clock, clock + record["duration"] + 0.1
        stamp = {
            "leg_id": legs[side].name, "index": index, "seed": block.seeds[index], "started": started, "ended": clock,
            "request_digest": digest(canonical(["prompts", block.seeds[index]])), "issued": PROMPTS,
            "cpu_s": 1.5 * record["duration"], "peer_cpu_s": 0.01 * record["duration"] if together else None,
            "flushed": True,
        }  # fmt: skip
        lines[side].append({**record, "bankable": stamp})
        clock += 1
        if not together and side not in block.rounds[position + 1 :]:
            stopped[side] = clock = clock + 2
    stopped = {side: stopped.get(side, clock + 2) for side in Side}
    for side in Side:
        _leg(
            legs[side], plan, block, side, config=configs[side], info=infos[side],
            launched=launched[side], stopped=stopped[side], rounds=lines[side],
        )  # fmt: skip
    runs = {side: [BenchRun.model_validate(line) for line in lines[side]] for side in Side}
    return max(stopped.values()) + 3, runs


def _leg(
    folder: Path, plan: Plan, block: Block, side: Side, *, config: ServerConfig, info: Json,
    launched: float, stopped: float, rounds: list[Json],
) -> None:  # fmt: skip
    argv = ["python", "-m", "sglang.launch_server", "--model-path", "tiny", "--port", str(info["port"])]
    argv += [part for name, value in config.flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    pid = 100 + 2 * block.index + (side is Side.CANDIDATE)
    record = {
        "schema_version": 1, "leg_id": folder.name, "comparison": plan.name, "run_id": plan.run_id,
        "block": block.index, "side": side.value, "driver": "live", "lifecycle": "fresh", "model": plan.model,
        "model_digest": "a" * 64, "argv": argv, "env": {"OMP_NUM_THREADS": "1", **config.env},
        "config": config.model_dump(mode="json"), "overlay_digest": None,
        "engine": {
            "python": "3.11.7", "sglang": "0.5.23", "torch": "2.13.0", "tree_digest": "b" * 64,
            "versions": {"transformers": "5.0"},
        },
        "device": "cpu", "device_set": ["cpu"], "host": "box", "boot_id": "boot-1", "pid": pid,
        "launched_at": launched, "ready_at": launched + 30, "stopped_at": stopped, "warmups": 1,
        "timed_rounds": len(rounds), "status": "complete", "failure": None, "source": None,
    }  # fmt: skip
    write(folder / "leg.json", record)
    write(folder / "server_info.json", info)
    write_lines(folder / "bench_runs.jsonl", rounds)
    (folder / "server.log").write_text(server_log())
    samples = [
        {"t": launched + second, "cpu_percent": 60.0, "load_1m": 1.5, "mem_available_bytes": 8 << 30,
         "steal_percent": 0.0, "gpu": [], "tenants": []}
        for second in range(38, int(stopped - launched) + 1)
    ]  # fmt: skip
    write_lines(folder / "host.jsonl", samples)
    if block.index == 0:
        write_lines(folder / "outputs.jsonl", [generation(i, repeat) for repeat in (0, 1) for i in range(len(TEXTS))])
        if plan.kind is not Kind.CONTROL or side is Side.REFERENCE:
            write_lines(folder / "accuracy.jsonl", [answer(i, correct=i % 4 != 0) for i in range(80)])
    if side is Side.CANDIDATE and plan.kind is not Kind.CONTROL:
        found = [
            {"operator": "flag", "name": name, "requested": str(value), "resolved": str(info.get(name)),
             "engaged": info.get(name) == value, "source": "server_info"}
            for name, value in sorted(plan.lever.flags.items())
        ]  # fmt: skip
        write_lines(folder / "engagement.jsonl", found)


def server_log(running: int = CONCURRENCY, usage: float = 0.01, tail: str = "") -> str:
    return (
        "[2026-11-21 19:40:52] Ignore import error when loading sglang.srt.models.grok: no attribute\n"
        f"[2026-11-21 19:40:54] {TOLD}\n"
        "[2026-11-21 19:40:55] Prefill batch, #new-seq: 1, #new-token: 16, #cached-token: 0, token usage: 0.00, "
        "#running-req: 0, #queue-req: 0, cpu graph: False, input throughput (token/s): 3.02\n"
        f"[2026-11-21 19:40:56] Decode batch, #running-req: {running}, #token: 96, token usage: {usage:.2f}, "
        "cpu graph: False, gen throughput (token/s): 400.00, #queue-req: 0\n" + tail
    )


def generation(index: int, repeat: int) -> Json:
    text = TEXTS[index]
    return {
        "prompt_id": f"p{index}", "repeat": repeat, "prompt": f"question {index}", "text": text,
        "token_ids": [sum(map(ord, word)) for word in text.split()], "finish_reason": "stop", "error": None,
    }  # fmt: skip


def answer(index: int, *, correct: bool) -> Json:
    predicted = str(index) if correct else str(index + 1)
    return {
        "question_id": f"q{index}", "expected": str(index), "predicted": predicted, "correct": correct,
        "text": f"The answer is {predicted}.", "error": None,
    }  # fmt: skip


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def write_lines(path: Path, values: list[Json]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(value) + b"\n" for value in values))


def read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def read_lines(path: Path) -> list[Json]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def edit(path: Path, change: Callable[[Json], object]) -> None:
    """Change a JSON file in place."""
    value = read(path)
    change(value)
    write(path, value)


def edit_lines(path: Path, change: Callable[[list[Json]], object]) -> None:
    """Change a JSON-lines file in place; ``change`` gets the list of its objects."""
    values = read_lines(path)
    change(values)
    write_lines(path, values)


def edit_each(path: Path, change: Callable[[Json], object]) -> None:
    """Change every object of a JSON-lines file in place."""
    values = read_lines(path)
    for value in values:
        change(value)
    write_lines(path, values)


def rename_leg(leg: Path, name: str) -> None:
    """Give a leg another name, in its records too."""
    edit(leg / "leg.json", lambda record: record.update(leg_id=name))
    edit_each(leg / "bench_runs.jsonl", lambda row: row["bankable"].update(leg_id=name))
    leg.rename(leg.with_name(name))


def legs(run: Path, name: str = "patch-stream_interval", side: str = "*") -> list[Path]:
    return sorted((run / "comparisons" / name / "legs").glob(f"b*-{side}"))


def judge(run: Path, scope: Scope = "patch", subject: str = "", **options: Any) -> Verdict:
    """Seal and evaluate in this process."""
    subjects = {"baseline": "control", "patch": "patch-stream_interval", "bundle": "bundle", "profile": "profile"}
    dest = run.parent / f"sealed-{scope}"
    if dest.exists():
        for path in [dest, *dest.rglob("*")]:
            path.chmod(0o700)
        shutil.rmtree(dest)
    sealed = seal(run, scope, subject or subjects[scope], 1, dest, **options)
    try:
        return evaluate(sealed.folder)
    finally:
        sealed.discard()


def hits(verdict: Verdict, rule: str, severity: Severity | None = None) -> list[Finding]:
    """Findings of one rule, INFO left out unless asked for."""
    wanted = {severity} if severity else {Severity.FAIL, Severity.FLAG}
    return [finding for finding in verdict.findings if finding.rule == rule and finding.severity in wanted]
