"""The judge with another skill than its own: what is tried here is not shipped, so that its process cannot know it.

Everything but the skill is the judge's: prompt, brief, votes, checks of quotes. It runs in the worker's process, which
holds no answer key.
"""

from __future__ import annotations

from pathlib import Path

from nodes.auditor.judge.orders import ROLE, Orders
from nodes.auditor.judge.record import JudgeRecord
from nodes.auditor.reading.reader import Reader
from tools.errors import UserError
from tools.evidence.request import Request
from tools.llm.ledger import CallLedger
from tools.skills.loader import Skill, standing_in


def judge_with(skill: Skill, folder: Path, orders: Orders) -> JudgeRecord:
    """Judge a sealed folder. A skill that says nothing about its scope gives a degraded record."""
    from nodes.auditor.judge.ask import judge  # noqa: PLC0415  # loads what asks models
    from tools.llm.client import Client  # noqa: PLC0415

    model = orders.settings.of(ROLE).model
    ledger = CallLedger(Path(orders.ledger) if orders.ledger is not None else None)
    try:
        with standing_in(skill):
            client = Client(orders.settings, ledger)
            return judge(folder, client, model=model, votes=orders.votes, tokens=orders.tokens)
    except UserError as problem:
        request = Reader(folder).model("request.json", Request)
        if request is None:
            raise
        return JudgeRecord(request=request, evidence=None, model=model, degraded=str(problem))
