"""Tools that a role may call before it answers: typed arguments, bounded answers, an error text for every misuse.

A tool reads or checks. It never measures, writes or decides: proposals of a role are in its answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bankable.tools.errors import UserError

A = TypeVar("A", bound=BaseModel)

MOST_ROUNDS = 3
"""Rounds of calls in one question; after them the tools are taken away, and only an answer is left."""
MOST_CALLS = 4
"""Calls of one round that are answered."""
MOST_ARGUMENTS = 4096
"""Bytes of the arguments of one call."""
MOST_ANSWER = 6000
"""Characters of one answer."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ToolFault(StrEnum):
    """Why a call was not answered."""

    UNKNOWN = "unknown tool"
    OVERSIZED = "oversized arguments"
    ARGUMENTS = "wrong arguments"
    TOO_MANY = "too many calls"
    FAILED = "failed"


@dataclass(frozen=True)
class Tool(Generic[A]):
    """Something that a role may ask for."""

    name: str
    about: str
    """For the model: what it answers, and when that helps."""
    arguments: type[A]
    answer: Callable[[A], str]
    """Raises ``UserError`` for invalid arguments; the text is returned to the model."""


@dataclass(frozen=True)
class Call:
    """A call as the model made it."""

    name: str
    arguments: Any
    """As parsed from its JSON; text where it is none."""


@dataclass(frozen=True)
class Called:
    """A call and its answer."""

    name: str
    """As the model wrote it where that is a name at all: it is sent back with the answer."""
    arguments: dict[str, Any]
    """Sent back too; empty where the call was at fault."""
    told: str
    fault: ToolFault | None = None


Toolbox = Sequence[Tool[Any]]


def answer_all(toolbox: Toolbox, calls: Sequence[Call]) -> tuple[Called, ...]:
    """An answer to every call; all calls over the limit share one error."""
    spare = len(calls) - MOST_CALLS
    answered = [answer_one(toolbox, call) for call in calls[:MOST_CALLS]]
    if spare > 0:
        last = calls[MOST_CALLS]
        answered.append(Called(_name(last), {}, f"error: at most {MOST_CALLS} calls at a time", ToolFault.TOO_MANY))
    return tuple(answered)


def answer_one(toolbox: Toolbox, call: Call) -> Called:
    """The answer to the model; never raises for anything that a model may have written."""
    name = _name(call)
    tool = next((candidate for candidate in toolbox if candidate.name == call.name), None)
    if tool is None:
        names = ", ".join(candidate.name for candidate in toolbox)
        return Called(name, {}, f"error: there is no tool of this name; there are: {names}", ToolFault.UNKNOWN)
    try:
        encoded = orjson.dumps(call.arguments)
    except (TypeError, ValueError):
        return Called(name, {}, "error: the arguments are not JSON", ToolFault.ARGUMENTS)
    if len(encoded) > MOST_ARGUMENTS:
        return Called(name, {}, f"error: more than {MOST_ARGUMENTS} bytes of arguments", ToolFault.OVERSIZED)
    try:
        arguments = tool.arguments.model_validate_json(encoded)
    except ValidationError as problem:
        return Called(name, {}, f"error: {_first(problem)}", ToolFault.ARGUMENTS)
    try:
        answer = tool.answer(arguments)
    except UserError as problem:
        return Called(name, arguments.model_dump(mode="json"), f"error: {problem}"[:MOST_ANSWER], ToolFault.FAILED)
    return Called(name, arguments.model_dump(mode="json"), answer[:MOST_ANSWER] or "nothing")


def describe_calls(called: Sequence[Called]) -> str:
    """For the ledger: our own names and faults, and no text of the model."""
    return ", ".join(answered.name if answered.fault is None else str(answered.fault) for answered in called)


def _name(call: Call) -> str:
    return call.name if isinstance(call.name, str) and _NAME.fullmatch(call.name) else "unknown"


def _first(problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))[:60]}: {first['type'].replace('_', ' ')}"
