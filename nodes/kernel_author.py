"""Kernel author: searches an operator's template for a faster kernel, with a harness that passed its audit."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.build.render import KernelSource, render
from bankable.kernels.diagnosis.diagnoser import Diagnoser
from bankable.kernels.search.search import Search, allowed_values, find_fastest, read_evaluations
from bankable.kernels.task.folder import TaskFolder
from bankable.kernels.task.sources import keep, read_stored_source
from bankable.nodes.advice.ask import seconds_for
from bankable.nodes.advice.benchmarking import make_kernel_tool
from bankable.nodes.advice.kernel_facts import make_diagnosis_tool
from bankable.nodes.advice.kernels import (
    KernelProposal,
    KernelProposals,
    ProposalRecord,
    describe_evaluations,
    suggest_to_search,
)
from bankable.nodes.advice.skilled import skill_tool
from bankable.tools.llm.advisor import Advisor
from bankable.tools.llm.outcome import FINAL
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.prompts.loader import load_prompt
from bankable.tools.skills.loader import skills_for

ROLE = "kernel_author"
BUDGET = 8
"""Kernels that are compiled, checked and ranked; earlier ones of a resumed run count."""
MODELS_PART = BUDGET // 2
"""How many of them a language model may choose: the search keeps the others."""
ALONE, ALL = 1, 0
"""Candidates evaluated at a time: one here, beside the server; on a cluster as many as it has room for."""
EVERY = 3
"""Kernels between two questions."""


def best_kernel(context: RunContext, task: TaskFolder, findings: Sequence[str] = ()) -> KernelSource | None:
    """The fastest correct kernel, by two rounds each; ``None`` when there is none.

    ``findings``: the auditor's findings against earlier operator benchmarks of this operator.
    """
    if context.engine_python is not None:
        compiler, main = Compiler(), max(task.task.shapes, key=lambda shape: shape.calls).key
        with Diagnoser(task, context.engine_python, context.threads, compiler.cache) as diagnoser:
            search = Search(
                task,
                compiler,
                context.engine_python,
                context.threads,
                origins=context.advisor is not None,
                on=context.executor,
                workers=ALONE if context.executor == "local" else ALL,
                diagnose=lambda candidate, _: diagnoser.of(candidate.source, main),
            )
            _consult(context, task, search, findings)

            def between(_: str) -> None:
                context.check()
                _consult(context, task, search, findings)

            search.run(BUDGET, between)
    evaluations = read_evaluations(task)  # also in a recorded run
    best = find_fastest(evaluations.values())
    if best is None:
        context.tell(ProgressEvent("note", f"{task.task.operator}: none of {len(evaluations)} kernels is correct"))
        return None
    changed = {name: value for name, value in best.choices.items() if value != task.family.defaults()[name]}
    what = ", ".join(f"{name}={value}" for name, value in sorted(changed.items())) or "the unmodified template"
    source = f", proposed by: {best.source}" if best.source else ""
    context.tell(ProgressEvent("note", f"{task.task.operator}: best of {len(evaluations)} kernels: {what}{source}"))
    # In a recorded run, the kernel as it was benchmarked: the template may have changed since.
    kernel_source = read_stored_source(task, best.implementation) or render(task.family, task.task.dtype, best.choices)
    keep(task, kernel_source)
    return kernel_source


def _consult(context: RunContext, task: TaskFolder, search: Search, findings: Sequence[str]) -> None:
    """Ask a model when a question is due; logged answers are reused instead of asking again."""
    after = len(search.done)
    if context.advisor is None or after % EVERY or after >= BUDGET:
        return
    past = KernelProposals(task.path)
    line = past.at(after)
    if line is not None:
        for choices in line.admitted:
            search.suggest(choices)
        return
    room = MODELS_PART - past.admitted
    if room <= 0 or any(entry.outcome in FINAL for entry in past.lines):
        return
    line = _ask_author(context.advisor, task, search, findings, room, seconds_for(context))
    past.add(line)
    context.tell(ProgressEvent("note", f"{task.task.operator}: language model as {ROLE}: {line.describe()}"))


def _ask_author(
    advisor: Advisor, task: TaskFolder, search: Search, findings: Sequence[str], room: int, seconds: float
) -> ProposalRecord:
    kernel_task = task.task
    system = load_prompt(ROLE).fill(
        skills="\n\n".join(
            entry.body
            for entry in skills_for(ROLE, operator=task.family.name, device=kernel_task.device, dtype=kernel_task.dtype)
        ),
        task=_task(task),
        diagnosis=_diagnosis(search),
        candidates=describe_evaluations(list(search.done.values())),
        findings="\n".join(f"- {finding}" for finding in findings) or "none yet",
    )
    tools = (
        skill_tool(ROLE, operator=task.family.name, device=kernel_task.device, dtype=kernel_task.dtype),
        make_diagnosis_tool(task),
        make_kernel_tool(task),
    )
    outcome = advisor.ask(ROLE, system, "Your proposals.", KernelProposal, tools, seconds)
    if outcome.answer is None:
        return ProposalRecord(after=len(search.done), outcome=outcome.kind, detail=outcome.detail)
    return suggest_to_search(outcome.answer, search, task.family, room)


def _diagnosis(search: Search) -> str:
    best = search.best
    return best.diagnosis.describe() if best is not None and best.diagnosis is not None else "none yet"


def _task(task: TaskFolder) -> str:
    """Held-out shapes are left out, as in the search."""
    kernel_task, family = task.task, task.family
    seen = [shape for shape in kernel_task.shapes if not shape.held_out]
    allowed = allowed_values(family, [parse_dims(entry.key) for entry in seen])
    meanings = {parameter.name: parameter.meaning for parameter in family.parameters}
    return orjson.dumps(
        {
            "operator": family.title,
            "dtype": kernel_task.dtype,
            "device": kernel_task.device,
            "axes": family.axes,
            "shapes": [item.key for item in seen],
            "parameters": [
                {
                    "name": name,
                    "values": list(values),
                    "default": family.defaults()[name],
                    "meaning": meanings.get(name, "an axis that the kernel is compiled for at one size; 0: none"),
                }
                for name, values in allowed.items()
            ],
        },
        option=orjson.OPT_INDENT_2,
    ).decode()
