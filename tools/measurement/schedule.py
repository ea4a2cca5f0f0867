"""What a comparison costs and what it can decide, said before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tools.evidence.records import LaunchPlan, Plan
from tools.statistics.noise import minimal_detectable_effect
from tools.statistics.paired import can_win


@dataclass(frozen=True)
class Costs:
    """Seconds of the parts of a block on this machine."""

    launch_s: float
    """From the start of the servers of a launch, together, to the last one ready, and their stop."""
    round_s: float
    """One round on one server."""
    probe_s: float = 0.0
    """Everything that a launch is asked outside rounds: probe prompts, accuracy questions."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(x) and x >= 0 for x in (self.launch_s, self.round_s, self.probe_s)):
            raise ValueError("costs are finite seconds of at least 0")


@dataclass(frozen=True)
class Outlook:
    """What a budget can decide."""

    blocks: int
    """Of the plan, as many as fit the budget."""
    seconds: float
    """Expected time of these blocks."""
    reachable_look: int | None
    """Last declared look within these blocks; ``None`` when not even the first one is."""
    detectable_gain: float
    """Smallest true gain, as a fraction, that this look finds with 80 % chance; infinite without a look."""
    can_decide: bool
    """Whether the look can prove a win at all."""

    def sentence(self) -> str:
        """Say it in one sentence."""
        if not self.can_decide:
            return f"The budget holds {self.blocks} blocks, which cannot prove a win whatever the gain."
        return (
            f"{self.reachable_look} blocks in about {self.seconds / 60:.0f} min find a gain of "
            f"{100 * self.detectable_gain:.1f} % or more with 80 % chance."
        )


def default_launch_plan(device: str) -> LaunchPlan:
    """Return co-resident for ``cpu`` and alternating for everything else, where two servers would share memory."""
    return LaunchPlan.CORESIDENT if device == "cpu" else LaunchPlan.ALTERNATING


def block_seconds(plan: Plan, costs: Costs) -> float:
    """Return the expected time of one block. Co-resident servers come up together and so pay for one launch."""
    launches = 1 if plan.launch_plan is LaunchPlan.CORESIDENT else 2
    rounds = 2 * (plan.warmup_rounds + plan.rounds_per_leg)
    return launches * costs.launch_s + rounds * costs.round_s + 2 * costs.probe_s


def expected_seconds(plan: Plan, launch_s: float, round_s: float, probe_s: float = 0.0) -> float:
    """Return the expected time of all blocks of the plan, when no look stops it early."""
    return len(plan.blocks) * block_seconds(plan, Costs(launch_s, round_s, probe_s))


def blocks_affordable(budget_s: float, plan: Plan, launch_s: float, round_s: float, probe_s: float = 0.0) -> int:
    """Return how many blocks of the plan fit the budget, at most all of them."""
    one = block_seconds(plan, Costs(launch_s, round_s, probe_s))
    if not budget_s > 0:
        return 0
    return len(plan.blocks) if one * len(plan.blocks) <= budget_s else int(budget_s // one)


def outlook(plan: Plan, budget_s: float, costs: Costs, block_sd: float) -> Outlook:
    """Say what the budget can decide, given the standard deviation of block differences (log ratio) of the control."""
    blocks = blocks_affordable(budget_s, plan, costs.launch_s, costs.round_s, costs.probe_s)
    reachable = max((n for n in plan.looks if n <= blocks), default=None)
    able = reachable is not None and can_win(reachable, plan.looks)
    gain = math.inf
    if reachable is not None and able:
        effect = minimal_detectable_effect(block_sd, reachable, plan.alpha)
        gain = math.expm1(math.log1p(plan.floor) + effect)
    seconds = (reachable or blocks) * block_seconds(plan, costs)
    return Outlook(blocks, seconds, reachable, gain, able)
