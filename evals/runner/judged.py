"""The language-model judge over fixtures: beside the rules, or alone to see what it is worth."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.runner.auditor import Auditor, Judge
from evals.runner.spending import left_for
from nodes.auditor.inquiry import Figures, Inquiry
from nodes.auditor.judge.merge import merge
from nodes.auditor.judge.orders import ROLE, Orders, judge_digest
from nodes.auditor.judge.process import judge_apart
from nodes.auditor.reading.digests import digests
from nodes.auditor.reading.reader import Reader
from nodes.auditor.verdict import Verdict, Word
from tools.errors import UserError
from tools.evidence.canonical import canonical, digest
from tools.evidence.request import Request
from tools.llm.key import key_for
from tools.llm.ledger import read_ledger, text, totals
from tools.llm.options import check_stray, settings_from
from tools.llm.settings import Budget

CALLS = "calls"
"""Folder of the ledgers of calls, one for each fixture: workers write side by side."""


@dataclass(frozen=True)
class Judged:
    """How the judge takes part. Goes to workers, so it holds no key: they have the environment."""

    auditor: Auditor
    orders: Orders

    @property
    def label(self) -> str:
        """Names who judged, so that results of another model, prompt or number of votes are never mixed."""
        endpoint = self.orders.settings.of(ROLE)
        what = [judge_digest(), endpoint.base_url, endpoint.temperature or 0.0, self.orders.tokens]
        return f"{self.auditor.value} {endpoint.model} {self.orders.votes} {digest(canonical(what))[:12]}"

    def writing(self, ledger: Path) -> Judged:
        """The same with a ledger of its calls."""
        return replace(self, orders=self.orders.model_copy(update={"ledger": str(ledger.resolve())}))

    def within_budget(self) -> Orders:
        """The orders, with what the other ledgers of the run have left of its budget."""
        settings = self.orders.settings
        if self.orders.ledger is None or settings.budget == Budget():
            return self.orders
        own = Path(self.orders.ledger)
        left = left_for(settings.budget, own.parent, own)
        return self.orders.model_copy(update={"settings": settings.model_copy(update={"budget": left})})


def asked_for(
    auditor: Auditor, llm: str | None, base_url: str | None, votes: int, *,
    budgets: Sequence[str] = (), prices: Sequence[str] = (),
) -> Judged | None:  # fmt: skip
    """What the options ask for; ``None`` for the rules alone. Raises ``UserError`` before anything is judged."""
    if auditor is Auditor.RULES:
        if llm is not None or base_url is not None:
            raise UserError("the rules ask no model", "--llm", "use --auditor both or judge")
        check_stray((("--llm-budget", budgets), ("--llm-price", prices)))
        return None
    if llm is None:
        raise UserError(
            "no model to ask", f"--auditor {auditor}", "give --llm MODEL, and --llm-base-url if it is yours"
        )
    settings = settings_from(llm, base_url, budgets=budgets, prices=prices, known=(ROLE,))
    key_for(ROLE, settings.endpoint, os.environ)
    return Judged(auditor, Orders(settings=settings, votes=votes))


def with_judge(judged: Judged, rules: Judge) -> Judge:
    """Rules and judge together, or the judge over an empty verdict. A FAIL cannot get lower: nobody is asked then."""

    def both(folder: Path) -> Verdict:
        verdict = rules(folder) if judged.auditor is Auditor.BOTH else unjudged(folder)
        return verdict if verdict.verdict is Word.FAIL else merge(verdict, judge_apart(folder, judged.within_budget()))

    return both


def unjudged(folder: Path) -> Verdict:
    """A PASS that nothing stands behind: what the judge alone lowers."""
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("no usable request.json", folder.name, "give a folder that the seal made")
    return Inquiry().verdict(request, digests(folder), Figures())


def spent(out: Path, tell: Callable[[str], object]) -> None:
    """Requests and tokens of all fixtures in a result folder, as a table."""
    lines = [line for path in sorted((out / CALLS).glob("*.jsonl")) for line in read_ledger(path)]
    if lines:
        tell(text(totals(lines)))
