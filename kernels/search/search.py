"""A bounded search over a template's parameters: a tree of candidates, each one edit away from the one it came from.

Which of them is next a policy says, from rewards, visits and diagnoses. Every candidate is compiled, tried on all kinds
of input, and timed beside the live implementation in processes of its own. Held-out shapes take no part. What a
language model suggests is evaluated first, in the same way and out of the same budget. Each evaluation is a line of
``search.jsonl``; a search that was stopped goes on from there with the same tree, and a kernel that was evaluated is
not evaluated again under another name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.build.render import every_choice, render
from bankable.kernels.diagnosis.record import Diagnosis
from bankable.kernels.operators.family import Choices, Dims, Family
from bankable.kernels.search.evaluation import (
    LOG,
    Evaluation,
    EvaluationJob,
    Origin,
    find_fastest,
    make_evaluation,
    read_evaluations,
    served_keys,
)
from bankable.kernels.search.executor.executor import Executor, make_executor
from bankable.kernels.search.policies import POLICIES, PolicyName, next_steps
from bankable.kernels.search.tree import Tree
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.evidence.store import AppendLog
from bankable.tools.measurement.executor import ExecutorName

__all__ = [
    "LOG",
    "Evaluation",
    "Search",
    "allowed_values",
    "build_tree",
    "find_fastest",
    "read_evaluations",
]
Diagnose = Callable[[Compiled, TaskFolder], Diagnosis | None]
"""Diagnosis of a candidate after it was timed."""
Step = tuple[dict[str, int], str | None, Origin]


class Search:
    """One search in one task folder."""

    def __init__(
        self,
        folder: TaskFolder,
        compiler: Compiler,
        python: Path,
        threads: int = 1,
        origins: bool = False,
        *,
        policy: PolicyName = "uct",
        seed: int = 0,
        on: ExecutorName = "local",
        workers: int = 1,
        diagnose: Diagnose | None = None,
    ) -> None:
        """``origins``: record who proposed each candidate. ``workers``: number of candidates screened at a time."""
        self._folder, self._compiler, self._python, self._threads = folder, compiler, python, threads
        self._policy, self._seed, self._diagnose = POLICIES[policy], seed, diagnose
        self._on: ExecutorName = on
        self._workers = workers
        self._log = AppendLog(folder.path / LOG)
        self._shapes = [parse_dims(key) for key in served_keys(folder)]
        self._every = list(every_choice(folder.family, tuple(self._shapes)))
        self._suggested: list[dict[str, int]] = []
        self._origins = origins
        self.done = read_evaluations(folder)
        self.tree = build_tree(folder)
        self.fresh = 0
        """Evaluations made by this object; the others were read."""

    @property
    def best(self) -> Evaluation | None:
        """The fastest correct candidate."""
        return find_fastest(self.done.values())

    def suggest(self, choices: Choices) -> bool:
        """Have a choice evaluated next, after those suggested before; false when it is none, or is known already."""
        allowed = allowed_values(self._folder.family, self._shapes)
        if choices.keys() != allowed.keys() or any(value not in allowed[name] for name, value in choices.items()):
            return False
        if not self.tree.is_new(choices, self._suggested):
            return False
        self._suggested.append(dict(choices))
        return True

    def run(self, budget: int, say: Callable[[str], None] = lambda _: None) -> Evaluation | None:
        """Evaluate up to ``budget`` sources, those of an earlier run counted in; returns the best."""
        if len(self.done) >= budget:
            return self.best
        with make_executor(self._on, self._python, self._threads, self._compiler, self._workers) as workers:
            while len(self.done) < budget:
                batch = list(self._next(min(workers.width, budget - len(self.done))))
                if not batch:
                    break
                for done in self._evaluate(batch, workers):
                    say(f"{done.implementation} {done.outcome} {done.why}".strip())
        return self.best

    def _next(self, count: int) -> Iterator[Step]:
        """Suggestions as they arrive, the default template, then the policy's choices."""
        taken = 0
        while self._suggested and taken < count:
            yield self._suggested.pop(0), None, "llm"
            taken += 1
        if taken:
            return
        if self.tree.root is None:
            yield self._folder.family.defaults(), None, "search"
            return
        for choices, parent in next_steps(self._policy, self.tree, count, self._seed, self._every):
            yield choices, parent.id if parent is not None else None, "search"

    def _evaluate(self, batch: list[Step], workers: Executor) -> Iterator[Evaluation]:
        """Screen a batch in parallel, time its candidates one by one, and log them in the order of the batch."""
        task, family = self._folder.task, self._folder.family
        sources = [render(family, task.dtype, choices) for choices, _, _ in batch]
        jobs = [EvaluationJob(self._folder.root.resolve(), task.operator, source, self._threads) for source in sources]
        for (choices, parent, origin), job, screened in zip(batch, jobs, workers.screen(jobs), strict=True):
            name = job.source.implementation
            evaluation = make_evaluation(name, choices, screened.outcome, screened.why)
            if screened.compiled is not None:
                ratio, why = workers.time(job, screened.compiled)
                evaluation = make_evaluation(name, choices, "failed" if ratio is None else "measured", why, ratio)
                if ratio is not None and self._diagnose is not None:
                    diagnosis = self._diagnose(screened.compiled, self._folder)
                    evaluation = evaluation.model_copy(update={"diagnosis": diagnosis})
            evaluation = evaluation.model_copy(update={"parent": parent, "source": origin if self._origins else None})
            self._log.append(evaluation.line())
            self.done[name] = evaluation
            self.tree.add(evaluation)
            self.fresh += 1
            yield evaluation


def build_tree(folder: TaskFolder, recorded: Iterable[Evaluation] | None = None) -> Tree:
    """The tree that the evaluations of a task make, or those that are ``recorded``."""
    family, dtype = folder.family, folder.task.dtype

    @cache
    def render_once(key: tuple[tuple[str, int], ...]) -> tuple[str, str]:
        source = render(family, dtype, dict(key))
        return source.novelty, source.implementation

    def of(choices: Choices) -> tuple[str, str]:
        return render_once(tuple(sorted(choices.items())))

    shapes = [parse_dims(key) for key in served_keys(folder)]
    tree = Tree(
        allowed_values(family, shapes),
        family.defaults(),
        lambda choices: of(choices)[0],
        lambda choices: of(choices)[1],
    )
    for entry_ in read_evaluations(folder).values() if recorded is None else recorded:
        tree.add(entry_)
    return tree


def allowed_values(family: Family, shapes: list[Dims]) -> dict[str, tuple[int, ...]]:
    """What each parameter of a template may be, for these shapes."""
    fixed = {f"fixed_{axis}": family.axes.index(axis) for axis in family.specialised}
    return {
        **{parameter.name: parameter.values for parameter in family.parameters},
        **{name: (0, *sorted({dims[place] for dims in shapes})) for name, place in fixed.items()},
    }
