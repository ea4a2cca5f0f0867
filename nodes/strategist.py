"""Strategist: orders the directions of the search by where the profile shows the time.

It only orders what the registry holds. A language model may reorder directions and operators, or leave some out with a
reason; it adds none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankable.nodes.advice.selection import LeftOut, Selection
from bankable.nodes.advice.strategy import OperatorWorth, ask_strategy, reorder
from bankable.tools.levers import Knob, Touches, knobs_for
from bankable.tools.measurement.direction import Direction
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.profiling.records import Profile

HOST = (Touches.STREAMING, Touches.PROCESS, Touches.LOGGING)
MODEL = (Touches.DECODE, Touches.NUMERICS, Touches.ATTENTION)
CAP = "max_running_requests"
BATCHING = (Touches.SCHEDULING, Touches.PREFILL, Touches.KV_MEMORY)


def directions(context: RunContext, profile: Profile | None) -> list[Direction]:
    """Directions with at least one usable knob; first the one with the largest share times what its knobs promise.

    The host's share is the wall time that no operator covers; the model's is the operators' time. Batching changes how
    the two overlap, so that it can give back at most what both have: it gets their product. Without a profile the
    two are equal. Where the baseline caps its batch below the load, the requests that wait are a direction of their
    own, with their part of the requests in flight as its share.
    """
    knobs, _ = knobs_for(context.driver.device, context.known_flags, context.situation())
    host = min(max(profile.host_share, 0.0), 1.0) if profile else 0.5
    groups = [
        ("host", HOST, host, f"{host:.0%} of the wall time is outside operators"),
        ("model", MODEL, 1 - host, f"{1 - host:.0%} of the wall time is in operators"),
        ("batching", BATCHING, host * (1 - host), "how requests are put together decides how much each pass does"),
    ]
    weighted = []
    waiting, queue = _waiting(context)
    if waiting > 0 and any(knob.name == CAP for knob in knobs):
        weighted.append((waiting, Direction(name="queue", knobs=[CAP], share=waiting, reason=queue)))
    for name, touches, share, reason in groups:
        members = [knob for knob in knobs if _home(knob) in touches and not (waiting > 0 and knob.name == CAP)]
        promise = sum(knob.promise for knob in members)
        if members:
            names = [knob.name for knob in members]
            weighted.append((share * promise, Direction(name=name, knobs=names, share=share, reason=reason)))
    return [direction for _, direction in sorted(weighted, key=lambda entry: -entry[0])]


@dataclass(frozen=True)
class SearchOrder:
    """Directions to search, in this order."""

    directions: list[Direction]
    left_out: tuple[LeftOut, ...]
    """Directions that are not searched."""
    operators: Selection


def ask_order(
    context: RunContext, profile: Profile | None, directions: Sequence[Direction], operators: Sequence[OperatorWorth]
) -> SearchOrder | None:
    """A language model's order of both lists; ``None`` where they stay as they are."""
    strategy = ask_strategy(context, profile, directions, operators)
    if strategy is None:
        return None
    return SearchOrder(reorder(directions, strategy.directions), strategy.directions.left_out, strategy.operators)


def _waiting(context: RunContext) -> tuple[float, str]:
    """Share of the requests in flight that wait because the baseline caps its batch, and a sentence about it."""
    cap, load = context.base.flags.get(CAP), context.workload.concurrency
    if not isinstance(cap, int) or isinstance(cap, bool) or cap >= load:
        return 0.0, ""
    return 1 - cap / load, f"{load - cap} of {load} requests in flight wait: the batch is capped at {cap}"


def _home(knob: Knob) -> Touches:
    """The part that a knob acts on first; each knob is searched in one direction only."""
    return knob.touches[0]
