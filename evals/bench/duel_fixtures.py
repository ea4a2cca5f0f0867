"""Forty comparisons in four tools' formats, honest ones and others, with the same question and a known answer.

The question: is the candidate faster by at least the floor? Each side has five launches. An honest comparison with a
gain is to be called proven, and no other one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bankable.evals.fixtures.build import tool_results
from bankable.evals.fixtures.build.tool_results import PROMPTS, dump

LAUNCHES = 5
RATE, SD = 400.0, 0.01
"""Output tokens per second of the reference, and the relative spread of its launches."""
SPACING_S = 3600
"""Seconds between the beginnings of two launches."""
NOISE = (0.80, 1.25, 0.95, 1.15, 0.85), (1.20, 0.92, 1.30, 0.98, 1.10)
"""Launches that scatter by a fifth, with means that differ by luck."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Launch:
    """One launch that is to be written."""

    rate: float
    """Output tokens per second."""
    seed: int
    index: int
    """Number of the launch among both sides; times follow from it."""


@dataclass(frozen=True)
class Variant:
    """How a side differs from a plain measurement."""

    concurrency: int = 4
    model: str = "tiny"
    lost: int = 0
    """Requests that failed."""
    inflated: float = 1.0
    """Factor on the stated rate of tokens."""


Writer = Callable[[Path, Launch, Variant], object]


def _serving(record: Json, variant: Variant) -> Json:
    """The changes of a variant to a record of sglang or vLLM."""
    record |= {"max_concurrency": variant.concurrency}
    record["output_throughput"] *= variant.inflated
    for index in range(variant.lost):
        record["output_lens"][index], record["itls"][index], record["ttfts"][index] = 0, [], 0.0
        record["errors"][index] = "500"
    if variant.lost:
        share = 1.0 - variant.lost / PROMPTS
        record["completed"] = PROMPTS - variant.lost
        for name in ("total_output_tokens", "total_input_tokens"):
            record[name] = round(record[name] * share)
        for name in ("output_throughput", "request_throughput"):
            record[name] *= share
    return record


def write_vllm(folder: Path, launch: Launch, variant: Variant) -> None:
    record = _serving(tool_results.vllm(launch.rate, launch.seed), variant)
    record |= {"model_id": variant.model, "failed": variant.lost, "date": f"20260101-{launch.index:02d}0000"}
    dump(folder / "result.json", record)


def write_sglang(folder: Path, launch: Launch, variant: Variant) -> None:
    info = {"model_path": variant.model, "startup_time": 20.0 + 0.123456789 * (launch.seed + 1)}
    dump(folder / "result.jsonl", _serving(tool_results.sglang(launch.rate, launch.seed, info), variant))


def write_aiperf(folder: Path, launch: Launch, variant: Variant) -> None:
    records = tool_results.aiperf_records(launch.rate, launch.seed)
    for index, record in enumerate(records):
        for name in ("request_start_ns", "request_end_ns"):
            record["metadata"][name] += launch.index * SPACING_S * 1_000_000_000
        if index < variant.lost:
            record |= {"metrics": {}, "error": {"code": 500, "message": "refused"}}
    summary = tool_results.aiperf_summary(launch.rate, launch.seed)
    share = 1.0 - variant.lost / PROMPTS
    summary["input_config"] = {
        "models": {"items": [{"name": variant.model}]},
        "endpoint": {"type": "completions", "streaming": True},
        "phases": [{"name": "profiling", "type": "concurrency", "concurrency": variant.concurrency}],
    }
    for name, factor in (("output_token_throughput", variant.inflated), ("request_throughput", 1.0)):
        summary[name]["avg"] *= share * factor
    for name in ("request_count", "total_osl"):
        summary[name]["avg"] *= share
    if variant.lost:
        summary["error_request_count"] = {"unit": "requests", "avg": float(variant.lost)}
    dump(folder / "profile_export.jsonl", *records)
    dump(folder / "profile_export_aiperf.json", summary, pretty=True)


