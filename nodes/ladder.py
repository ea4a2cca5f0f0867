"""Ladder: serves the run's configurations at every load and finds the frontier that they form."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.tools.evidence.records import Lever, ServerConfig
from bankable.tools.levers.settings import lever_of
from bankable.tools.measurement.ladder import LadderResult, measure_ladder
from bankable.tools.measurement.ladder_plan import plan_ladder
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.measurement.screening import read_trials

MOST_CONFIGURATIONS = 4
"""Configurations on a ladder that the user did not ask for, the reference among them: each block launches all."""


def serve_ladder(context: RunContext, accepted: Sequence[Lever]) -> LadderResult:
    """Measure the reference, the accepted settings, the user's contenders and the best of the search at all loads.

    ``accepted``: levers of the run's bundle, in their order. Replaced operators stay out of the ladder: it compares
    configurations of one engine.
    """
    contenders = choose_contenders(context, accepted)
    plan = plan_ladder(context, contenders, context.loads)
    assert plan.ladder is not None
    names = ", ".join(entry.name for entry in plan.ladder.contenders)
    loads = ", ".join(load.name for load in plan.ladder.loads)
    context.tell(ProgressEvent("note", f"{plan.name}: {names} at {loads}", plan.name))
    return measure_ladder(context, plan, context.seconds_left() + context.ladder_s)


def choose_contenders(context: RunContext, accepted: Sequence[Lever]) -> list[ServerConfig]:
    """Configurations beside the reference, those that the user asked for always, then the best screened ones."""
    settings = [Lever(flags=lever.flags, env=lever.env) for lever in accepted]
    bundle = context.base
    for lever in settings:
        bundle = bundle.with_lever(lever)
    chosen = [config for config in (bundle, *context.contenders) if config != context.base]
    scored = [(trial.score, trial) for trial in read_trials(context) if trial.score is not None and trial.score > 0]
    for _, trial in sorted(scored, key=lambda entry: -entry[0]):
        config = context.base.with_lever(lever_of(trial.flags))
        if 1 + len(chosen) >= MOST_CONFIGURATIONS:
            break
        if config not in chosen and config != context.base:
            chosen.append(config)
    return chosen
