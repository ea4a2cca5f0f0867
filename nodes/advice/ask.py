"""Asks a role's language model one question at one point of a run; the answer is logged before it is used.

A resumed run reads the log and does not ask again. On any failure the built-in policy decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from bankable.nodes.advice.configuration import DroppedProposal, count_reasons, plain
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import AppendLog, whole_lines
from bankable.tools.llm.outcome import FINAL, CallOutcome, Kind
from bankable.tools.llm.toolbox import Toolbox
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.prompts.loader import load_prompt

LOG = "counsel.jsonl"
"""File name in the run folder."""
PART_OF_TIME = 0.05
"""Largest share of the run's remaining time for one question."""
FEWEST_S = 20.0

M = TypeVar("M", bound=Record)
T = TypeVar("T", bound=Record)


class Line(Record):
    """One question to a role, and its result."""

    role: str
    """Role that was asked, such as ``strategist``."""
    at: str
    """Subject of the question; a role is asked once about each."""
    outcome: Kind
    """How the question ended."""
    detail: str = ""
    """Why there is no answer, for people; empty where there is one."""
    taken: dict[str, Any] | None = None
    """The part of the answer that the code accepted."""
    dropped: tuple[DroppedProposal, ...] = ()
    """Parts of the answer that were not followed, each with the reason."""


@dataclass(frozen=True)
class Usable(Generic[T]):
    """An answer as parsed and checked by code."""

    part: T
    dropped: tuple[DroppedProposal, ...]
    said: str
    """Short summary for people."""


@dataclass(frozen=True)
class RoleQuestion(Generic[M, T]):
    """A question to a role, and how its answer is checked."""

    role: str
    at: str
    words: Mapping[str, str]
    """Values for the placeholders of its prompt."""
    shape: type[M]
    kept: type[T]
    take: Callable[[M], Usable[T]]
    """Check an answer against the options; invalid parts are dropped, with the reason."""
    tools: Toolbox = ()


def ask_role(context: RunContext, question: RoleQuestion[M, T]) -> T | None:
    """The usable part of a model's answer; ``None`` where the built-in policy decides."""
    if context.advisor is None:
        return None
    before = [entry for entry in read_questions(context.folder.root) if entry.role == question.role]
    earlier_answer = next((item for item in before if item.at == question.at), None)
    if earlier_answer is not None:
        return _again(earlier_answer, question)
    if any(element.outcome in FINAL for element in before):
        return None
    system = load_prompt(question.role).fill(**question.words)
    try:
        outcome = context.advisor.ask(
            question.role, system, "Your proposal.", question.shape, question.tools, seconds_for(context)
        )
    except UserError as problem:
        # No key for this role: a configuration error, but the run can continue without the model.
        outcome = CallOutcome(Kind.DENIED, None, str(problem))
    taken = question.take(outcome.answer) if outcome.answer is not None else None
    line = Line(
        role=question.role,
        at=question.at,
        outcome=outcome.kind,
        detail=outcome.detail,
        taken=taken.part.model_dump(mode="json") if taken is not None else None,
        dropped=taken.dropped if taken is not None else (),
    )
    AppendLog(context.folder.root / LOG).append(line.model_dump(mode="json"))
    context.tell(
        ProgressEvent("note", f"language model as {question.role}: {_describe(line, taken.said if taken else '')}")
    )
    return taken.part if taken is not None else None


def seconds_for(context: RunContext) -> float:
    """Time limit of one question: a model that never finishes must not use up the time of the measurements."""
    return max(FEWEST_S, PART_OF_TIME * context.seconds_left())


def read_questions(run: Path) -> list[Line]:
    """Logged questions; an unreadable line counts as not asked."""
    return whole_lines(run / LOG, Line)


def bullet_list(lines: list[str] | tuple[str, ...]) -> str:
    """For a prompt."""
    return "\n".join(f"- {line}" for line in lines) or "none yet"


def _again(line: Line, question: RoleQuestion[M, T]) -> T | None:
    try:
        return question.kept.model_validate(line.taken) if line.taken is not None else None
    except ValidationError:
        return None


def _describe(line: Line, text: str) -> str:
    if line.outcome is not Kind.ANSWERED:
        return f"{line.outcome}: {plain(line.detail)}; the deterministic policy decides"
    dropped = f"; {len(line.dropped)} dropped: {count_reasons(line.dropped)}" if line.dropped else ""
    return f"{text}{dropped}"
