"""The possible outcomes of a question. Nothing raises: a caller has to handle each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Kind(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """By the model, or by a content filter."""
    MALFORMED = "malformed"
    """Not the requested answer: a page, incomplete JSON, another schema, a call of an unknown tool."""
    EMPTY = "empty"
    TOO_LONG = "too_long"
    """The prompt does not fit, the answer was cut at its length, or is larger than what is read."""
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    CUT = "cut"
    """The connection ended within the answer."""
    UNREACHABLE = "unreachable"
    DENIED = "denied"
    """The key is not accepted."""
    REJECTED = "rejected"
    """The server does not accept the request: no such model, no structured output, a redirect."""
    OVER_BUDGET = "over_budget"
    """Not sent."""
    CALLED_TOOLS = "called_tools"
    """An intermediate step: the model called tools that it was offered. No question ends like this."""


RETRYABLE = frozenset(
    {Kind.MALFORMED, Kind.EMPTY, Kind.TIMED_OUT, Kind.RATE_LIMITED, Kind.SERVER_ERROR, Kind.CUT, Kind.UNREACHABLE}
)
"""Another attempt may end better."""


FINAL = frozenset({Kind.OVER_BUDGET, Kind.DENIED, Kind.REJECTED, Kind.UNREACHABLE, Kind.TIMED_OUT})
"""Asking something else would cost time or money, and would hardly end otherwise."""


@dataclass(frozen=True)
class Usage:
    """Tokens, as the server counts them, or as estimated where it does not say."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion, self.estimated or other.estimated)


@dataclass(frozen=True)
class CallOutcome(Generic[T]):
    """The end of a question, after all attempts."""

    kind: Kind
    answer: T | None = None
    """Set when ``kind`` is ``answered``, and only then."""
    detail: str = ""
    """Reason, in our own words: a server's text may repeat a secret."""
    usage: Usage = Usage()
    """Over all attempts."""
    attempts: int = 0
    """Requests sent."""
    seconds: float = 0.0
