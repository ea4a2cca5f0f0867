"""Config tuner: screens configurations cheaply, proposes one lever at a time, and confirms it on fresh blocks."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bankable.nodes.advice.tuning import TuningAdvice, answer_to_fail
from bankable.tools.evidence.records import GOODPUT, ComparisonKind, Lever, ServerConfig
from bankable.tools.levers import knob, knobs_for
from bankable.tools.levers.settings import lever_of
from bankable.tools.measurement.comparison import ComparisonResult, compare
from bankable.tools.measurement.direction import Direction
from bankable.tools.measurement.plan import make_plan, name_attempt
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.measurement.screening import Screening, ScreeningResult, Source, read_trials
from bankable.tools.search.records import SUGGESTED, Trial, TrialOutcome
from bankable.tools.search.space import space_from_knobs
from bankable.tools.store.memory import SearchMemory

DISPROVED = 0.5
"""Factor on the importance of a setting that an earlier run disproved at this place: tried late, and not ruled out."""


@dataclass(frozen=True)
class LeverProspect:
    """A screened lever and its expected gain: the measured gain, shrunk according to the noise."""

    lever: Lever
    gain: float
    """As a fraction."""


def screen(
    context: RunContext,
    directions: Sequence[Direction],
    around: int,
    reference: ServerConfig,
    seconds: float,
    findings: Sequence[str] = (),
) -> list[LeverProspect]:
    """Search the directions' knobs until the policy stops or the time is spent; returns levers with expected gains.

    A knob is as important as its direction. ``around`` counts the levers accepted so far: another reference is another
    search. A resumed run replays the recorded trials and continues with the next one. Proposals of language models are
    tried first; ``findings``: the auditor's findings against earlier levers. What earlier runs banked at this place is
    tried before everything else.
    """
    label = f"around-{around}"
    past = read_trials(context)
    mine = [trial for trial in past if trial.search == label]
    chosen, _ = knobs_for(context.driver.device, context.known_flags, context.situation())
    shares = {name: direction.importance for direction in directions for name in direction.knobs}
    if context.memory is not None:
        shares.update({name: shares[name] * DISPROVED for name in context.memory.losses if name in shares})
    knobs = [entry for entry in chosen if entry.name in shares]
    if not knobs:
        return []
    from bankable.tools.search.policy import SearchPolicy, SearchSettings  # noqa: PLC0415 - optuna takes a second to import
    from bankable.tools.search.posterior import GOODPUT_PRIOR, Prior  # noqa: PLC0415 - scipy takes a second to import

    prior = GOODPUT_PRIOR if context.protocol.metric == GOODPUT else Prior()
    space = space_from_knobs(knobs, context.situation(), {**reference.flags, **reference.env}, shares)
    policy = SearchPolicy(
        space,
        seconds,
        context.protocol.seed,
        SearchSettings(floor=context.protocol.floor, max_changes=1, prior=prior),
    )
    for remembered in context.memory.gains if context.memory is not None else ():
        policy.suggest(remembered.flags, remembered.env)
    number = len(past) - len(mine)
    base = make_plan(
        name="search",
        run_id=context.run_id,
        kind=ComparisonKind.BUNDLE,
        model=context.model,
        reference=reference,
        lever=Lever(),
        workload=context.workload,
        launch_plan=context.protocol.launch_plan,
        seed=context.protocol.seed + 500_000,
        looks=(1,),
        rounds_per_leg=2,
        alpha=0.05,
        metric=context.protocol.metric,
        limits=context.protocol.limits,
    )
    advice = (
        TuningAdvice(context, context.advisor, label, space, reference, findings)
        if context.advisor is not None
        else None
    )
    results: list[ScreeningResult] = []
    with Screening(context, base, label) as session:
        while True:
            if advice is not None:
                advice.offer(policy, results)
            trial = policy.ask()
            if trial is None:
                break
            seen = len(results)
            source = _source(trial, context.memory) if advice is not None else None
            result = mine[seen] if seen < len(mine) else session.measure(number + seen, trial.lever(), source)
            failure = result.failure.kind if result.failure else None
            policy.tell(trial.id, TrialOutcome(score=result.score, failure=failure, cost_s=result.cost_s))
            results.append(result)
            if failure == "not_recorded" and trial.stage != SUGGESTED:
                break  # the recording ends here
    return [LeverProspect(best.trial.lever(), math.expm1(best.score)) for best in policy.rank()]


def _source(trial: Trial, memory: SearchMemory | None) -> Source:
    """Whose idea a trial was; what is remembered counts as the search's own."""
    remembered = memory is not None and any((trial.flags, trial.env) == (own.flags, own.env) for own in memory.gains)
    return "llm" if trial.stage == SUGGESTED and not remembered else "policy"


def propose(prospects: Sequence[LeverProspect], tried: Collection[str], floor: float) -> Lever | None:
    """The most promising single change that was not tried yet; ``None`` when nothing is worth confirming."""
    worth = (
        prospect.lever
        for prospect in prospects
        if len(prospect.lever.names()) == 1 and prospect.gain > floor and patch_name(prospect.lever) not in tried
    )
    return next(worth, None)


def revise(lever: Lever, rules: Collection[str], reference_kv_tokens: int | None) -> Lever | None:
    """A repaired lever in response to the auditor's findings, or ``None`` when no repair applies.

    Only one repair is known: a change that moved the KV pool is tried again with the pool held at the reference's.
    """
    moved = "same_conditions" in rules and any((entry := knob(name)) and entry.capacity for name in lever.names())
    if moved and reference_kv_tokens and "max_total_tokens" not in lever.flags:
        return Lever(flags={**lever.flags, "max_total_tokens": reference_kv_tokens}, env=lever.env)
    return None


def repair(
    context: RunContext,
    lever: Lever,
    comparison: str,
    reference: ServerConfig,
    tried: Collection[str],
    findings: Sequence[str],
) -> Lever | None:
    """Another value for the returned lever, proposed by a language model; ``None`` without an untried one."""
    if context.advisor is None or len(lever.names()) != 1:
        return None
    chosen, _ = knobs_for(context.driver.device, context.known_flags, context.situation())
    knobs = [entry for entry in chosen if entry.name in lever.names() and entry.candidates(context.situation())]
    if not knobs:
        return None
    space = space_from_knobs(knobs, context.situation(), {**reference.flags, **reference.env}, {})
    values = answer_to_fail(context, comparison, space, reference, findings)
    other = lever_of(values)
    return other if values and patch_name(other) not in tried else None


def patch_name(lever: Lever, attempt: int = 1) -> str:
    """Folder name of a lever's confirmation: ``patch-stream_interval-8``, then ``…-2``."""
    parts = [f"{name}-{value}" for name, value in sorted({**lever.flags, **lever.env}.items())]
    text = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in "-".join(parts))
    return name_attempt(f"patch-{text[:80]}", attempt)


def confirm(
    context: RunContext, lever: Lever, reference: ServerConfig, attempt: int, reserve_s: float
) -> ComparisonResult:
    """Measure one lever against the configuration accepted so far, on fresh blocks that screening has not used.

    ``reserve_s`` of the run's time is left for later steps.
    """
    plan = context.plan(
        patch_name(lever, attempt), ComparisonKind.PATCH, reference=reference, lever=lever, seed=attempt
    )
    return compare(context, plan, reserve_s)
