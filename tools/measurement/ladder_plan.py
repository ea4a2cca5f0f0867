"""Plans a load ladder before its first launch: configurations, loads, blocks, orders and seeds."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import (
    ComparisonKind,
    Contender,
    Ladder,
    Lever,
    LoadPoint,
    Plan,
    ServerConfig,
    Workload,
)
from bankable.tools.evidence.records.ladder import MOST_CONTENDERS, MOST_LOADS
from bankable.tools.measurement.plan import make_plan
from bankable.tools.measurement.run_context import RunContext

LADDER = "ladder"
"""Name of the comparison."""
REFERENCE = "reference"
"""Name of the first configuration: the true baseline."""
ROUNDS = 2
"""Timed rounds of a launch at each load: one in the order of the block and one in its mirror."""
SEED = 700_000
"""Added to the run's seed."""


def name_load(workload: Workload) -> str:
    """``r2.5`` for a request rate, ``c8`` for requests in flight."""
    return f"r{workload.request_rate:g}" if workload.request_rate is not None else f"c{workload.concurrency}"


def name_contender(base: ServerConfig, config: ServerConfig) -> str:
    """``reference``, or the settings in which a configuration differs from it."""
    lever = find_lever(base, config)
    parts = [f"{name}-{value}" for name, value in sorted(lever.settings().items())]
    text = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in "+".join(parts))
    return text[:80] or REFERENCE


def find_lever(base: ServerConfig, config: ServerConfig) -> Lever:
    """Settings that a configuration has and the reference has not."""
    return Lever(
        flags={name: value for name, value in config.flags.items() if base.flags.get(name) != value},
        env={name: value for name, value in config.env.items() if base.env.get(name) != value},
    )


def plan_ladder(context: RunContext, contenders: Sequence[ServerConfig], loads: Sequence[Workload]) -> Plan:
    """The plan of the run's ladder; the reference is its first configuration, equal configurations count once.

    Raises ``UserError`` for a load that is given twice, or too many of either.
    """
    configs = list(dict.fromkeys(map(_freeze, [context.base, *contenders])))
    entries = [Contender(name=name_contender(context.base, config), config=config) for config in map(_thaw, configs)]
    points = [LoadPoint(name=name_load(load), workload=load) for load in loads]
    check_loads([point.name for point in points])
    if len({entry.name for entry in entries}) < len(entries) or len(entries) > MOST_CONTENDERS:
        names = ", ".join(entry.name for entry in entries)
        raise UserError(
            f"Cannot plan the ladder: {len(entries)} configurations", names, f"give at most {MOST_CONTENDERS}"
        )
    rounds = ROUNDS * len(points)
    plan = make_plan(
        name=LADDER,
        run_id=context.run_id,
        kind=ComparisonKind.LADDER,
        model=context.model,
        reference=context.base,
        lever=Lever(),
        workload=context.workload,
        launch_plan=context.protocol.launch_plan,
        seed=context.protocol.seed + SEED,
        looks=context.protocol.looks,
        rounds_per_leg=rounds,
        floor=context.protocol.floor,
        chosen=context.chosen,
        metric=context.protocol.metric,
        limits=context.protocol.limits,
        guards=context.protocol.guards,
    )
    rng = random.Random(f"{plan.seed}/{LADDER}/orders")
    ladder = Ladder(
        contenders=tuple(entries),
        loads=tuple(points),
        rounds_per_load=ROUNDS,
        orders=tuple(tuple(rng.sample(range(len(entries)), len(entries))) for _ in plan.blocks),
    )
    return plan.model_copy(update={"ladder": ladder})


def check_loads(names: Sequence[str]) -> None:
    """Raises ``UserError`` for a load that is given twice, and for too many loads."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"Cannot plan the ladder: load {twice[0]} is given twice", ", ".join(names), "give it once")
    if len(names) > MOST_LOADS:
        raise UserError(f"Cannot plan the ladder: {len(names)} loads", ", ".join(names), f"give at most {MOST_LOADS}")


def _freeze(config: ServerConfig) -> str:
    """Equal configurations have equal text."""
    return ServerConfig(
        flags=dict(sorted(config.flags.items())), env=dict(sorted(config.env.items()))
    ).model_dump_json()


def _thaw(text: str) -> ServerConfig:
    return ServerConfig.model_validate_json(text)
