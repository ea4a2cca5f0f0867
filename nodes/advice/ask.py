"""Asking a role one question at one point of a run: written down before anything of the answer is used.

A resumed run finds the line and asks nobody again. Whatever goes wrong, the policy's own way is taken.
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
"""In the run folder."""
PART_OF_TIME = 0.05
"""Of the time that a run has left, which one question may take."""
FEWEST_S = 20.0

M = TypeVar("M", bound=Record)
T = TypeVar("T", bound=Record)


class Line(Record):
    """One question to a role, and what came of it."""

    role: str
    at: str
    """What it was asked about; a role is asked once about each."""
    outcome: Kind
    detail: str = ""
    taken: dict[str, Any] | None = None
    """The part of the answer that code has a place for."""
    dropped: tuple[DroppedProposal, ...] = ()


@dataclass(frozen=True)
class Usable(Generic[T]):
    """What code makes of an answer."""

    part: T
    dropped: tuple[DroppedProposal, ...]
    said: str
    """In a few words, for people."""


@dataclass(frozen=True)
class RoleQuestion(Generic[M, T]):
    """What a role is asked, and how its answer is taken."""

    role: str
    at: str
    words: Mapping[str, str]
    """For the placeholders of its prompt."""
    shape: type[M]
    kept: type[T]
    take: Callable[[M], Usable[T]]
    """Checks an answer against what there is; what has no place is dropped, with the reason."""
    tools: Toolbox = ()


def ask_role(context: RunContext, question: RoleQuestion[M, T]) -> T | None:
    """The part of a model's answer that can be used; ``None`` where the policy goes on alone."""
    if context.advisor is None:
        return None
    before = [entry for entry in read_questions(context.folder.root) if entry.role == question.role]
    known = next((item for item in before if item.at == question.at), None)
    if known is not None:
        return _again(known, question)
    if any(element.outcome in FINAL for element in before):
        return None
    system = load_prompt(question.role).filled(**question.words)
    try:
        outcome = context.advisor.ask(
            question.role, system, "Your proposal.", question.shape, question.tools, seconds_for(context)
        )
    except UserError as problem:
        # No key for this role: a mistake, but not one that ends a run which can go on without.
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
        ProgressEvent("note", f"language model as {question.role}: {_told(line, taken.said if taken else '')}")
    )
    return taken.part if taken is not None else None


def seconds_for(context: RunContext) -> float:
    """What one question may take: a model that never ends its answer must not cost a run its measurements."""
    return max(FEWEST_S, PART_OF_TIME * context.seconds_left())


def read_questions(run: Path) -> list[Line]:
    """Questions so far; a line that cannot be read counts as not asked."""
    return whole_lines(run / LOG, Line)


def bullet_list(lines: list[str] | tuple[str, ...]) -> str:
    """For a prompt."""
    return "\n".join(f"- {line}" for line in lines) or "none yet"


def _again(line: Line, question: RoleQuestion[M, T]) -> T | None:
    try:
        return question.kept.model_validate(line.taken) if line.taken is not None else None
    except ValidationError:
        return None


def _told(line: Line, said: str) -> str:
    if line.outcome is not Kind.ANSWERED:
        return f"{line.outcome}: {plain(line.detail)}; the policy goes on"
    dropped = f"; {len(line.dropped)} dropped: {count_reasons(line.dropped)}" if line.dropped else ""
    return f"{said}{dropped}"
