"""A recorded landscape of configurations × loads × launches: every launch of a configuration served all loads.

A JSON-lines file: the first line is the header, every other line one launch with its rounds at each load.
"""

from __future__ import annotations

import lzma
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Literal

import orjson
from pydantic import ValidationError

from bankable.evals.bench.records import GridKnob, RoundRow
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import EngineIdentity, Failure, Record, Scalar, Workload

SCHEMA_VERSION = 1
MAX_BYTES = 64 << 20
PASSES = 20
"""Of the fit of configurations and batches in turn; it has converged to nine digits long before."""


class LadderHeader(Record):
    """What was recorded, on what."""

    kind: Literal["ladder-header"] = "ladder-header"
    """Tells the header from the launches; always ``ladder-header``."""
    schema_version: int = SCHEMA_VERSION
    """Version of the format."""
    grid: list[GridKnob]
    """Knobs; ``LadderLaunch.point`` indexes their values in this order."""
    loads: list[Workload]
    """Loads in the order in which a launch served them."""
    model: str
    """Name, not a path."""
    device: Literal["cpu", "cuda", "rocm"]
    """Kind of device that the servers ran on."""
    engine: EngineIdentity
    """Versions and source digest of the engine."""
    cores: int
    """Logical CPU cores of the machine."""
    together: int
    """Servers that were up at the same time."""
    launches: int
    """Launches of each configuration."""
    rounds: int
    """Timed rounds of each launch at each load."""
    seed: int
    """Seed of the batches and of the prompts."""


class LadderLaunch(Record):
    """One launch."""

    kind: Literal["ladder-launch"] = "ladder-launch"
    """Tells a launch from the header; always ``ladder-launch``."""
    batch: int
    """Number of the batch whose servers were up at the same time, from 0."""
    launch: int
    """Replicate, from 0."""
    point: list[int]
    """Index of the value of every knob."""
    flags: dict[str, Scalar]
    """Flags that the server was launched with."""
    rounds: list[list[RoundRow]]
    """By load: the timed rounds."""
    batch_startup_s: float
    """Seconds until all servers of the batch were up."""
    warmup_s: float
    """Seconds of its warm-up round."""
    failure: Failure | None = None
    """Why it failed; ``None`` when all went well."""


@dataclass(frozen=True)
class RecordedServing:
    """One launch as a search sees it."""

    startup_s: float
    """Server seconds before the first timed round."""
    load_s: tuple[float, ...]
    """Server seconds of the timed rounds, by load."""
    deviations: tuple[tuple[float, float], ...]
    """By load: deviation of log throughput and log interactivity from the configuration's own, machine drift out."""


@dataclass(frozen=True)
class LadderLandscape:
    """Configurations with what they give, and launches to draw from."""

    header: LadderHeader
    truths: tuple[tuple[tuple[float, float], ...], ...]
    """By configuration and load: log throughput and log interactivity, means over its launches, drift taken out."""
    launches: tuple[tuple[RecordedServing, ...], ...]
    """By configuration."""
    points: tuple[tuple[int, ...], ...]
    """By configuration: place of each knob's value."""

    def cost_of_pass(self) -> float:
        """Server seconds to launch every configuration once and serve all loads."""
        return math.fsum(fmean(one.startup_s + math.fsum(one.load_s) for one in some) for some in self.launches)


def read_ladder_landscape(path: Path) -> LadderLandscape:
    """Raises ``UserError`` for a file that is missing, too large or of another kind."""
    header, rows = read_ladder_file(path)
    if header is None:
        raise UserError("Cannot read the ladder landscape: no header", str(path), "record one first")
    served = [row for row in rows if row.failure is None]
    return _fit(header, served, path)


def read_ladder_file(path: Path) -> tuple[LadderHeader | None, list[LadderLaunch]]:
    """The header and all launches; the later of two lines for the same launch counts."""
    try:
        raw = path.read_bytes() if path.suffix != ".xz" else lzma.decompress(path.read_bytes())
        lines = [orjson.loads(line) for line in raw.splitlines() if line.strip()]
        header = LadderHeader.model_validate(lines[0]) if lines else None
        rows = [LadderLaunch.model_validate(line) for line in lines[1:]]
    except FileNotFoundError:
        return None, []
    except (OSError, ValueError, lzma.LZMAError, ValidationError) as problem:
        raise UserError(
            f"Cannot read the ladder landscape: {str(problem)[:200]}", str(path), "record it again"
        ) from None
    latest = {(row.launch, tuple(row.point)): row for row in rows}
    return header, list(latest.values())


def _fit(header: LadderHeader, rows: list[LadderLaunch], path: Path) -> LadderLandscape:
    """Means of configurations and of batches, fitted in turn for each load and figure."""
    by_point: dict[tuple[int, ...], list[LadderLaunch]] = defaultdict(list)
    for row in rows:
        by_point[tuple(row.point)].append(row)
    points = tuple(sorted(point for point, some in by_point.items() if len(some) > 1))
    if len(points) < 2:
        raise UserError("Cannot use the ladder landscape: too few launches", str(path), "record two of each at least")
    kept = [row for row in rows if tuple(row.point) in points]
    fits = [[_fit_one(kept, load, figure) for figure in range(2)] for load in range(len(header.loads))]
    loads = range(len(header.loads))
    return LadderLandscape(
        header,
        tuple(tuple((fits[load][0][0][point], fits[load][1][0][point]) for load in loads) for point in points),
        tuple(
            tuple(
                RecordedServing(
                    row.batch_startup_s / header.together + row.warmup_s,
                    tuple(math.fsum(one.seconds for one in row.rounds[load]) for load in loads),
                    tuple((fits[load][0][1][id(row)], fits[load][1][1][id(row)]) for load in loads),
                )
                for row in kept
                if tuple(row.point) == point
            )
            for point in points
        ),
        points,
    )


def _fit_one(rows: list[LadderLaunch], load: int, figure: int) -> tuple[dict[tuple[int, ...], float], dict[int, float]]:
    """Level of each configuration, and what is left over of each launch (by identity of its row)."""
    values = {id(row): _level(row.rounds[load], figure) for row in rows}
    batches: dict[int, float] = defaultdict(float)
    configs: dict[tuple[int, ...], float] = {}
    for _ in range(PASSES):
        own: dict[tuple[int, ...], list[float]] = defaultdict(list)
        for row in rows:
            own[tuple(row.point)].append(values[id(row)] - batches[row.batch])
        configs = {point: fmean(some) for point, some in own.items()}
        drift: dict[int, list[float]] = defaultdict(list)
        for row in rows:
            drift[row.batch].append(values[id(row)] - configs[tuple(row.point)])
        overall = fmean(fmean(some) for some in drift.values())
        batches = defaultdict(float, {batch: fmean(some) - overall for batch, some in drift.items()})
    freedom = len(rows) - len(configs) - len(batches) + 1
    widen = math.sqrt(len(rows) / max(1, freedom))
    left = {id(row): widen * (values[id(row)] - configs[tuple(row.point)] - batches[row.batch]) for row in rows}
    return configs, left


def _level(rounds: list[RoundRow], figure: int) -> float:
    """Log of tokens per second, or of 1000 / TPOT."""
    if figure == 0:
        return median(math.log(one.output_throughput) for one in rounds)
    return median(math.log(1000.0 / one.median_tpot_ms) for one in rounds)
