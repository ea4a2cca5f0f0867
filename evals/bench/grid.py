"""The grid of configurations that a landscape records: a full factorial of few knobs, so that it holds interactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from bankable.evals.bench.records import GridKnob
from bankable.tools.evidence.records import Workload
from bankable.tools.search.space import Point

GRID: tuple[GridKnob, ...] = (
    GridKnob(name="stream_interval", values=[1, 8, 32], importance=0.5),
    GridKnob(name="disable_overlap_schedule", values=[None, True], importance=0.5),
    GridKnob(name="dtype", values=[None, "float32"], importance=0.5),
    GridKnob(name="max_running_requests", values=[None, 4], importance=0.5),
    GridKnob(name="disable_radix_cache", values=[None, True], importance=0.5),
)
"""48 configurations: knobs that helped, that hurt and that had no effect in first trials.

All are given the same importance, so that no search starts with the result of those trials.
"""

WORKLOAD = Workload(num_prompts=24, input_len=128, output_len=32, concurrency=8)


@dataclass(frozen=True)
class Batch:
    """Servers that are up at the same time."""

    number: int
    launch: int
    """Replicate, 0-based; a configuration is in one batch of each replicate."""
    points: tuple[Point, ...]


def batches(grid: Sequence[GridKnob], launches: int, together: int, seed: int) -> list[Batch]:
    """A resolvable incomplete block design: each replicate is a seeded shuffle of all configurations, cut in batches.

    A machine drifts by more than the effects between batches. Since every replicate mixes the configurations anew,
    batch effects can be estimated and taken out (``effects.py``).
    """
    points: list[Point] = list(product(*(range(len(k.values)) for k in grid)))
    plan: list[Batch] = []
    for launch in range(launches):
        order = np.random.default_rng((seed, launch)).permutation(len(points))
        for first in range(0, len(points), together):
            members = tuple(points[i] for i in order[first : first + together])
            plan.append(Batch(len(plan), launch, members))
    return plan


def round_orders(members: int, rounds: int) -> list[tuple[int, ...]]:
    """Order in which the servers are loaded: turned by one place per pair of rounds, mirrored in every second round."""
    orders = []
    for k in range(rounds):
        forward = tuple((i + k // 2) % members for i in range(members))
        orders.append(forward if k % 2 == 0 else forward[::-1])
    return orders
