"""The operator benchmarker's question: additional candidates of a benchmark, and whether to measure longer.

The harness, its timer, its checks and its tolerance cannot be changed by a proposal, and a measurement cannot be
shortened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from pydantic import AliasChoices, Field

from bankable.kernels.benchmark.benchmark import ROUNDS
from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.build.render import render
from bankable.kernels.search.search import allowed_values
from bankable.kernels.task.folder import TaskFolder
from bankable.kernels.task.proposed import MOST, SuggestedKernel, add_proposed, read_proposed
from bankable.nodes.advice.ask import RoleQuestion, Usable, ask_role, bullet_list
from bankable.nodes.advice.configuration import DroppedProposal, plain
from bankable.nodes.advice.evidence import evidence_tools
from bankable.nodes.advice.kernel_facts import make_diagnosis_tool
from bankable.nodes.advice.kernels import Choice, ProposedKernel
from bankable.nodes.advice.skilled import skill_tool, skills_text
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.llm.toolbox import Tool
from bankable.tools.measurement.run_context import RunContext

ROLE = "op_benchmarker"
MOST_ROUNDS = 2 * ROUNDS


class BenchmarkProposal(Record):
    """What to measure besides the usual."""

    rounds: int
    """Rounds to measure."""
    candidates: tuple[ProposedKernel, ...] = Field(validation_alias=AliasChoices("candidates", "contestants"))
    """Kernels to add as candidates."""
    because: str
    """Reason."""


class BenchPlan(Record):
    """The accepted part of it."""

    rounds: int = Field(ge=ROUNDS, le=MOST_ROUNDS)
    """Rounds to measure."""
    kernels: tuple[SuggestedKernel, ...] = ()
    """The model's kernels that are candidates from now on."""


def ask_bench_plan(context: RunContext, task: TaskFolder, attempt: int, findings: Sequence[str]) -> BenchPlan | None:
    """Ask before one operator benchmark, and log which of the model's kernels are candidates from now on."""
    record = task.task
    device = context.driver.device
    question = RoleQuestion(
        role=ROLE,
        at=f"{record.operator} {attempt}",
        words={
            "skills": skills_text(ROLE, operator=task.family.name, device=record.device, dtype=record.dtype),
            "task": _task(task),
            "findings": bullet_list(list(findings)),
        },
        shape=BenchmarkProposal,
        kept=BenchPlan,
        take=lambda answer: _take(answer, task),
        tools=(
            *evidence_tools(context.folder.root),
            skill_tool(ROLE, operator=task.family.name, device=device, dtype=record.dtype),
            make_diagnosis_tool(task),
            make_kernel_tool(task),
        ),
    )
    plan = ask_role(context, question)
    for kernel in plan.kernels if plan is not None else ():
        add_proposed(task.path, kernel)
    return plan


class CheckKernel(Record):
    """Arguments of ``propose_kernel``."""

    choices: tuple[Choice, ...] = Field(max_length=20)
    """Parameters and values of the kernel; others keep their defaults."""


def make_kernel_tool(task: TaskFolder) -> Tool[CheckKernel]:
    """A tool that checks a proposal without accepting it; proposals are made in the answer."""

    def check(request: CheckKernel) -> str:
        choices = fill_choices(task, request.choices)
        why = find_misfit(task, choices)
        return why or f"can be proposed, as {render(task.family, task.task.dtype, choices).implementation}"

    return Tool("propose_kernel", "Whether a choice of the template's parameters can be proposed.", CheckKernel, check)


def fill_choices(task: TaskFolder, proposed: Sequence[Choice]) -> dict[str, int]:
    """With the defaults of what is not named."""
    return {**task.family.defaults(), **{choice.name: choice.value for choice in proposed}}


def find_misfit(task: TaskFolder, choices: Mapping[str, int]) -> str:
    """Why the template does not allow a choice; empty when it does. Sizes of held-out shapes are not listed."""
    allowed = allowed_values(task.family, [parse_dims(shape.key) for shape in task.task.shapes if not shape.held_out])
    if choices.keys() != allowed.keys():
        return "not a parameter of the template"
    wrong = next((name for name, value in choices.items() if value not in allowed[name]), None)
    return f"not one of the values of {wrong}" if wrong is not None else ""


def _take(answer: BenchmarkProposal, task: TaskFolder) -> Usable[BenchPlan]:
    dropped: list[DroppedProposal] = []
    if answer.rounds < ROUNDS:
        dropped.append(DroppedProposal(what=f"{answer.rounds} rounds", why="fewer than the harness takes"))
    if answer.rounds > MOST_ROUNDS:
        dropped.append(
            DroppedProposal(what=f"{plain(str(answer.rounds), 20)} rounds", why="more than there is time for")
        )
    taken = {kernel.implementation for kernel in read_proposed(task.path)}
    added: list[SuggestedKernel] = []
    for proposed in answer.candidates:
        choices = fill_choices(task, proposed.choices)
        what = plain(
            ", ".join(f"{choice.name}={choice.value}" for choice in proposed.choices[:8]) or "the defaults", 120
        )
        why = find_misfit(task, choices)
        if not why:
            try:
                name = render(task.family, task.task.dtype, choices).implementation
            except UserError as problem:
                why, name = plain(str(problem), 120), ""
            if name in taken:
                why = "already a candidate"
            elif not why and len(taken) >= MOST:
                why = f"more than {MOST} kernels of a model's"
        if why:
            dropped.append(DroppedProposal(what=what, why=why))
            continue
        taken.add(name)
        added.append(SuggestedKernel(implementation=name, choices=choices, idea=plain(proposed.idea)))
    rounds = min(max(answer.rounds, ROUNDS), MOST_ROUNDS)
    summary = f"{task.task.operator}: {len(added)} more kernels, {rounds} rounds"
    return Usable(BenchPlan(rounds=rounds, kernels=tuple(added)), tuple(dropped[:20]), summary)


def _task(task: TaskFolder) -> str:
    """Without the held-out shapes."""
    record = task.task
    seen = [shape for shape in record.shapes if not shape.held_out]
    return orjson.dumps(
        {
            "operator": task.family.title,
            "dtype": record.dtype,
            "device": record.device,
            "launch_mode": record.launch_mode,
            "shapes": [{"key": shape.key, "phase": shape.phase, "calls": shape.calls} for shape in seen],
            "tolerance": record.tolerance.relative_error,
            "rounds": ROUNDS,
            "most_rounds": MOST_ROUNDS,
            "takes_part": ["live", "torch", "the template or the author's best"],
            "parameters": {
                name: list(values)
                for name, values in allowed_values(task.family, [parse_dims(shape.key) for shape in seen]).items()
            },
        },
        option=orjson.OPT_INDENT_2,
    ).decode()
