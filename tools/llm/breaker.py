"""Circuit breaker: a server that does not answer is skipped for a while, as every question would cost its time-out."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.tools.llm.ledger import CallLine
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.settings import EndpointSettings

LOST = frozenset({Kind.TIMED_OUT, Kind.UNREACHABLE})
IN_A_ROW = 3
REST_S = 600.0


def resting(lines: Sequence[CallLine], settings: EndpointSettings, role: str, now: float) -> Kind | None:
    """How the last requests to this role's server ended, when all of them were lost not long ago; else ``None``."""
    mine = settings.of(role)
    last = [line for line in lines if line.attempt > 0 and settings.of(line.role) == mine][-IN_A_ROW:]
    lost = len(last) == IN_A_ROW and all(outcome.outcome in LOST for outcome in last)
    return last[-1].outcome if lost and 0 <= now - last[-1].at < REST_S else None
