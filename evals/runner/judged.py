"""The language-model judge over fixtures: together with the rules, or alone to measure its value."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bankable.evals.runner.auditor import Auditor, Judge, Listen
from bankable.evals.runner.record import Heard, JudgeCalls
from bankable.evals.runner.spending import remaining_budget
from bankable.nodes.auditor.judge.merge import merge
from bankable.nodes.auditor.judge.orders import ROLE, SKILL, Orders, judge_digest
from bankable.nodes.auditor.judge.process import run_judge
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.nodes.auditor.reading.digests import hash_files
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.rule_runner import RuleRun, VerdictFigures
from bankable.nodes.auditor.verdict import Verdict, Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.request import Request
from bankable.tools.llm.key import key_for
from bankable.tools.llm.ledger import read_ledger, text, totals
from bankable.tools.llm.options import check_stray, settings_from
from bankable.tools.llm.settings import Budget
from bankable.tools.skills.loader import Skill, read_skill, skill

CALLS = "calls"
"""Folder of the ledgers of calls: one folder a judge, one file a fixture, because workers write side by side."""


@dataclass(frozen=True)
class JudgeSetup:
    """Settings of one judge. Passed to workers, so it holds no key: they have the environment."""

    auditor: Auditor
    orders: Orders
    skill: str
    """sha256 of the skill that is used."""
    calls: Path | None = None
    """Folder of all ledgers of the run: what they hold counts against its budget."""

    @property
    def label(self) -> str:
        """Label of the judge, so that results of another model, prompt, skill or number of votes are never mixed."""
        endpoint = self.orders.settings.of(ROLE)
        what = [judge_digest(), endpoint.base_url, endpoint.temperature or 0.0, self.orders.tokens]
        if self.orders.skill is not None:
            what.append(self.skill)
        return f"{self.auditor.value} {endpoint.model} {self.orders.votes} {digest(canonical(what))[:12]}"

    def writing(self, calls: Path, fixture: str) -> JudgeSetup:
        """The same with a ledger of its calls for this fixture."""
        ledger = calls / digest(self.label.encode())[:12] / f"{fixture}.jsonl"
        orders = self.orders.model_copy(update={"ledger": str(ledger.resolve())})
        return replace(self, orders=orders, calls=calls)

    def ask(self, folder: Path) -> JudgeRecord:
        """Have a sealed folder judged in a process of its own."""
        return run_judge(folder, self._within_budget())

    def _within_budget(self) -> Orders:
        """The orders, with the remaining budget of the run."""
        settings = self.orders.settings
        if self.orders.ledger is None or self.calls is None or settings.budget == Budget():
            return self.orders
        left = remaining_budget(settings.budget, self.calls, Path(self.orders.ledger))
        return self.orders.model_copy(update={"settings": settings.model_copy(update={"budget": left})})


def set_up_judges(
    auditor: Auditor,
    models: Sequence[str],
    base_url: str | None,
    votes: int,
    *,
    budgets: Sequence[str] = (),
    prices: Sequence[str] = (),
    skill_path: Path | None = None,
) -> tuple[JudgeSetup, ...]:
    """A judge for each model; none for the rules alone. Raises ``UserError`` before anything is judged."""
    if auditor is Auditor.RULES:
        if models or base_url is not None or skill_path is not None:
            option = "--skill" if skill_path is not None else "--llm"
            raise UserError(
                "Cannot apply the option: the rules use no language model", option, "use --auditor both or judge"
            )
        check_stray((("--llm-budget", budgets), ("--llm-price", prices)))
        return ()
    if not models:
        raise UserError(
            "Cannot judge with a language model: none is given",
            f"--auditor {auditor}",
            "give --llm MODEL, and --llm-base-url if it is yours",
        )
    own = skill(SKILL)
    chosen_skill = own if skill_path is None else for_the_judge(skill_path)
    setups = []
    for model in models:
        settings = settings_from(model, base_url, budgets=budgets, prices=prices, known=(ROLE,))
        key_for(ROLE, settings.endpoint, os.environ)
        orders = Orders(settings=settings, votes=votes, skill=chosen_skill.text if chosen_skill != own else None)
        setups.append(JudgeSetup(auditor, orders, chosen_skill.sha256))
    labels = [setup.label for setup in setups]
    if len(set(labels)) < len(labels):
        raise UserError(
            "Cannot judge: a model is named twice", "--models", "name each once, use --repeats to ask one again"
        )
    return tuple(setups)


def for_the_judge(path: Path) -> Skill:
    """A skill to try in place of the judge's own. Raises ``UserError`` when it is not a skill of the judge."""
    loaded = read_skill(path)
    if loaded.head.name != SKILL or ROLE not in loaded.head.roles:
        raise UserError(
            "Cannot use the skill: it is not for the judge",
            str(path),
            f"write name: {SKILL} and roles: [{ROLE}] at its top",
        )
    return loaded


def with_judge(judged: JudgeSetup, rules: Judge) -> Listen:
    """Rules and judge together, or the judge over an empty verdict. After a FAIL the judge is not asked."""

    def both(folder: Path) -> Heard:
        gate = rules(folder) if judged.auditor is Auditor.BOTH else None
        before = gate or make_empty_pass(folder)
        if before.verdict is Word.FAIL:
            return Heard(before, gate)
        begun = time.perf_counter()
        judge_record = judged.ask(folder)
        return Heard(merge(before, judge_record), gate, _count_calls(judged, judge_record, time.perf_counter() - begun))

    return both


def _count_calls(judged: JudgeSetup, judge_record: JudgeRecord, seconds: float) -> JudgeCalls:
    price = judged.orders.settings.prices.get(judge_record.model)
    prompt, completion = (
        sum(getattr(vote, name) for vote in judge_record.votes) for name in ("prompt_tokens", "completion_tokens")
    )
    return JudgeCalls(
        model=judge_record.model,
        skill=judged.skill,
        votes=judged.orders.votes,
        word=judge_record.verdict,
        concerns=tuple(sorted(finding.code for finding in judge_record.findings)),
        degraded=judge_record.degraded,
        requests=sum(vote.requests for vote in judge_record.votes),
        prompt_tokens=prompt,
        completion_tokens=completion,
        estimated=any(vote.estimated for vote in judge_record.votes),
        cost=None if price is None else (prompt * price.prompt + completion * price.completion) / 1e6,
        seconds=seconds,
    )


def make_empty_pass(folder: Path) -> Verdict:
    """A PASS without any evidence behind it, for the judge alone to lower."""
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("Cannot judge the fixture: no usable request.json", folder.name, "give a sealed folder")
    return RuleRun().to_verdict(request, hash_files(folder), VerdictFigures())


def tell_spending(out: Path, tell: Callable[[str], object]) -> None:
    """Requests and tokens of all fixtures in a result folder, as a table."""
    lines = [line for path in sorted((out / CALLS).rglob("*.jsonl")) for line in read_ledger(path)]
    if lines:
        tell(text(totals(lines)))
