"""The strategist's question: the order of directions and operators that code found worth trying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bankable.nodes.advice.ask import RoleQuestion, Usable, ask_role, bullet_list
from bankable.nodes.advice.configuration import DroppedProposal
from bankable.nodes.advice.evidence import evidence_tools
from bankable.nodes.advice.profiled import profile_text
from bankable.nodes.advice.selection import Selection, select
from bankable.nodes.advice.skilled import skill_tool, skills_text
from bankable.tools.evidence.records import Record
from bankable.tools.measurement.direction import Direction
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.profiling.records import Profile

ROLE = "strategist"
MOST = 20
"""Largest number of steps of one answer that are considered."""


class ProposedStep(Record):
    """Something from the lists, to be tried in this place or to be left out."""

    kind: Literal["setting", "operator"]
    """Which of the two lists the target is on."""
    target: str
    """Name of a direction or of an operator, as listed in the question."""
    leave_out: bool
    """Do not try it at all; needs a reason."""
    chance: float
    """Probability of a gain: a guess, without effect."""
    because: str
    """Reason for it, in the model's words."""


class DirectionProposal(Record):
    """What to try, best first. What is not named follows in the order that it has."""

    directions: tuple[ProposedStep, ...]
    """Steps of both lists; those beyond ``MOST`` are dropped."""


class Strategy(Record):
    """The accepted part of the answer."""

    directions: Selection
    """Order of the directions of settings."""
    operators: Selection
    """Order of the operators."""


@dataclass(frozen=True)
class OperatorWorth:
    """An operator that a kernel may replace, with its largest possible gain."""

    operator: str
    share: float
    promise: float


def ask_strategy(
    context: RunContext, profile: Profile | None, directions: Sequence[Direction], operators: Sequence[OperatorWorth]
) -> Strategy | None:
    """Ask once per run; ``None`` without a choice, a model, or a usable answer."""
    if len(directions) + len(operators) < 2:
        return None
    device = context.driver.device
    question = RoleQuestion(
        role=ROLE,
        at="start",
        words={
            "skills": skills_text(ROLE, device=device),
            "profile": profile_text(profile),
            "history": _history(context, directions, operators),
        },
        shape=DirectionProposal,
        kept=Strategy,
        take=lambda answer: _take(
            answer, [direction.name for direction in directions], [operator.operator for operator in operators]
        ),
        tools=(*evidence_tools(context.folder.root), skill_tool(ROLE, device=device)),
    )
    return ask_role(context, question)


def reorder(directions: Sequence[Direction], chosen: Selection) -> list[Direction]:
    """Reordered directions: the first gets the largest share as its weight in the search, and so on."""
    by_name = {direction.name: direction for direction in directions}
    ordered = [by_name[name] for name in chosen.order if name in by_name]
    if ordered == [entry for entry in directions if entry in ordered]:
        return ordered
    weights = sorted((item.share for item in ordered), reverse=True)
    return [direction.model_copy(update={"weight": weight}) for direction, weight in zip(ordered, weights, strict=True)]


def _take(answer: DirectionProposal, directions: Sequence[str], operators: Sequence[str]) -> Usable[Strategy]:
    steps = answer.directions[:MOST]
    selections: dict[str, Selection] = {}
    dropped = (
        [DroppedProposal(what=f"{len(answer.directions) - MOST} steps", why="too many")]
        if len(steps) < len(answer.directions)
        else []
    )
    for kind, items in (("setting", directions), ("operator", operators)):
        mine = [step for step in steps if step.kind == kind]
        selections[kind], more = select(
            items,
            [entry.target for entry in mine if not entry.leave_out],
            [(item.target, item.because) for item in mine if item.leave_out],
        )
        dropped += more
    settings, replaced = selections["setting"].describe(directions), selections["operator"].describe(operators)
    summary = f"settings: {settings}; operators: {replaced}"
    return Usable(Strategy(directions=selections["setting"], operators=selections["operator"]), tuple(dropped), summary)


def _history(context: RunContext, directions: Sequence[Direction], operators: Sequence[OperatorWorth]) -> str:
    lines = [
        f"setting {direction.name}: {direction.reason}; {len(direction.knobs)} settings" for direction in directions
    ]
    lines += [
        f"operator {operator.operator}: {operator.share:.1%} of the time, expected gain {operator.promise:+.1%}"
        for operator in operators
    ]
    minutes = max(context.seconds_left(), 0) / 60
    return f"{minutes:.0f} minutes are left, nothing was tried yet. To choose from:\n{bullet_list(lines)}"
