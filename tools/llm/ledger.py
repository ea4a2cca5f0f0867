"""The ledger of calls: one line for every request to a model, and their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import AppendLog
from bankable.tools.llm.outcome import Kind

CALLS = "llm_calls.jsonl"
"""Name of a run's ledger of calls."""


class CallLine(Record):
    """One request, or one that was not sent, for want of budget or of a server (``attempt`` 0).

    Holds no prompt, answer or key.
    """

    at: float
    """Unix seconds, when it ended."""
    role: str
    """Role that asked, such as ``strategist``."""
    model: str
    """Name of the model that plays the role."""
    attempt: int
    """1-based within its question, or since the last call of a tool."""
    outcome: Kind
    """How the request ended."""
    detail: str = ""
    """The fault, or the tools that were called, for people; empty where there is nothing to add."""
    status: int | None = None
    """Status code of HTTP, where there was an answer."""
    prompt_tokens: int
    """Tokens of the prompt."""
    completion_tokens: int
    """Tokens of the answer."""
    estimated: bool
    """The server gave no usable counts."""
    latency_s: float
    """From sending the request to its end, in seconds."""
    cost: float | None
    """US dollars; ``None`` without a price."""
    tool_calls: int = 0
    """Calls of tools in the answer."""
    tool_faults: int = 0
    """Of them those that were refused: unknown, oversized, of another form, too many."""


@dataclass(frozen=True)
class RoleTotals:
    """What one role has used."""

    role: str
    requests: int
    outcomes: dict[str, int]
    """Lines by outcome; those over budget were not sent."""
    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    seconds: float
    cost: float | None
    """``None`` when a price is unknown."""
    tool_calls: int = 0
    tool_faults: int = 0

    @property
    def other(self) -> str:
        """Counts of requests without an answer and of tool calls, as text for people."""
        ends = [f"{count} {kind}" for kind, count in sorted(self.outcomes.items()) if kind != Kind.ANSWERED]
        tools = [f"{self.tool_calls} tool calls"] if self.tool_calls else []
        return ", ".join([*ends, *tools, *([f"{self.tool_faults} of them refused"] if self.tool_faults else [])])


class CallLedger:
    """The lines so far. An existing file is continued, so that a resumed run does not spend its budget twice."""

    def __init__(self, path: Path | None = None) -> None:
        self._log = AppendLog(path) if path is not None else None
        self.lines: list[CallLine] = read_ledger(path) if path is not None and path.exists() else []

    def add(self, line: CallLine) -> None:
        """Write one line for good."""
        if self._log is not None:
            self._log.append(line.model_dump(mode="json"))
        self.lines.append(line)


def read_ledger(path: Path) -> list[CallLine]:
    """All lines. Raises ``UserError`` on one that is none."""
    calls: list[CallLine] = []
    for number, raw in enumerate(path.read_bytes().splitlines(), 1):
        try:
            calls.append(CallLine.model_validate_json(raw))
        except ValidationError:
            raise UserError(
                "Cannot read the ledger of calls: invalid line", f"{path}:{number}", "move the file away"
            ) from None
    return calls


def totals(lines: Iterable[CallLine]) -> tuple[RoleTotals, ...]:
    """Per role, by name."""
    roles: dict[str, list[CallLine]] = {}
    for line in lines:
        roles.setdefault(line.role, []).append(line)
    return tuple(_sum(role, roles[role]) for role in sorted(roles))


def text(role_totals: Iterable[RoleTotals]) -> str:
    """A table for people."""
    lines = [f"{'role':<18}{'requests':>9}{'answered':>9}{'prompt':>10}{'answer':>9}{'seconds':>9}  cost"]
    for role in role_totals:
        cost = "unknown (no price)" if role.cost is None else f"${role.cost:.4f}"
        lines.append(
            f"{role.role:<18}{role.requests:>9}{role.outcomes.get(Kind.ANSWERED, 0):>9}{role.prompt_tokens:>10}"
            f"{role.completion_tokens:>9}{role.seconds:>9.1f}  {cost}{' (tokens estimated)' if role.estimated else ''}"
            + (f"; {role.other}" if role.other else "")
        )
    return "\n".join(lines)


def _sum(role: str, lines: list[CallLine]) -> RoleTotals:
    sent = [line for line in lines if line.attempt > 0]
    costs = [line.cost for line in sent]
    return RoleTotals(
        role=role,
        requests=len(sent),
        outcomes=dict(Counter(line.outcome.value for line in lines)),
        prompt_tokens=sum(line.prompt_tokens for line in sent),
        completion_tokens=sum(line.completion_tokens for line in sent),
        estimated=any(line.estimated for line in sent),
        seconds=sum(line.latency_s for line in sent),
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        tool_calls=sum(line.tool_calls for line in sent),
        tool_faults=sum(line.tool_faults for line in sent),
    )
