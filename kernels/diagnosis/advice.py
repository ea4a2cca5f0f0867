"""Advice for a kernel, the most promising first: parameters of its template, and changes that no parameter makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bankable.kernels.diagnosis.readings import Readings
from bankable.kernels.diagnosis.record import Advice, Bound
from bankable.kernels.operators.family import Choices, Dims, Family

WASTEFUL = 4.0
"""Executed operations over those of the definition, from which the algorithm is what to change."""
NEAR = 0.6
"""Share of the roof from which only less work helps."""
WORTH = 10.0
"""Parallel regions that a kernel should last for threads to be worth their start."""
Direction = Literal["up", "down", "on", "off", "other"]


@dataclass(frozen=True)
class ParameterChange:
    """A parameter, and the direction in which to change it."""

    name: str
    """Prefix or name of a template's parameter; ``fixed_`` matches all that fix an axis."""
    direction: Direction
    why: str


LEVERS: Mapping[Bound, Sequence[ParameterChange]] = {
    "latency": (
        ParameterChange(
            "fixed_", "on", "loop bounds that are known when it is compiled leave fewer steps before the first load"
        ),
        ParameterChange("unroll", "up", "independent steps need not wait for each other"),
        ParameterChange("prefetch", "up", "ask for data before it is needed"),
    ),
    "memory": (
        ParameterChange("prefetch", "up", "ask for data earlier"),
        ParameterChange("vector_bits", "up", "wider loads and stores"),
        ParameterChange("block", "down", "what is used again stays in the cache"),
    ),
    "compute": (
        ParameterChange("vector_bits", "up", "more lanes an instruction"),
        ParameterChange("fixed_", "on", "no loop for a tail, and no tests for it"),
        ParameterChange("unroll", "up", "fewer instructions for counting, and independent steps side by side"),
        ParameterChange("block", "up", "fewer passes over the block's edges"),
    ),
    "occupancy": (
        ParameterChange("unroll", "down", "fewer values alive at a time"),
        ParameterChange("block", "down", "fewer values alive at a time"),
        ParameterChange("vector_bits", "other", "another width has other registers, and another number of them"),
        ParameterChange("warps", "up", "more threads share a row"),
    ),
    "unknown": (),
}


def advise(
    bound: Bound, readings: Readings, family: Family, choices: Choices, shapes: Sequence[Dims]
) -> tuple[Advice, ...]:
    """Advice for a kernel with these choices; every value is one that the template offers for these shapes."""
    allowed = offered_values(family, shapes)
    advice = [*_advise_threads(bound, readings, allowed, choices), *_advise_work(bound, readings)]
    size = {f"fixed_{axis}": _dims(readings.shape)[family.axes.index(axis)] for axis in family.specialised}
    for lever in LEVERS[bound]:
        for name in sorted(allowed):
            if name == lever.name or (lever.name == "fixed_" and name.startswith("fixed_")):
                turned = _turn(allowed[name], choices.get(name, allowed[name][0]), lever.direction, size.get(name))
                if turned:
                    advice.append(Advice(lever=name, values=turned, why=lever.why))
    return tuple(advice)


def offered_values(family: Family, shapes: Sequence[Dims]) -> dict[str, tuple[int, ...]]:
    """Values of each parameter of the template, for these shapes."""
    offered = {parameter.name: parameter.values for parameter in family.parameters}
    for axis in family.specialised:
        place = family.axes.index(axis)
        offered[f"fixed_{axis}"] = (0, *sorted({dims[place] for dims in shapes}))
    return offered


def _advise_threads(
    bound: Bound, readings: Readings, allowed: Mapping[str, tuple[int, ...]], choices: Choices
) -> list[Advice]:
    """Threads help long kernels and hurt short ones; ``thread_rows`` says from which number of rows on."""
    ways = allowed.get("thread_rows")
    if ways is None or readings.roof is None or readings.overhead is None:
        return []
    present = choices.get("thread_rows", ways[0])
    lasting = readings.overhead.kernel_ns >= WORTH * readings.roof.region_ns
    if bound == "latency" and present and readings.threads > 1:
        rest = tuple(value for value in sorted(ways, reverse=True) if value > present)
        return [Advice(lever="thread_rows", values=(0, *rest), why="threads cost more than they save at this size")]
    if bound in ("memory", "compute") and not present and readings.threads > 1 and lasting:
        some = tuple(value for value in sorted(ways) if value)
        why = f"one of {readings.threads} threads works; a region costs {readings.roof.region_ns / 1e3:.2g} µs"
        return [Advice(lever="thread_rows", values=some, why=why)] if some else []
    return []


def _advise_work(bound: Bound, readings: Readings) -> list[Advice]:
    """Changes that no parameter makes."""
    counted, overhead = readings.counted, readings.overhead
    if bound == "latency" and counted is not None and (counted.joins > 1 or counted.starts):
        why = (
            f"{counted.joins:,.0f} regions and barriers and {counted.starts:,.0f} threads a call: one region is enough"
        )
        return [Advice(lever="synchronisation", why=why)]
    if bound == "latency" and overhead is not None and overhead.share >= NEAR:
        saved = f"a faster kernel saves {1 - overhead.share:.0%} at most"
        return [Advice(lever="fuse", why=f"{saved}; one call less saves {overhead.empty_ns / 1e3:.1f} µs")]
    if bound == "compute" and counted is not None and counted.flops and readings.flops:
        times = counted.flops / readings.flops
        if times >= WASTEFUL:
            why = f"{times:.0f} times the operations of the definition are executed"
            return [Advice(lever="algorithm", why=why)]
    if bound == "memory" and (readings.definition_ns or 0.0) >= NEAR * (readings.taken_ns or float("inf")):
        return [
            Advice(lever="fuse", why="near the roofline: only fewer bytes help, so fuse it with neighbouring operators")
        ]
    cold, warm = readings.performance, readings.overhead
    if bound == "memory" and cold is not None and warm is not None and cold.call_ns >= 2 * warm.call_ns:
        times = cold.call_ns / warm.call_ns
        why = f"a cold call takes {times:.1f} times a warm one: what the previous operator left in cache is near"
        return [Advice(lever="fuse", why=why)]
    return []


def _turn(ways: tuple[int, ...], present: int, direction: Direction, size: int | None) -> tuple[int, ...]:
    """Values in a direction from the present one, the nearest first."""
    others = sorted((value for value in ways if value != present), key=lambda value: abs(value - present))
    if direction == "up":
        return tuple(value for value in others if value > present)
    if direction == "down":
        return tuple(value for value in others if 0 < value < present)
    if direction == "off":
        return (0,) if present and 0 in ways else ()
    if direction == "on":
        if present:
            return ()
        return tuple(sorted((value for value in others if value), key=lambda value: (value != size, value)))
    return tuple(others)


def _dims(key: str) -> Dims:
    return tuple(int(part) for part in key.split("x"))
