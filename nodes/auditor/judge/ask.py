"""Asks the model for votes, verifies their quotes and builds the record. A failing model never blocks an audit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bankable.nodes.auditor.judge.brief import Brief, build_brief
from bankable.nodes.auditor.judge.opinion import Opinion
from bankable.nodes.auditor.judge.orders import ROLE, SKILL, Orders, judge_digest
from bankable.nodes.auditor.judge.quotes import sift
from bankable.nodes.auditor.judge.record import JudgeRecord, ShownFile, Vote
from bankable.nodes.auditor.judge.votes import Charge, weigh_ballots
from bankable.nodes.auditor.reading.reader import Reader
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Request
from bankable.tools.llm.attempt import Prompt
from bankable.tools.llm.client import Client
from bankable.tools.llm.outcome import CallOutcome, Kind
from bankable.tools.prompts.loader import RolePrompt, load_prompt
from bankable.tools.skills.loader import Skill, skill, skill_from

MOST_ACCUSATIONS = 12
"""Accusations of one vote that are considered."""


def judge(folder: Path, client: Client, orders: Orders) -> JudgeRecord:
    """Judge a sealed folder with the number of votes, token budget and skill of ``orders``.

    Raises ``UserError`` when the folder has no usable request, or when a setting is wrong.
    """
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("Cannot judge the evidence: no usable request.json", folder.name, "give a sealed folder")
    prompt = load_prompt(ROLE)
    auditing = skill(SKILL) if orders.skill is None else skill_from(orders.skill, SKILL)
    shown = build_brief(folder, orders.tokens)
    outcomes = asyncio.run(_ask(client, _fill_prompt(request, prompt, auditing, shown), orders.votes))
    votes = [_count_vote(outcome, shown) for outcome in outcomes]
    ballots = [ballot for _, ballot in votes if ballot is not None]
    return JudgeRecord(
        request=request,
        evidence=shown.evidence,
        model=orders.settings.of(ROLE).model,
        judge=judge_digest(),
        prompt=prompt.sha256,
        skill=auditing.sha256,
        votes=tuple(vote for vote, _ in votes),
        shown=tuple(ShownFile(file=file, lines=len(lines)) for file, lines in shown.lines.items()),
        left_out=shown.left_out,
        findings=weigh_ballots(orders.votes, ballots),
        degraded=_describe_missing_votes(outcomes, len(ballots)),
    )


def extract_scope(body: str, scope: str) -> str:
    """The skill's general part and its section on ``scope``. Raises ``UserError`` when it has no such section."""
    general, *sections = body.split("\n## Scope: ")
    section = next((section for section in sections if section.partition("\n")[0].strip() == scope), None)
    if section is None:
        raise UserError(f"Cannot judge scope {scope}: the skill has no section on it", SKILL, "add one")
    return f"{general.strip()}\n\n{section.partition(chr(10))[2].strip()}"


async def _ask(client: Client, prompt: Prompt, votes: int) -> list[CallOutcome[Opinion]]:
    return list(await asyncio.gather(*(client.ask(ROLE, prompt, Opinion) for _ in range(votes))))


def _fill_prompt(request: Request, prompt: RolePrompt, auditing: Skill, brief: Brief) -> Prompt:
    system = prompt.fill(scope=request.scope, skill=extract_scope(auditing.body, request.scope))
    return Prompt(system, brief.text)


def _count_vote(outcome: CallOutcome[Opinion], brief: Brief) -> tuple[Vote, list[Charge] | None]:
    """The vote's record, and its accusations with at least one verified quote; ``None`` without an answer."""
    charges: list[Charge] = []
    invented = 0
    opinion = outcome.answer
    for accusation in opinion.findings[:MOST_ACCUSATIONS] if opinion is not None else ():
        quotes, dropped = sift(accusation.quotes, brief.lines)
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


def _describe_missing_votes(outcomes: Sequence[CallOutcome[Opinion]], answered: int) -> str:
    if answered * 2 > len(outcomes):
        return ""
    ends = ", ".join(sorted({outcome.kind.value for outcome in outcomes if outcome.kind is not Kind.ANSWERED}))
    return f"{answered} of {len(outcomes)} votes were answered ({ends})"
