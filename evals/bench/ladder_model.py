"""A made-up ladder landscape, for where none is recorded: a server whose decode step grows with its running requests.

    step(n) = 3 ms + n · (0.55 ms + 0.9 ms / stream_interval)          n = min(requests in flight, cap)
    throughput = n / step, interactivity = 1 / step

A launch deviates in both figures by one normal error of 3 %, and in each load by another of 1 %. It starts in 16 s.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from bankable.evals.bench.ladder_records import LadderHeader, LadderLandscape, RecordedServing
from bankable.evals.bench.records import GridKnob
from bankable.tools.evidence.records import EngineIdentity, Workload

INTERVALS, CAPS = (1, 8, 32), (None, 4)
LOADS = (1, 4, 8, 16)
STEP_MS, REQUEST_MS, STREAM_MS = 3.0, 0.55, 0.9
LAUNCH_SD, LOAD_SD = 0.03, 0.01
START_S, ROUNDS, OUTPUT = 16.0, 2, 32
LAUNCHES = 40
"""Launches of each configuration that a search may draw."""


def model_landscape(seed: int = 1) -> LadderLandscape:
    """Six configurations at four loads; the same for the same seed."""
    rng = np.random.default_rng(seed)
    points = tuple(product(range(len(INTERVALS)), range(len(CAPS))))
    truths = tuple(tuple(_figures(point, load) for load in LOADS) for point in points)
    launches = tuple(tuple(_launch(own, rng) for _ in range(LAUNCHES)) for own in truths)
    header = LadderHeader(
        grid=[
            GridKnob(name="stream_interval", values=list(INTERVALS)),
            GridKnob(name="max_running_requests", values=list(CAPS)),
        ],
        loads=[Workload(num_prompts=8 * load, output_len=OUTPUT, concurrency=load) for load in LOADS],
        model="a model of a server",
        device="cpu",
        engine=EngineIdentity(python="", sglang="", torch="", tree_digest=None),
        cores=1,
        together=1,
        launches=LAUNCHES,
        rounds=ROUNDS,
        seed=seed,
    )
    return LadderLandscape(header, truths, launches, points)


def _figures(point: tuple[int, ...], load: int) -> tuple[float, float]:
    """Logarithms of tokens per second, and of tokens per second for one user."""
    cap = CAPS[point[1]]
    running = load if cap is None else min(load, cap)
    step_s = (STEP_MS + running * (REQUEST_MS + STREAM_MS / INTERVALS[point[0]])) / 1000.0
    return math.log(running / step_s), math.log(1.0 / step_s)


def _launch(truths: tuple[tuple[float, float], ...], rng: np.random.Generator) -> RecordedServing:
    own = rng.normal(0.0, LAUNCH_SD)
    left = [float(own + rng.normal(0.0, LOAD_SD)) for _ in LOADS]
    seconds = tuple(ROUNDS * 8 * load * OUTPUT / math.exp(truth[0]) for load, truth in zip(LOADS, truths, strict=True))
    return RecordedServing(START_S, seconds, tuple((value, value) for value in left))
