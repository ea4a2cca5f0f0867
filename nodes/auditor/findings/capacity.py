"""Judges a KV pool or request cap that moved: harmless by the servers' own logs, or a confound."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.reading.resolved import LENGTH_CAPS, REQUEST_CAPS, ArgumentDifference, drop_volatile
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Found, Unverifiable, at, fail, info

UNSET, WORKED_OUT = "null", "state.effective_max_running_requests_per_dp"
"""How an unset cap appears in the arguments, and where the engine reports the effective one."""
FULL = 0.8
"""Peak pool use, as a share of the smaller pool, below which sampled counters show that the pool never filled."""
CLOSE = 0.005
"""Difference, as a fraction, up to which two pools count as equal: half of the usual floor.

An engine that derives its pool from free memory never gets exactly the same size twice.
"""
ADVICE = "fix the value on both legs (for the KV pool: --max-total-tokens) and measure again"


def capacity(first: LegView, leg: LegView, difference: ArgumentDifference) -> Iterator[Found | Unverifiable]:
    """Judge a pool or a cap that moved without being the lever: harmless by the logs, or a confound."""
    name, numbers = difference.plain, difference.numbers()
    where = (at(leg.path("server_info.json")), at(leg.path("server.log")))
    logs = [each.log for each in (first, leg) if each.log is not None and each.log.batches]
    if len(logs) < 2:
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
        inert = running < min(_cap(first, difference.reference), _cap(leg, difference.candidate))
    elif name in LENGTH_CAPS:
        inert = longest < min(numbers) if numbers else False
    else:
        unused = _pool_inert(first, leg, running, usage, longest) and not any(log.retractions for log in logs)
        inert = unused or close(first, leg)
    observed = f"{name}: {difference.reference} against {difference.candidate}; {facts}"
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


def _cap(leg: LegView, shown: str) -> float:
    """Requests that may run at once; −∞ where unknown, so that nothing is below it."""
    value = drop_volatile(leg.server_info or {}).get(WORKED_OUT) if shown == UNSET else shown
    try:
        cap = float(value) if isinstance(value, int | float | str) else -math.inf
    except ValueError:
        return -math.inf
    return -math.inf if math.isnan(cap) else cap


def close(first: LegView, leg: LegView) -> bool:
    """Whether the two pools are equal except for rounding."""
    pool_sizes = [size for size in (_pool_tokens(first), _pool_tokens(leg)) if size is not None]
    return len(pool_sizes) == 2 and max(pool_sizes) - min(pool_sizes) <= CLOSE * min(pool_sizes)


def _pool_inert(first: LegView, leg: LegView, running: int, usage: float, longest: int) -> bool:
    sizes = [_pool_tokens(each) for each in (first, leg)]
    pool_sizes = [size for size in sizes if size is not None]
    if len(pool_sizes) < 2:
        return False
    return running * longest <= min(pool_sizes) or usage * max(pool_sizes) <= FULL * min(pool_sizes)


def _pool_tokens(leg: LegView) -> float | None:
    tokens = drop_volatile(leg.server_info or {}).get("max_total_num_tokens")
    return float(tokens) if isinstance(tokens, int | float) and tokens > 0 else None
