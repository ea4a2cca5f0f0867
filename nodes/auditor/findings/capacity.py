"""Judges a KV pool or request cap that moved: harmless by the servers' own logs, or a confound."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.reading.resolved import (
    LENGTH_CAPS,
    POOL_SIZES,
    REQUEST_CAPS,
    ArgumentDifference,
    drop_volatile,
)
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Found, Unverifiable, at, fail, info

WORKED_OUT = "state.effective_max_running_requests_per_dp"
"""Where the engine reports the effective cap of an unset one."""
FULL = 0.8
"""Peak pool use, as a share of the smaller pool, below which sampled counters show that the pool never filled."""
CLOSE = 0.005
"""Difference, as a fraction, up to which two pools count as equal: half of the usual floor.

An engine that derives its pool from free memory never gets exactly the same size twice.
"""
ADVICE = "fix the value on both legs (for the KV pool: --max-total-tokens) and measure again"


def capacity(first: LegView, leg: LegView, difference: ArgumentDifference) -> Iterator[Found | Unverifiable]:
    """Judge a pool or a cap that moved without being the lever: harmless by the logs, or a confound."""
    name, numbers = difference.field, difference.numbers()
    where = (at(leg.path("server_info.json")), at(leg.path("server.log")))
    logs = [each.log for each in (first, leg) if each.log is not None and each.log.batches]
    if len(logs) < 2:
        if why := _explain_inert_without_log(first, leg, difference):
            observed = f"{difference.plain}: {difference.reference} against {difference.candidate}; {why}"
            yield info("a capacity that never bound", observed, *where, modes=("C02",), code="inert_capacity")
            return
        what = f"server.log with scheduler counters, to show that {name} was inert"
        yield Unverifiable(what, where, excuses=True)
        return
    lengths = [row.longest for each in (first, leg) for row in each.rows]
    lengths_present = [tokens for tokens in lengths if tokens is not None]
    if len(lengths_present) < len(lengths) and name not in REQUEST_CAPS:
        yield Unverifiable(f"lengths of all requests, to show that {name} was inert", where, excuses=True)
        return
    running, usage = max(log.peak_running for log in logs), max(log.peak_usage for log in logs)
    longest = max(lengths_present, default=0)
    facts = f"peak running {running}, peak pool use {usage:.2f}, longest request {longest} tokens"
    if name in REQUEST_CAPS:
        inert = running < min(_cap(first, difference), _cap(leg, difference))
    elif name in LENGTH_CAPS:
        inert = longest < min(numbers) if numbers else False
    else:
        unused = _pool_inert(first, leg, difference.place, running, usage, longest)
        inert = (unused and not any(log.retractions for log in logs)) or close(first, leg, difference.place)
    observed = f"{difference.plain}: {difference.reference} against {difference.candidate}; {facts}"
    if inert:
        yield info("a capacity that never bound", observed, *where, modes=("C02",), code="inert_capacity")
    else:
        yield fail(
            "equal capacity, or one shown never to bind",
            observed,
            ADVICE,
            *where,
            modes=("C01", "C13"),
            code="capacity_differs",
        )


def _explain_inert_without_log(first: LegView, leg: LegView, difference: ArgumentDifference) -> str:
    """Say why a capacity cannot have bound, by the rounds of another tool's files alone; empty where they do not show.

    A run of this project has its logs.
    """
    if not (first.format and leg.format):
        return ""
    rows = [row for each in (first, leg) for row in each.rows]
    name, numbers = difference.field, difference.numbers()
    if name in REQUEST_CAPS:
        loads = [_largest_load(row) for row in rows]
        cap = min(_cap(first, difference), _cap(leg, difference))
        most = max((load for load in loads if load is not None), default=0)
        return f"at most {most} requests in flight" if rows and None not in loads and most <= cap else ""
    if name in LENGTH_CAPS:
        longest = [row.longest for row in rows]
        most = max((tokens for tokens in longest if tokens is not None), default=0)
        bound = numbers is not None and rows and None not in longest and most < min(numbers)
        return f"longest request {most} tokens" if bound else ""
    if name in POOL_SIZES:
        return ""  # a setting that somebody changed, not free memory that came out otherwise
    if close(first, leg, difference.place):
        return f"pools within {CLOSE:.1%} of each other"
    sizes = [_pool_tokens(each, difference.place) for each in (first, leg)]
    totals = [
        row.input_tokens + row.output_tokens
        if row.listed and row.input_tokens is not None and row.output_tokens is not None
        else None
        for row in rows
    ]
    most = max((total for total in totals if total is not None), default=0)
    smallest = min((size for size in sizes if size is not None), default=0.0)
    fits = rows and None not in totals and None not in sizes and most <= smallest
    return f"all requests of a round together have {most} tokens" if fits else ""


def _largest_load(row: BenchRound) -> int | None:
    """Requests that were in flight at most: the concurrency, or all that were sent."""
    stated = dict(row.arguments).get("max_concurrency", "")
    loads = [int(stated)] if stated.isdecimal() else []
    return min([*loads, *([row.issued] if row.issued is not None else [])], default=None)


def _cap(leg: LegView, difference: ArgumentDifference) -> float:
    """Requests that may run at once; −∞ where unknown, so that nothing is below it."""
    arguments = drop_volatile(leg.server_info or {})
    if difference.name not in arguments:
        return -math.inf
    shown = arguments[difference.name]
    value = arguments.get(difference.place + WORKED_OUT) if shown is None else shown
    try:
        cap = float(value) if isinstance(value, int | float | str) else -math.inf
    except ValueError:
        return -math.inf
    return -math.inf if math.isnan(cap) else cap


def close(first: LegView, leg: LegView, place: str = "") -> bool:
    """Whether the two pools are equal except for rounding. ``place``: the server inside a larger one."""
    pool_sizes = [size for size in (_pool_tokens(first, place), _pool_tokens(leg, place)) if size is not None]
    return len(pool_sizes) == 2 and max(pool_sizes) - min(pool_sizes) <= CLOSE * min(pool_sizes)


def _pool_inert(first: LegView, leg: LegView, place: str, running: int, usage: float, longest: int) -> bool:
    sizes = [_pool_tokens(each, place) for each in (first, leg)]
    pool_sizes = [size for size in sizes if size is not None]
    if len(pool_sizes) < 2:
        return False
    return running * longest <= min(pool_sizes) or usage * max(pool_sizes) <= FULL * min(pool_sizes)


def _pool_tokens(leg: LegView, place: str = "") -> float | None:
    tokens = drop_volatile(leg.server_info or {}).get(f"{place}max_total_num_tokens")
    return float(tokens) if isinstance(tokens, int | float) and tokens > 0 else None
