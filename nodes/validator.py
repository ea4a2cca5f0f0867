"""Validator: measures the whole bundle against the true baseline, on fresh launches that no search has used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankable.kernels.build.overlay import lay
from bankable.tools.evidence.records import ComparisonKind, Lever, OverlayPart, Plan, Scalar
from bankable.tools.measurement.comparison import ComparisonResult, compare, declare
from bankable.tools.measurement.plan import name_attempt
from bankable.tools.measurement.run_context import RunContext


def union(levers: Sequence[Lever]) -> Lever:
    """All levers combined; a later one wins where two set the same name."""
    flags: dict[str, Scalar] = {}
    env: dict[str, str] = {}
    overlays: dict[str, OverlayPart] = {}
    for lever in levers:
        flags |= lever.flags
        env |= lever.env
        overlays |= lever.overlays
    return Lever(flags=flags, env=env, overlays=overlays)


def bundle_name(attempt: int) -> str:
    """Name of the comparison: ``bundle``, then ``bundle-2``."""
    return name_attempt("bundle", attempt)


def find_whole_confirmation(context: RunContext, confirmations: Sequence[str]) -> str:
    """A confirmation that already measured the whole bundle against the true baseline; empty where there is none.

    A bundle of one confirmed patch has the same legs that a validation would measure again: fresh launches that no
    search has used, under a plan that was declared before them. ``confirmations`` are the comparisons of the accepted
    levers.
    """
    if len(confirmations) != 1:
        return ""
    plan = Plan.model_validate_json((context.folder.comparison(confirmations[0]) / "plan.json").read_bytes())
    return plan.name if plan.reference == context.base else ""


def validate(
    context: RunContext, levers: Sequence[Lever], isolated: Mapping[str, float], attempt: int
) -> ComparisonResult:
    """Measure the accepted levers together against the user's configuration.

    ``isolated``: signed-off isolated speed-ups of the replaced operators, which the claim quotes.
    """
    name = bundle_name(attempt)
    plan = context.plan(
        name, ComparisonKind.BUNDLE, reference=context.base, lever=union(levers), seed=900_000 + attempt
    )
    if plan.lever.overlays:
        lay(context.folder, declare(context, plan), plan.lever, context.recorded)
    return compare(context, plan, isolated={name: isolated[name] for name in plan.lever.overlays})
