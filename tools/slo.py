"""Reads latency limits from an option: ``--slo ttft=500,tpot=20,p99_e2e=2000``."""

from __future__ import annotations

import math
import re
from typing import get_args

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Limit, LimitedLatency

LATENCIES: tuple[LimitedLatency, ...] = get_args(LimitedLatency)
LARGEST_MS = 1e9
SLO_FIX = "write limits in milliseconds as ttft=500,tpot=20,e2e=2000, or of a percentile as p99_ttft=500"
_LIMIT = re.compile(r"(?:(?P<statistic>mean|median|p\d{1,2}(?:\.\d{1,3})?)_)?(?P<metric>[a-z0-9]+)")


def parse_limits(text: str) -> tuple[Limit, ...]:
    """Limits such as ``ttft=500,tpot=20,p99_e2e=2000`` in milliseconds. Raises ``UserError`` for anything else."""
    limits: dict[str, Limit] = {}
    for piece in text.split(","):
        limit = _parse_limit(piece.strip())
        if limit.key in limits:
            raise UserError(f"invalid value {text!r} for --slo", "", f"give one limit for {limit.key}")
        limits[limit.key] = limit
    return tuple(limits.values())


def _parse_limit(piece: str) -> Limit:
    name, _, value = (part.strip() for part in piece.partition("="))
    match = _LIMIT.fullmatch(name)
    metric = next((known for known in LATENCIES if match and match["metric"] in (known, f"{known}l")), None)
    if match is None or metric is None or (match["metric"] == f"{metric}l" and metric != "e2e"):
        raise UserError(f"invalid value {piece!r} for --slo", "", f"{SLO_FIX}; latencies are {', '.join(LATENCIES)}")
    statistic = match["statistic"] or "request"
    try:
        ms = float(value.removesuffix("ms"))
    except ValueError:
        ms = math.nan
    if not 0.0 < ms <= LARGEST_MS:
        raise UserError(f"invalid value {piece!r} for --slo", "", SLO_FIX)
    return Limit(metric=metric, statistic="p50" if statistic == "median" else statistic, ms=ms)
