"""Measures how soon each policy finds the best kernel of a family, replayed on a recorded landscape.

A landscape is the log of an exhaustive search: every kernel of the template, measured once. A replayed search reads its
results from the log, so all policies see the same figures, and only the order differs. Diagnoses are used where the log
has them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from rich.table import Table

from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.build.render import every_choice
from bankable.kernels.search.evaluation import Evaluation, read_evaluations, served_keys
from bankable.kernels.search.policies import POLICIES, PolicyName, next_steps
from bankable.kernels.search.search import build_tree
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.errors import UserError

RECORDED = Path(__file__).with_name("recorded")
"""A landscape of ours: every kernel of a template, measured once on two cores that did nothing else."""
BUDGETS = (4, 8, 12, 16, 24)
WITHIN = 0.02
"""In log units: so near the best counts as found. Two rounds of a kernel differ by as much."""


@dataclass(frozen=True)
class PolicyScore:
    """One policy on one landscape."""

    policy: PolicyName
    shares: tuple[float, ...]
    """After so many evaluations: mean over seeds of exp(best found − best there is)."""
    needed: float
    """Median number of evaluations until one was near the best; infinite where most seeds did not get there."""


def replay(folder: TaskFolder, seeds: int, budgets: Sequence[int] = BUDGETS) -> list[PolicyScore]:
    """Every policy with every seed. Raises ``UserError`` on a landscape that is not whole."""
    recorded = list(read_evaluations(folder).values())
    landscape = {tuple(sorted(evaluation.choices.items())): evaluation for evaluation in recorded}
    every = list(every_choice(folder.family, tuple(parse_dims(key) for key in served_keys(folder))))
    whole = build_tree(folder)
    missing = sum(whole.is_new(choices) for choices in every)
    best = max((evaluation.log_ratio for evaluation in recorded if evaluation.log_ratio is not None), default=None)
    if missing or best is None:
        raise UserError(
            f"Cannot replay: {missing} kernels of {len(every)} are not recorded",
            str(folder.path),
            "finish it with `search --policy exhaustive` and a large budget",
        )
    by_kernel = {whole.novelty(evaluation.choices): evaluation for evaluation in landscape.values()}
    scores = []
    for policy in POLICIES:
        runs = [_run(policy, folder, by_kernel, every, seed, len(by_kernel)) for seed in range(seeds)]
        shares = tuple(fmean(math.exp(run[min(budget, len(run)) - 1] - best) for run in runs) for budget in budgets)
        near = [next((at + 1 for at, value in enumerate(run) if value >= best - WITHIN), math.inf) for run in runs]
        scores.append(PolicyScore(policy, shares, median(near)))
    return scores


def build_policies_table(
    family: str, kernels: int, scores: Sequence[PolicyScore], budgets: Sequence[int] = BUDGETS
) -> Table:
    """A line for each policy; the ratio is random's evaluations over its own."""
    shown = Table(
        f"{family}, {kernels} kernels", *(f"after {budget}" for budget in budgets), "needed", "random / this", box=None
    )
    by_chance = next(score.needed for score in scores if score.policy == "random")
    for score in scores:
        shown.add_row(
            score.policy,
            *(f"{share:.1%}" for share in score.shares),
            f"{score.needed:g}",
            f"{by_chance / score.needed:.2f}",
        )
    return shown


def _run(
    policy: PolicyName,
    folder: TaskFolder,
    by_kernel: dict[str, Evaluation],
    every: Sequence[dict[str, int]],
    seed: int,
    budget: int,
) -> list[float]:
    """The best log ratio after each evaluation of one search."""
    tree = build_tree(folder, recorded=())
    best, bests = -math.inf, []
    choices, parent = folder.family.defaults(), None
    for _ in range(budget):
        recorded = by_kernel[tree.novelty(choices)]
        tree.add(
            recorded.model_copy(
                update={
                    "choices": choices,
                    "implementation": tree.name(choices),
                    "parent": parent,
                }
            )
        )
        best = max(best, recorded.log_ratio if recorded.log_ratio is not None else -math.inf)
        bests.append(best)
        taken = next(next_steps(POLICIES[policy], tree, 1, seed, every), None)
        if taken is None:
            break
        choices, parent = taken[0], taken[1].id if taken[1] is not None else None
    return bests
