"""Plans a comparison before its first launch: order of launches and rounds, seeds, looks and level.

Block orders come in pairs, the first of a pair drawn and the second its mirror, so that as many blocks start with the
reference as with the candidate and a linear drift of the machine cancels over a pair, for any number of blocks within
one of balance.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import (
    Block,
    ComparisonKind,
    Guard,
    LaunchPlan,
    Lever,
    Limit,
    Plan,
    ReferenceChoice,
    ServerConfig,
    Side,
    Workload,
)
from bankable.tools.statistics.pocock import nominal_alpha
from bankable.tools.statistics.sequential import LOOKS, check_looks

ROUNDS = {LaunchPlan.ALTERNATING: 3, LaunchPlan.CORESIDENT: 6}
"""Timed rounds per leg unless the plan says otherwise."""

MOST_LOOKS = 20

_SEEDS = range(1, 2**31 - 1)
"""Seeds that every generator of the load accepts."""


def make_plan(
    *,
    name: str,
    run_id: str,
    kind: ComparisonKind,
    model: str,
    reference: ServerConfig,
    lever: Lever,
    workload: Workload,
    launch_plan: LaunchPlan,
    seed: int,
    looks: Sequence[int] = LOOKS,
    rounds_per_leg: int | None = None,
    alpha: float | None = None,
    floor: float = 0.01,
    chosen: ReferenceChoice | None = None,
    metric: str = "output_throughput",
    limits: Sequence[Limit] = (),
    guards: Sequence[Guard] = (),
) -> Plan:
    """Return the plan of a comparison, the same for the same arguments; data seeds depend on ``seed`` and ``name``.

    ``alpha`` is the one-sided level of each look: 0.05 for a single look, 0.024 for 5, 7 and 10, else solved for by
    ``nominal_alpha``. ``metric`` decides; ``limits`` and ``guards`` are declared with it. Raises UserError on
    impossible looks or counts, a control with a lever or a patch without one.
    """
    rounds = ROUNDS[launch_plan] if rounds_per_leg is None else rounds_per_leg
    _check(name, kind, lever, looks, rounds)
    if not floor >= 0 or (alpha is not None and not 0 < alpha <= 0.5):
        raise UserError(
            f"Cannot plan the comparison: floor {floor} with level {alpha}",
            name,
            "use a floor of at least 0, a level in (0, 0.5]",
        )
    return Plan(
        name=name,
        run_id=run_id,
        kind=kind,
        model=model,
        reference=reference,
        lever=lever,
        workload=workload,
        metric=metric,
        limits=tuple(limits),
        guards=tuple(guards),
        launch_plan=launch_plan,
        rounds_per_leg=rounds,
        looks=tuple(looks),
        alpha=nominal_alpha(looks) if alpha is None else alpha,
        floor=floor,
        blocks=_blocks(random.Random(f"{seed}/{name}"), looks[-1], launch_plan, rounds),
        seed=seed,
        chosen=chosen,
    )


def name_attempt(name: str, attempt: int) -> str:
    """Name of an attempt: ``control``, then ``control-2``, …"""
    return name if attempt == 1 else f"{name}-{attempt}"


def round_order(first: Side, launch_plan: LaunchPlan, rounds_per_leg: int) -> tuple[Side, ...]:
    """Return the order of the timed rounds of a block whose leg ``first`` goes first.

    Alternating: all of one, then all of the other. Co-resident: ABBA groups in Thue–Morse order read backwards, which
    is ABBAABBABAAB for six rounds a leg; any even number cancels a linear drift within the block. An odd number ends
    with one bare pair, whose drift cancels against the mirrored block.
    """
    second = other(first)
    if launch_plan is LaunchPlan.ALTERNATING:
        return (first,) * rounds_per_leg + (second,) * rounds_per_leg
    groups = [bin(index).count("1") % 2 for index in reversed(range(rounds_per_leg // 2))]
    order: list[Side] = []
    for group in groups:
        a, b = (first, second) if group == groups[0] else (second, first)
        order += [a, b, b, a]
    if rounds_per_leg % 2:
        order += [first, second]
    return tuple(order)


def other(side: Side) -> Side:
    """Return the other leg."""
    return Side.CANDIDATE if side is Side.REFERENCE else Side.REFERENCE


def _blocks(rng: random.Random, count: int, launch_plan: LaunchPlan, rounds: int) -> tuple[Block, ...]:
    seeds = rng.sample(_SEEDS, count * (rounds + 1))
    blocks, first = [], Side.REFERENCE
    for index in range(count):
        first = other(first) if index % 2 else rng.choice((Side.REFERENCE, Side.CANDIDATE))
        own = seeds[index * (rounds + 1) : (index + 1) * (rounds + 1)]
        blocks.append(
            Block(
                index=index,
                order=(first, other(first)),
                rounds=round_order(first, launch_plan, rounds),
                seeds=tuple(own[1:]),
                warmup_seed=own[0],
            )
        )
    return tuple(blocks)


def _check(name: str, kind: ComparisonKind, lever: Lever, looks: Sequence[int], rounds: int) -> None:
    try:
        check_looks(looks)
    except ValueError as error:
        raise UserError(
            f"Cannot plan the comparison: {error}", name, "declare block counts such as 5, 7, 10"
        ) from error
    if looks[-1] > 1000 or not 1 <= rounds <= 1000:
        raise UserError(
            f"Cannot plan the comparison: {looks[-1]} blocks of {rounds} rounds a leg", name, "plan 1 to 1000 of each"
        )
    if len(looks) > MOST_LOOKS:
        raise UserError(f"Cannot plan the comparison: {len(looks)} looks", name, f"declare at most {MOST_LOOKS}")
    if kind is ComparisonKind.CONTROL and lever.names():
        raise UserError(
            "Cannot plan the comparison: a control compares the reference with itself",
            name,
            "drop " + ", ".join(lever.names()),
        )
    if kind is ComparisonKind.PATCH and not lever.names():
        raise UserError("Cannot plan the comparison: a patch needs a lever", name, "set at least one flag or variable")
