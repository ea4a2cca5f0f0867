"""Integrator: lays a kernel over the live server, reversibly, and measures what it gives there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from bankable.kernels.build.overlay import lay, part_of
from bankable.kernels.task.folder import TaskFolder
from bankable.kernels.task.sources import kept_source
from bankable.nodes.advice.integration import Winner, answered, laid
from bankable.tools.evidence.harness import BakeOffClaim
from bankable.tools.evidence.records import Kind, Lever, Plan, ServerConfig
from bankable.tools.measurement.comparison import Measured, compare, declare
from bankable.tools.measurement.plan import numbered
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.share import operator_share, promised_gain
from bankable.tools.statistics.paired import small_and_harmless


def patch_name(operator: str, attempt: int = 1) -> str:
    """Folder name of an operator's confirmation: ``patch-rms_norm``, then ``…-2``."""
    return numbered(f"patch-{operator}", attempt)


def lever_of(context: RunContext, task: TaskFolder, claim: BakeOffClaim, bench: int) -> Lever | None:
    """The winner as a change of the server; ``None`` where it is no kernel that an overlay can carry."""
    if context.recorded is not None:
        return _recorded(context.recorded / "comparisons" / patch_name(task.task.operator) / "plan.json")
    source = kept_source(task, claim.winner) if claim.winner is not None else None
    if source is None:
        return None
    return Lever(overlays={task.task.operator: part_of(task.family, source, bench)})


def _recorded(plan: Path) -> Lever | None:
    """What a recorded run served: an overlay made now would have another digest if anything of it changed since."""
    try:
        return Plan.model_validate_json(plan.read_bytes()).lever
    except (OSError, ValidationError):
        return None


def winner_of(context: RunContext, task: TaskFolder, claim: BakeOffClaim, profile: Profile | None) -> Winner:
    """What is known of the winner before it is measured on the live server."""
    operator, speedup = task.task.operator, claim.speedup or 1.0
    share = operator_share(profile, operator) if profile is not None else None
    # Without a share nothing says that it cannot give much.
    ceiling = promised_gain(share, max(speedup, 1.0)) if share is not None else 1.0
    return Winner(operator, task.task.dtype, claim.winner or "none", speedup, ceiling)


def left_aside(context: RunContext, winner: Winner, attempt: int, findings: Sequence[str]) -> str:
    """Why a language model would not have it measured at all; empty where it is measured."""
    found = laid(context, winner, attempt, findings)
    return f"left aside by the integrator: {found.because}" if found is not None and found.action == "leave" else ""


def measured_again(context: RunContext, winner: Winner, advised: bool, failed: int, findings: Sequence[str]) -> bool:
    """The answer to a FAIL of attempt ``failed``: as the auditor advises, unless a model may decide and does."""
    found = answered(context, winner, failed, advised, findings)
    if found is not None and found.action in ("remeasure", "give_up"):
        return found.action == "remeasure"
    return advised


def integrate(
    context: RunContext,
    lever: Lever,
    isolated: dict[str, float],
    reference: ServerConfig,
    attempt: int,
    reserve_s: float,
) -> Measured:
    """Measure a server with the operator replaced against one without, on fresh blocks.

    The reference has no other operator replaced, so that what each gives is known by itself. ``isolated`` are the
    signed-off speed-ups alone. ``reserve_s`` of the run's time is left to what comes after.
    """
    (operator,) = lever.overlays
    plan = context.plan(patch_name(operator, attempt), Kind.PATCH, reference=reference, lever=lever, seed=attempt)
    lay(context.folder, declare(context, plan), lever, context.recorded)
    return compare(context, plan, reserve_s, isolated)


def worth_carrying(measured: Measured) -> bool:
    """Is this operator a win, or else faster alone, of no harm, and only too small to be shown by itself?

    What is too small goes into the bundle's validation with the others (``stack``).
    """
    if measured.decision is None:
        return False
    return measured.decision.verdict == "real" or small_and_harmless(measured.decision, measured.plan.floor)