def write_guidellm(folder: Path, launch: Launch, variant: Variant) -> None:
    strategy = {"type_": "concurrent", "streams": variant.concurrency}
    report = tool_results.guidellm(launch.rate, launch.seed, strategy)
    entry = report["benchmarks"][0]
    entry["config"]["backend"] = {"model": variant.model}
    for request in entry["requests"]["successful"]:
        for name in ("request_start_time", "request_end_time"):
            request[name] += launch.index * SPACING_S
    metrics = entry["metrics"]
    metrics["output_tokens_per_second"]["successful"]["mean"] *= variant.inflated
    if variant.lost:
        done = entry["requests"]["successful"]
        entry["requests"]["errored"], entry["requests"]["successful"] = done[: variant.lost], done[variant.lost :]
        metrics["request_totals"] |= {"successful": PROMPTS - variant.lost, "errored": variant.lost}
        for name in ("output_tokens_per_second", "requests_per_second"):
            metrics[name]["successful"]["mean"] *= 1.0 - variant.lost / PROMPTS
    dump(folder / "benchmarks.json", report)


WRITERS: dict[str, Writer] = {
    "vLLM": write_vllm,
    "sglang": write_sglang,
    "AIPerf": write_aiperf,
    "GuideLLM": write_guidellm,
}


@dataclass(frozen=True)
class Scenario:
    """What happened on both sides."""

    name: str
    gain: float
    """True ratio of the rates, less one."""
    proven: bool
    """Whether a gain of at least the floor is to be called proven."""
    candidate: Variant = Variant()
    copied: bool = False
    """One launch a side, whose result lies there five times."""
    noisy: bool = False


SCENARIOS = (
    Scenario("a gain of 10 %", 0.10, True),
    Scenario("a gain of 30 %", 0.30, True),
    Scenario("no change", 0.0, False),
    Scenario("a loss of 10 %", -0.10, False),
    Scenario("launches that scatter by a fifth", 0.0, False, noisy=True),
    Scenario("a quarter of the requests failed", 0.60, False, Variant(lost=3)),
    Scenario("another concurrency", 0.10, False, Variant(concurrency=8)),
    Scenario("another model", 0.10, False, Variant(model="tinier")),
    Scenario("a rate that its requests contradict", 0.0, False, Variant(inflated=1.1)),
    Scenario("one run a side, copied five times", 0.10, False, copied=True),
)


@dataclass(frozen=True)
class DuelFixture:
    """One comparison in one format."""

    name: str
    proven: bool
    build: Callable[[Path], tuple[Path, Path]]
    """Writes both legs below a folder, one folder a launch, and returns them."""


def build_legs(place: Path, write: Writer, scenario: Scenario, seed: int) -> tuple[Path, Path]:
    """Write the launches of both sides below ``place``."""
    rng = random.Random(seed)
    legs = []
    for side, (gain, variant) in enumerate(((0.0, Variant()), (scenario.gain, scenario.candidate))):
        leg = place / ("reference", "candidate")[side]
        for number in range(LAUNCHES):
            scatter = NOISE[side][number] if scenario.noisy else 1.0 + rng.gauss(0.0, SD)
            first = scenario.copied and number > 0
            launch = Launch(RATE * (1.0 + gain) * scatter, 100 * seed + 10 * side + number, LAUNCHES * side + number)
            if first:
                copy_launch(leg / "launch-0", leg / f"launch-{number}")
            else:
                write(leg / f"launch-{number}", launch, variant)
        legs.append(leg)
    return legs[0], legs[1]


def copy_launch(source: Path, target: Path) -> None:
    """The same files once more."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())


FIXTURES = tuple(
    DuelFixture(
        f"{tool}: {scenario.name}",
        scenario.proven,
        partial(build_legs, write=write, scenario=scenario, seed=index + 1),
    )
    for tool, write in WRITERS.items()
    for index, scenario in enumerate(SCENARIOS)
)
