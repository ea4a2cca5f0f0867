"""The kernel extractor's questions: which operators to capture, and which captured shapes to bench beside the usual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bankable.nodes.advice.ask import RoleQuestion, Usable, ask_role, bullet_list
from bankable.nodes.advice.configuration import DroppedProposal, plain
from bankable.nodes.advice.evidence import evidence_tools
from bankable.nodes.advice.profiled import profile_text
from bankable.nodes.advice.selection import LeftOut, Selection, select
from bankable.nodes.advice.skilled import skill_tool, skills_text
from bankable.nodes.advice.strategy import OperatorWorth
from bankable.tools.evidence.records import Record
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.profiling.records import Profile

ROLE = "kernel_extractor"
MORE_SHAPES = 2

T = TypeVar("T", bound=Record)


class ExtractionProposal(Record):
    """What to make tasks of. Lists that the question does not ask about stay empty."""

    operators: tuple[str, ...]
    """To be captured, best first; those that are not named follow."""
    left_out: tuple[LeftOut, ...]
    """Not to be captured, each with a reason."""
    shapes: tuple[str, ...]
    """Captured shapes to benchmark in addition to the default ones."""


class Shapes(Record):
    """Keys of captured shapes."""

    keys: tuple[str, ...]
    """Sizes joined by ``x``, such as ``8x4096``."""


@dataclass(frozen=True)
class CapturedShapeSeen:
    """A shape as the live server called it."""

    key: str
    phase: str
    calls: int
    benched: bool
    """Whether it is benchmarked anyway."""


def ask_selection(
    context: RunContext, profile: Profile | None, operators: Sequence[OperatorWorth], findings: Sequence[str]
) -> Selection | None:
    """Order of the operators that are worth a task, and which are left out."""
    if len(operators) < 2:
        return None
    names = [operator.operator for operator in operators]
    lines = [
        f"{entry.operator}: {entry.share:.1%} of the time, expected gain {entry.promise:+.1%}" for entry in operators
    ]
    question = "Which operators are captured, and in which order? Answer with `operators` and `left_out`."
    ask = f"{question}\n{bullet_list(lines)}"

    def take(answer: ExtractionProposal) -> Usable[Selection]:
        selection, dropped = select(names, answer.operators, [(entry.name, entry.because) for entry in answer.left_out])
        return Usable(selection, dropped, selection.describe(names))

    return ask_role(context, _question(context, "operators", ask, Selection, take, profile=profile, findings=findings))


def ask_more_shapes(
    context: RunContext, operator: str, dtype: str, seen: Sequence[CapturedShapeSeen]
) -> tuple[str, ...]:
    """Captured shapes to benchmark in addition, ``MORE_SHAPES`` at most; default shapes are never removed."""
    free = [entry.key for entry in seen if not entry.benched]
    if not free:
        return ()
    lines = [f"{item.key}: {item.phase}, {item.calls} calls{', benched' if item.benched else ''}" for item in seen]
    ask = f"Which shapes of {operator} matter besides those benched? Answer with `shapes`.\n{bullet_list(lines)}"

    def take(answer: ExtractionProposal) -> Usable[Shapes]:
        usable = [key for key in dict.fromkeys(answer.shapes) if key in free]
        dropped = [
            DroppedProposal(what=plain(key, 60), why="not a captured shape, or benched anyway")
            for key in answer.shapes[:20]
            if key not in free
        ]
        dropped += [DroppedProposal(what=key, why=f"more than {MORE_SHAPES} shapes") for key in usable[MORE_SHAPES:]]
        keys = tuple(usable[:MORE_SHAPES])
        return Usable(Shapes(keys=keys), tuple(dropped), f"{operator}: {', '.join(keys) or 'no further shape'}")

    question = _question(context, f"shapes of {operator}", ask, Shapes, take, operator=operator, dtype=dtype)
    shapes = ask_role(context, question)
    return shapes.keys if shapes is not None else ()


def _question(
    context: RunContext,
    at: str,
    ask: str,
    answer_type: type[T],
    take: Callable[[ExtractionProposal], Usable[T]],
    *,
    profile: Profile | None = None,
    operator: str | None = None,
    dtype: str | None = None,
    findings: Sequence[str] = (),
) -> RoleQuestion[ExtractionProposal, T]:
    device = context.driver.device
    words = {
        "skills": skills_text(ROLE, operator=operator, device=device, dtype=dtype),
        "profile": profile_text(profile) if profile is not None else "see `read_evidence`",
        "choice": ask,
        "findings": bullet_list(list(findings)),
    }
    tools = (*evidence_tools(context.folder.root), skill_tool(ROLE, operator=operator, device=device, dtype=dtype))
    return RoleQuestion(ROLE, at, words, ExtractionProposal, answer_type, take, tools)
