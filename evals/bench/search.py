"""Measures how soon each search policy finds the best configuration of a recorded landscape.

A search asks for configurations and receives the result of a recorded launch: the configuration's mean plus the
deviation of one of its launches, drawn anew for every seed, against a reference drawn in the same way. It is charged
the cost of that launch. With the same seed, every policy sees the same launch of a configuration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from bankable.evals.bench.effects import Effects
from bankable.tools.search.baselines import PlainTPE, RandomSearch
from bankable.tools.search.policy import SearchPolicy, SearchSettings
from bankable.tools.search.records import Trial, TrialOutcome
from bankable.tools.search.space import Point, SearchSpace
from bankable.tools.search.trial_log import Searcher

WITHIN = 0.01
"""Of the best."""

MakeSearcher = Callable[[SearchSpace, float, int], Searcher]
POLICIES: dict[str, MakeSearcher] = {
    "ours": SearchPolicy,
    "no stop": partial(SearchPolicy, settings=SearchSettings(give_up=0.0)),
    "plain TPE": PlainTPE,
    "random": RandomSearch,
}
"""``no stop`` is this project's policy without its stop rule: shows what stopping early saves, and what it costs."""


@dataclass(frozen=True)
class Run:
    """One search with one seed."""

    settled_s: float
    """Server seconds after which its recommendation stayed near the best; infinite if it never did."""
    spent_s: float
    """Server seconds until the search stopped by itself or the budget was used up."""
    trials: int
    regret: float
    """Log ratio of the best to the final recommendation, at least 0."""


@dataclass(frozen=True)
class SearchScore:
    """All searches of one policy."""

    policy: str
    seeds: int
    reached: float
    """Share of the searches that ended near the best."""
    minutes: tuple[float, float, float]
    """Lower quartile, median and upper quartile of the server-minutes until settled; infinite where not reached."""
    share: float
    """Median as a share of launching every configuration once."""
    spent_minutes: float
    """Median until the search stopped."""
    trials: float
    """Median number of configurations launched."""
    regret: tuple[float, float]
    """Median and 95th percentile of the final loss against the best, as fractions."""


def bench(effects: Effects, space: SearchSpace, seeds: int, jobs: int = 1, within: float = WITHIN) -> list[SearchScore]:
    """Run every policy with every seed; the budget of each search is one pass over all configurations."""
    return [_score(name, _runs(name, effects, space, seeds, jobs, within), effects) for name in POLICIES]


def search_once(make: MakeSearcher, effects: Effects, space: SearchSpace, seed: int, within: float = WITHIN) -> Run:
    """One search, from the first question to its end. It has settled ``within`` that fraction of the best."""
    near = -math.log1p(-within)
    searcher = make(space, effects.pass_s(), seed)
    best = effects.recorded[effects.best()].truth
    spent, trials, settled = 0.0, 0, math.inf
    regret = max(0.0, best)
    if regret <= near:
        settled = 0.0
    while (trial := searcher.ask()) is not None:
        outcome = draw_outcome(effects, space, trial, seed)
        searcher.tell(trial.id, outcome)
        spent, trials = spent + outcome.cost_s, trials + 1
        choice = searcher.best()
        at = space.reference if choice is None else _point(space, choice.trial)
        regret = max(0.0, best - effects.recorded[at].truth)
        if regret > near:
            settled = math.inf
        elif math.isinf(settled):
            settled = spent
    return Run(settled, spent, trials, regret)


def draw_outcome(effects: Effects, space: SearchSpace, trial: Trial, seed: int) -> TrialOutcome:
    """Result of one recorded launch of the trial's configuration, against one of the reference."""
    point = _point(space, trial)
    recorded = effects.recorded[point]
    drawn = recorded.launches[_draw(seed, point, len(recorded.launches))]
    if drawn.failure is not None:
        return TrialOutcome(failure=drawn.failure, cost_s=drawn.cost_s)
    references = effects.reference_deviations
    against = references[_draw(seed, space.reference, len(references))]
    return TrialOutcome(score=recorded.truth + drawn.deviation - against, cost_s=drawn.cost_s)


def _draw(seed: int, point: Point, count: int) -> int:
    """Index of the launch that a seed gets: a function of seed and configuration only, the same for every policy."""
    return int(np.random.default_rng((seed, *point)).integers(count))


def _point(space: SearchSpace, trial: Trial) -> Point:
    point = space.locate(trial.flags, trial.env)
    if point is None:
        raise ValueError(f"trial {trial.id} is outside the landscape: {trial.flags}")
    return point


def _runs(name: str, effects: Effects, space: SearchSpace, seeds: int, jobs: int, within: float) -> list[Run]:
    one = partial(search_once, POLICIES[name], effects, space, within=within)
    if jobs <= 1:
        return [one(seed) for seed in range(seeds)]
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        return list(pool.map(one, range(seeds), chunksize=5))


def _score(name: str, runs: Sequence[Run], effects: Effects) -> SearchScore:
    settled = np.array([run.settled_s for run in runs]) / 60
    quartiles = [float(np.quantile(settled, q, method="higher")) for q in (0.25, 0.5, 0.75)]
    loss = -np.expm1(-np.array([run.regret for run in runs]))
    return SearchScore(
        policy=name,
        seeds=len(runs),
        reached=float(np.mean(np.isfinite(settled))),
        minutes=(quartiles[0], quartiles[1], quartiles[2]),
        share=quartiles[1] * 60 / effects.pass_s(),
        spent_minutes=float(np.median([run.spent_s for run in runs])) / 60,
        trials=float(np.median([run.trials for run in runs])),
        regret=(float(np.median(loss)), float(np.quantile(loss, 0.95))),
    )


def table(scores: Sequence[SearchScore], effects: Effects, within: float = WITHIN) -> str:
    """The scores as plain text."""
    near = f"within {100 * within:g} %"
    lines = [
        f"{len(effects.recorded)} configurations; one launch of each takes {effects.pass_s() / 60:.1f} server-minutes; "
        f"noise of a launch {100 * effects.noise_sd:.1f} %, drift between batches {100 * effects.batch_sd:.1f} %",
        f"what a configuration gives is known to ±{100 * effects.standard_error():.1f} % (one standard error): "
        "nearer to the best than that is luck",
        "",
        f"{'policy':<11}{near:>11}{'25 %':>9}{'median':>9}{'75 %':>9}{'of a pass':>11}{'trials':>8}"
        f"{'stops at':>10}{'loss':>8}{'95 %':>8}",
    ]
    for s in scores:
        quartiles = "".join(f"{_minutes(m):>9}" for m in s.minutes)
        share = "–" if math.isinf(s.share) else f"{100 * s.share:.0f} %"
        lines.append(
            f"{s.policy:<11}{100 * s.reached:>9.0f} %{quartiles}{share:>11}{s.trials:>8.0f}{s.spent_minutes:>10.1f}"
            f"{100 * s.regret[0]:>6.2f} %{100 * s.regret[1]:>6.2f} %"
        )
    lines += ["", "Server-minutes until the recommendation is, and stays, that near to the best; – is not reached."]
    return "\n".join(lines)


def _minutes(value: float) -> str:
    return "–" if math.isinf(value) else f"{value:.1f}"
