"""Asking the votes, sifting what they quote, and writing down what is left. Nothing in here blocks an audit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bankable.nodes.auditor.judge.brief import Brief, brief
from bankable.nodes.auditor.judge.opinion import Opinion
from bankable.nodes.auditor.judge.orders import ROLE, SKILL, Orders, judge_digest
from bankable.nodes.auditor.judge.quotes import sift
from bankable.nodes.auditor.judge.record import JudgeRecord, Shown, Vote
from bankable.nodes.auditor.judge.votes import Charge, lowered
from bankable.nodes.auditor.reading.reader import Reader
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Request
from bankable.tools.llm.attempt import Prompt
from bankable.tools.llm.client import Client
from bankable.tools.llm.outcome import Kind, Outcome
from bankable.tools.prompts.loader import RolePrompt, load_prompt
from bankable.tools.skills.loader import Skill, skill, skill_from

MOST_ACCUSATIONS = 12
"""Of one vote that are looked at."""


def judge(folder: Path, client: Client, orders: Orders) -> JudgeRecord:
    """Have a sealed folder judged as ordered: so many votes that see so many tokens of it at most, and a skill.

    Raises ``UserError`` when the folder holds no usable request, or the user has to set something right.
    """
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("no usable request.json", folder.name, "give a folder that the seal made")
    prompt = load_prompt(ROLE)
    auditing = skill(SKILL) if orders.skill is None else skill_from(orders.skill, SKILL)
    told = brief(folder, orders.tokens)
    outcomes = asyncio.run(_ask(client, _prompt(request, prompt, auditing, told), orders.votes))
    counted = [_counted(outcome, told) for outcome in outcomes]
    ballots = [ballot for _, ballot in counted if ballot is not None]
    return JudgeRecord(
        request=request,
        evidence=told.evidence,
        model=orders.settings.of(ROLE).model,
        judge=judge_digest(),
        prompt=prompt.sha256,
        skill=auditing.sha256,
        votes=tuple(vote for vote, _ in counted),
        shown=tuple(Shown(file=file, lines=len(lines)) for file, lines in told.lines.items()),
        left_out=told.left_out,
        findings=lowered(orders.votes, ballots),
        degraded=_degraded(outcomes, len(ballots)),
    )


def scope_text(body: str, scope: str) -> str:
    """The skill's general part and its section on this scope. Raises ``UserError`` when there is none."""
    general, *sections = body.split("\n## Scope: ")
    found = next((it for it in sections if it.partition("\n")[0].strip() == scope), None)
    if found is None:
        raise UserError(f"the skill says nothing about scope {scope}", SKILL, "add a section")
    return f"{general.strip()}\n\n{found.partition(chr(10))[2].strip()}"


async def _ask(client: Client, prompt: Prompt, votes: int) -> list[Outcome[Opinion]]:
    return list(await asyncio.gather(*(client.ask(ROLE, prompt, Opinion) for _ in range(votes))))


def _prompt(request: Request, prompt: RolePrompt, auditing: Skill, told: Brief) -> Prompt:
    system = prompt.filled(scope=request.scope, skill=scope_text(auditing.body, request.scope))
    return Prompt(system, told.text)


def _counted(outcome: Outcome[Opinion], told: Brief) -> tuple[Vote, list[Charge] | None]:
    """The vote as it is written down, and its accusations that have a quote that holds; ``None`` without an answer."""
    charges: list[Charge] = []
    invented = 0
    opinion = outcome.answer
    for accusation in opinion.findings[:MOST_ACCUSATIONS] if opinion is not None else ():
        quotes, dropped = sift(accusation.quotes, told.lines)
        invented += dropped
        if quotes:
            charges.append(Charge(accusation, quotes))
    vote = Vote(
        outcome=outcome.kind,
        detail=outcome.detail,
        verdict=opinion.verdict if opinion is not None else None,
        accusations=len(opinion.findings) if opinion is not None else 0,
        supported=len(charges),
        invented=invented,
        requests=outcome.attempts,
        prompt_tokens=outcome.usage.prompt,
        completion_tokens=outcome.usage.completion,
        estimated=outcome.usage.estimated,
    )
    return vote, charges if opinion is not None else None


def _degraded(outcomes: Sequence[Outcome[Opinion]], answered: int) -> str:
    if answered * 2 > len(outcomes):
        return ""
    ends = ", ".join(sorted({it.kind.value for it in outcomes if it.kind is not Kind.ANSWERED}))
    return f"{answered} of {len(outcomes)} votes were answered ({ends})"
