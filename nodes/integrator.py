"""Integrator: applies a kernel to the live server as a reversible overlay, and measures the end-to-end gain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from bankable.kernels.build.overlay import lay, part_of
from bankable.kernels.task.folder import TaskFolder
from bankable.kernels.task.sources import read_stored_source
from bankable.nodes.advice.integration import Winner, ask_after_fail, ask_before_overlay
from bankable.tools.evidence.harness import BenchmarkClaim
from bankable.tools.evidence.records import ComparisonKind, Lever, Plan, ServerConfig
from bankable.tools.measurement.comparison import ComparisonResult, compare, declare
from bankable.tools.measurement.plan import name_attempt
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.share import operator_share, promised_gain
from bankable.tools.statistics.paired import small_and_harmless


def patch_name(operators: Iterable[str], attempt: int = 1) -> str:
    """Folder name of a confirmation: ``patch-rms_norm``, ``patch-linear+rms_norm`` for two, then ``...-2``."""
    return name_attempt(f"patch-{'+'.join(sorted(operators))}", attempt)


def lever_of(context: RunContext, task: TaskFolder, claim: BenchmarkClaim, bench: int) -> Lever | None:
    """The winner as a lever; ``None`` where it is no kernel that an overlay can carry."""
    if context.recorded is not None:
        return _read_recorded_lever(context.recorded, task.task.operator)
    source = read_stored_source(task, claim.winner) if claim.winner is not None else None
    if source is None:
        return None
    return Lever(overlays={task.task.operator: part_of(task.family, source, bench)})


def _read_recorded_lever(run: Path, operator: str) -> Lever | None:
    """The overlay that a recorded run served: a new build could have another digest."""
    for path in sorted((run / "comparisons").glob("patch-*/plan.json")):
        try:
            part = Plan.model_validate_json(path.read_bytes()).lever.overlays.get(operator)
        except (OSError, ValidationError):
            continue
        if part is not None:
            return Lever(overlays={operator: part})
    return None


def group_lever(levers: Iterable[Lever]) -> Lever:
    """Several replaced operators as one lever."""
    return Lever(overlays={name: part for lever in levers for name, part in sorted(lever.overlays.items())})


def group_ceiling(ceilings: Iterable[float]) -> float:
    """End-to-end gain, as a fraction, of several operators together: the times that they save add up.

    An operator with the end-to-end gain g saves 1 − 1 / (1 + g) of the time (Amdahl's law).
    """
    saved = math.fsum(1.0 - 1.0 / (1.0 + ceiling) for ceiling in ceilings)
    return 1.0 / (1.0 - saved) - 1.0 if saved < 1.0 else math.inf


def halves(operators: Sequence[str]) -> list[list[str]]:
    """A group without a proven gain as two halves, the more promising one first; none for a single operator."""
    middle = (len(operators) + 1) // 2
    return [list(operators[:middle]), list(operators[middle:])] if len(operators) > 1 else []


def winner_of(context: RunContext, task: TaskFolder, claim: BenchmarkClaim, profile: Profile | None) -> Winner:
    """Facts about the winner before it is measured on the live server."""
    operator, speedup = task.task.operator, claim.speedup or 1.0
    share = operator_share(profile, operator) if profile is not None else None
    # Without a known share, a small possible gain cannot be concluded.
    ceiling = promised_gain(share, max(speedup, 1.0)) if share is not None else 1.0
    return Winner(operator, task.task.dtype, claim.winner or "none", speedup, ceiling)


def reason_to_skip(context: RunContext, winner: Winner, attempt: int, findings: Sequence[str]) -> str:
    """A language model's reason to skip the measurement; empty where it is measured."""
    advice = ask_before_overlay(context, winner, attempt, findings)
    return f"left out by the integrator: {advice.because}" if advice is not None and advice.action == "leave" else ""


def should_remeasure(context: RunContext, winner: Winner, advised: bool, failed: int, findings: Sequence[str]) -> bool:
    """The response to a FAIL of attempt ``failed``: as the auditor advises, unless a model may decide and does."""
    advice = ask_after_fail(context, winner, failed, advised, findings)
    if advice is not None and advice.action in ("remeasure", "give_up"):
        return advice.action == "remeasure"
    return advised


def integrate(
    context: RunContext,
    lever: Lever,
    isolated: dict[str, float],
    reference: ServerConfig,
    attempt: int,
    gain: float = 0.0,
) -> ComparisonResult:
    """Measure a server with all operators of the lever replaced against one without, on fresh blocks.

    The reference has no operator replaced. ``isolated`` are the signed-off isolated speed-ups, ``gain`` what they
    promise end to end (a fraction): where that is large, the blocks are shorter.
    """
    plan = context.plan(
        patch_name(lever.overlays, attempt),
        ComparisonKind.PATCH,
        reference=reference,
        lever=lever,
        seed=attempt,
        gain=gain,
    )
    lay(context.folder, declare(context, plan), lever, context.recorded)
    return compare(context, plan, 0.0, isolated)


def worth_carrying(measured: ComparisonResult) -> bool:
    """Whether this group is a proven gain, or faster in isolation, harmless, and too small to be shown by itself.

    A gain that is too small goes into the bundle's validation with the others (``stack``).
    """
    if measured.decision is None or measured.claim is None:
        return False
    if any(guard.outcome == "broken" for guard in measured.claim.guards):
        return False
    return measured.decision.verdict == "real" or small_and_harmless(measured.decision, measured.plan.floor)
