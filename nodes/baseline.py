"""Baseline: the reference against itself. It gives the level, the noise, and the outputs that everything is held to."""

from __future__ import annotations

from statistics import stdev

from bankable.tools.evidence.records import ComparisonKind, Lever
from bankable.tools.measurement.comparison import ComparisonResult, compare
from bankable.tools.measurement.cost import block_seconds
from bankable.tools.measurement.outlook import outlook
from bankable.tools.measurement.plan import numbered
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

CONTROL_ALPHA = 0.025
"""One-sided: an honest control's interval misses 0 one time in twenty, and is then measured again."""


def control_name(attempt: int) -> str:
    """Name of the control comparison: ``control``, then ``control-2``, …"""
    return numbered("control", attempt)


def measure_baseline(context: RunContext, attempt: int) -> ComparisonResult:
    """Run the A/A control. A second attempt is a fresh comparison with other seeds and one more block."""
    looks = (context.protocol.control_blocks + attempt - 1,)
    plan = context.plan(
        control_name(attempt),
        ComparisonKind.CONTROL,
        reference=context.base,
        lever=Lever(),
        seed=100 * attempt,
        looks=looks,
        alpha=CONTROL_ALPHA,
    )
    measured = compare(context, plan)
    if len(measured.diffs) > 1:
        context.tell(ProgressEvent("note", _outlook(context, stdev(measured.diffs)), plan.name))
    return measured


def _outlook(context: RunContext, block_sd: float) -> str:
    """What a confirmation can find on this machine, when half of the time that is left goes to it."""
    seen = outlook(
        context.protocol.looks, context.protocol.floor, context.seconds_left() / 2, block_seconds(context), block_sd
    )
    return f"block differences vary by {block_sd:.1%}: {seen.sentence()}"
