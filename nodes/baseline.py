"""Baseline: an A/A control of the reference. It gives the level, the noise and the reference outputs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import stdev

from bankable.tools.evidence.records import ComparisonKind, Lever
from bankable.tools.measurement.comparison import ComparisonResult, compare
from bankable.tools.measurement.cost import block_seconds, seconds_of
from bankable.tools.measurement.outlook import Outlook, outlook
from bankable.tools.measurement.plan import name_attempt
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

CONTROL_ALPHA = 0.025
"""One-sided: the interval of an honest control misses 0 one time in twenty; the control is then measured again."""


CONTROL_SHARE = 0.25
"""Share of the budget for all controls. A noisier control limits what can be claimed and does not stop the run."""
NOISE_RULES = frozenset({"baseline_noise", "contention", "control_covers_zero"})
"""Rules of scope baseline that are about the machine's noise and not about the reference."""


def control_name(attempt: int) -> str:
    """Name of the control comparison: ``control``, then ``control-2``, …"""
    return name_attempt("control", attempt)


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
        rounds=context.protocol.control_rounds,
    )
    measured = compare(context, plan)
    prospect = estimate_outlook(context, measured.diffs)
    if prospect is not None:
        sentence = f"block differences vary by {stdev(measured.diffs):.1%}: {prospect.sentence()}"
        context.tell(ProgressEvent("note", sentence, plan.name))
    return measured


def estimate_outlook(context: RunContext, differences: Sequence[float]) -> Outlook | None:
    """The smallest gain that a confirmation can detect on this machine with half of the remaining time.

    ``differences`` are those of the control's blocks (log ratios); ``None`` with fewer than two of them.
    """
    if len(differences) < 2:
        return None
    return outlook(
        context.protocol.looks,
        context.protocol.floor,
        context.seconds_left() / 2,
        block_seconds(context),
        stdev(differences),
    )


def find_noise_limit(context: RunContext, differences: Sequence[float]) -> float:
    """The smallest gain, as a fraction, that the machine's noise lets a confirmation detect; 0 where nothing is known.

    At the first look, or a later one that half of the remaining time allows: whether there is time for the first one
    depends on the candidate, and is asked before it is measured.
    """
    if len(differences) < 2:
        return 0.0
    looks, block_s = context.protocol.looks, block_seconds(context)
    seconds = max(context.seconds_left() / 2, looks[0] * block_s)
    return outlook(looks, context.protocol.floor, seconds, block_s, stdev(differences)).detectable_gain


def another_control_fits(context: RunContext, budget_s: float, attempts: int) -> bool:
    """Whether all controls stay within their share of the budget when one more is measured after ``attempts``."""
    blocks, rounds = context.protocol.control_blocks + attempts, context.protocol.control_rounds
    following = blocks * block_seconds(context, rounds=rounds)
    return seconds_of(context, [control_name(attempt) for attempt in range(1, attempts + 1)]) + following <= (
        CONTROL_SHARE * budget_s
    )
