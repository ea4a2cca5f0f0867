"""The integrator's questions: whether to apply the winner to the server, and how to respond to a FAIL.

The policy applies every winner, and measures again where the auditor advises it. A model may skip a measurement with a
small possible gain, ask for one more, or give up after the second; it cannot prevent the first measurement of a
promising winner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bankable.nodes.advice.ask import RoleQuestion, Usable, ask_role, bullet_list
from bankable.nodes.advice.configuration import DroppedProposal, plain
from bankable.nodes.advice.evidence import evidence_tools
from bankable.nodes.advice.skilled import skill_tool, skills_text
from bankable.tools.evidence.records import Record
from bankable.tools.measurement.run_context import RunContext

ROLE = "integrator"
SMALL = 0.04
"""End-to-end gain, as a fraction, above which a winner is always measured."""
GIVE_UP_FROM = 2
"""First attempt after which a model may give up although the auditor advises to measure again."""

Action = Literal["lay", "leave", "remeasure", "give_up"]


class IntegrationProposal(Record):
    """What to do with one implementation."""

    action: Action
    """``lay`` over the server and measure, ``leave`` out, ``remeasure`` once more, or ``give_up`` after a FAIL."""
    because: str
    """Reason for it, in the model's words."""


class IntegrationDecision(Record):
    """The action."""

    action: Action
    """The model's proposal; ``lay`` where that was not allowed, so that the policy continues as planned."""
    because: str
    """The model's reason as one printable line."""


@dataclass(frozen=True)
class Winner:
    """An implementation that won its operator benchmark."""

    operator: str
    dtype: str
    implementation: str
    speedup: float
    """Isolated speed-up."""
    ceiling: float
    """End-to-end gain that this allows (Amdahl), as a fraction."""


def ask_before_overlay(
    context: RunContext, winner: Winner, attempt: int, findings: Sequence[str]
) -> IntegrationDecision | None:
    """Ask before the first measurement: ``leave`` is possible only where the possible gain is small."""

    def against(answer: IntegrationProposal) -> str:
        if answer.action not in ("lay", "leave"):
            return "no answer to what was asked"
        if answer.action == "leave" and winner.ceiling >= SMALL:
            return f"may give {winner.ceiling:+.1%}: it is measured"
        return ""

    ask = "Is it laid over the server and measured? Answer `lay` or `leave`."
    return ask_role(context, _question(context, winner, f"lay {winner.operator} {attempt}", ask, findings, against))


def ask_after_fail(
    context: RunContext, winner: Winner, attempt: int, advised: bool, findings: Sequence[str]
) -> IntegrationDecision | None:
    """Ask after a FAIL of this attempt; ``advised``: whether the auditor advises to measure again."""

    def against(answer: IntegrationProposal) -> str:
        if answer.action not in ("remeasure", "give_up"):
            return "no answer to what was asked"
        if answer.action == "give_up" and advised and attempt < GIVE_UP_FROM:
            return "measured again as the auditor advises"
        if answer.action == "remeasure" and not advised and attempt >= GIVE_UP_FROM:
            return "measured again once already"
        return ""

    ask = "The last attempt FAILED. Is it measured again as it is? Answer `remeasure` or `give_up`."
    return ask_role(context, _question(context, winner, f"answer {winner.operator} {attempt}", ask, findings, against))


def _question(
    context: RunContext,
    winner: Winner,
    at: str,
    ask: str,
    findings: Sequence[str],
    against: Callable[[IntegrationProposal], str],
) -> RoleQuestion[IntegrationProposal, IntegrationDecision]:
    def take(answer: IntegrationProposal) -> Usable[IntegrationDecision]:
        why = against(answer)
        dropped = (DroppedProposal(what=answer.action, why=why),) if why else ()
        # An invalid proposal leaves the policy's decision in force.
        decided = IntegrationDecision(action=answer.action, because=plain(answer.because))
        return Usable(
            IntegrationDecision(action="lay", because="") if why else decided,
            dropped,
            f"{winner.operator}: {answer.action}",
        )

    device = context.driver.device
    words = {
        "skills": skills_text(ROLE, operator=winner.operator, device=device, dtype=winner.dtype),
        "operator": f"{winner.operator}, {winner.dtype}, on {device}. {ask}",
        "winner": (
            f"{winner.implementation}: {winner.speedup:.2f} times the live implementation alone; the whole may gain "
            f"{winner.ceiling:+.1%} at most"
        ),
        "findings": bullet_list(list(findings)),
    }
    tools = (
        *evidence_tools(context.folder.root),
        skill_tool(ROLE, operator=winner.operator, device=device, dtype=winner.dtype),
    )
    return RoleQuestion(ROLE, at, words, IntegrationProposal, IntegrationDecision, take, tools)
