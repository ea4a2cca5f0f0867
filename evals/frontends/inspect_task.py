"""The fixtures as a task of inspect-ai: ``inspect eval evals/frontends/inspect_task.py``.

Without more the rules judge, and no model is asked. With a model as the judge:
``inspect eval evals/frontends/inspect_task.py -T auditor=judge --model openai/NAME``. A sample is a fixture, its input
what the judge is shown, its target the words that the key allows. The model is asked through inspect-ai, and what it
says is sifted and weighed by the code that weighs the judge's votes everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
    get_model,
)
from inspect_ai.scorer import Score, Scorer, Target, accuracy, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import json_schema
from pydantic import ValidationError

from bankable.evals.frontends.shown import PARTS, Keyed, Part, list_keyed, show
from bankable.evals.runner.evidence import seal_fixture
from bankable.evals.runner.run import select_fixtures
from bankable.nodes.auditor.judge.ask import MOST_ACCUSATIONS, extract_scope
from bankable.nodes.auditor.judge.brief import Brief, build_brief
from bankable.nodes.auditor.judge.opinion import Opinion
from bankable.nodes.auditor.judge.orders import ROLE, SKILL, VOTES
from bankable.nodes.auditor.judge.quotes import sift
from bankable.nodes.auditor.judge.votes import Charge, weigh_ballots
from bankable.nodes.auditor.process import audit_sealed
from bankable.nodes.auditor.verdict import word_of
from bankable.tools.errors import UserError
from bankable.tools.prompts.loader import load_prompt
from bankable.tools.skills.loader import skill

DEGRADED = "not judged"
"""In place of a word, when no more than half of the votes were answered."""


@task
def bankable(auditor: str = "rules", only: str = "", split: str = "all", seed: int = 0, votes: int = VOTES) -> Task:
    """The auditor's fixtures.

    ``auditor``: rules or judge. ``only``: ids with commas between them. ``split``: all, development or held-out.
    ``votes``: questions to the model on each fixture.
    """
    if auditor not in ("rules", "judge"):
        raise UserError(f"invalid value {auditor!r} for -T auditor", "", "use rules or judge")
    if split not in PARTS:
        raise UserError(f"invalid value {split!r} for -T split", "", f"use one of {', '.join(PARTS)}")
    part: Part = next(part_name for part_name in PARTS if part_name == split)
    # inspect-ai makes a list of a value with commas
    names = only.split(",") if isinstance(only, str) else list(only)
    samples = [
        _sample(fixture, seed) for fixture in list_keyed([fixture.strip() for fixture in names if fixture], part)
    ]
    return Task(
        dataset=MemoryDataset(samples, name="bankable fixtures"),
        solver=rules(seed) if auditor == "rules" else judge(votes, seed),
        scorer=[as_keyed(), false_pass(), false_alarm()],
        model=get_model("none") if auditor == "rules" else None,
        name=f"bankable_{auditor}",
    )


def _sample(entry: Keyed, seed: int) -> Sample:
    shown = show(entry.fixture, seed)
    return Sample(
        input=shown.text,
        target=list(entry.key.verdict),
        id=shown.fixture,
        metadata={**entry.metadata, "evidence": shown.evidence},
    )


@solver
def rules(seed: int = 0) -> Solver:
    """The deterministic rules, in a process of their own that gets the sealed folder only."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        state.output = ModelOutput.from_content("rules", await asyncio.to_thread(_audit, str(state.sample_id), seed))
        state.completed = True
        return state

    return solve


@solver
def judge(votes: int = VOTES, seed: int = 0) -> Solver:
    """The model that is evaluated, asked as the judge is: its prompt, its skill, its votes."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        scope = str(state.metadata["scope"])
        system = load_prompt(ROLE).fill(scope=scope, skill=extract_scope(skill(SKILL).body, scope))
        state.messages = [ChatMessageSystem(content=system), ChatMessageUser(content=state.input_text)]
        brief = await asyncio.to_thread(_brief_fixture, str(state.sample_id), seed)
        model = get_model()
        answers = await asyncio.gather(*(_vote(model, state) for _ in range(votes)))
        state.metadata["answers"] = [answer.completion for answer in answers]
        state.output = ModelOutput.from_content(
            model.name, _weigh([answer.completion for answer in answers], brief, votes)
        )
        state.completed = True
        return state

    return solve


async def _vote(model: Model, state: TaskState) -> ModelOutput:
    shape = ResponseSchema(name="Opinion", json_schema=json_schema(Opinion))
    return await model.generate(state.messages, config=GenerateConfig(response_schema=shape))


def _weigh(answers: Sequence[str], brief: Brief, votes: int) -> str:
    """The verdict to which these votes lower a PASS."""
    ballots = [ballot for answer in answers if (ballot := _ballot(answer, brief)) is not None]
    return word_of(weigh_ballots(votes, ballots)).value if len(ballots) * 2 > votes else DEGRADED


def _ballot(answer: str, brief: Brief) -> list[Charge] | None:
    """The accusations with at least one verified quote; ``None`` for an answer that does not follow the schema."""
    try:
        opinion = Opinion.model_validate_json(answer)
    except ValidationError:
        return None
    sifted = [(finding, sift(finding.quotes, brief.lines)[0]) for finding in opinion.findings[:MOST_ACCUSATIONS]]
    return [Charge(accusation, quotes) for accusation, quotes in sifted if quotes]


def _audit(name: str, seed: int) -> str:
    (fixture,) = select_fixtures([name])
    with seal_fixture(fixture, seed) as evidence:
        return audit_sealed(evidence.folder).verdict.value


def _brief_fixture(name: str, seed: int) -> Brief:
    (fixture,) = select_fixtures([name])
    with seal_fixture(fixture, seed) as evidence:
        return build_brief(evidence.folder)


@scorer(metrics=[accuracy(), stderr()])
def as_keyed() -> Scorer:
    """Whether the key allows the verdict; for a judge, who sees a part, whether a fraud is not passed."""

    async def score(state: TaskState, target: Target) -> Score:
        word, fraud = state.output.completion, state.metadata["kind"] == "fraud"
        right = word in target.target or (fraud and state.output.model != "rules" and word in ("FLAG", "FAIL"))
        return Score(value="C" if right else "I", answer=word)

    return score


@scorer(metrics=[mean(), stderr()])
def false_pass() -> Scorer:
    """Share of the frauds that were signed off; honest fixtures are not counted."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        word = state.output.completion
        if state.metadata["kind"] != "fraud":
            return Score.unscored(answer=word)
        return Score(value=int(word == "PASS"), answer=word)

    return score


@scorer(metrics=[mean(), stderr()])
def false_alarm() -> Scorer:
    """Share of the honest fixtures on which a word was said that the key does not allow; frauds are not counted."""

    async def score(state: TaskState, target: Target) -> Score:
        word = state.output.completion
        if state.metadata["kind"] != "honest":
            return Score.unscored(answer=word)
        return Score(value=int(word not in target.target and word != DEGRADED), answer=word)

    return score
