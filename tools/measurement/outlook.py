"""Predicts before a comparison which effect it can detect in the remaining time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bankable.tools.evidence.records import LaunchPlan
from bankable.tools.statistics.noise import minimal_detectable_effect
from bankable.tools.statistics.paired import can_win
from bankable.tools.statistics.pocock import nominal_alpha


@dataclass(frozen=True)
class Outlook:
    """The prospects of one comparison."""

    blocks: int | None
    """Last declared look that the time allows; ``None`` when not even the first one fits."""
    seconds: float
    """Expected time up to that look."""
    detectable_gain: float
    """Smallest true gain, as a fraction, that this look finds with 80 % chance; infinite without a look."""

    def sentence(self) -> str:
        """Say it in one sentence."""
        if math.isinf(self.detectable_gain):
            return "as many blocks of this length as a proof needs take more than half of the time left"
        return (
            f"{self.blocks} blocks in about {self.seconds / 60:.0f} min find a gain of "
            f"{100 * self.detectable_gain:.1f} % or more with 80 % chance"
        )


def outlook(looks: Sequence[int], floor: float, seconds_left: float, block_s: float, block_sd: float) -> Outlook:
    """Say what can be decided, given a block's wall time and the control's standard deviation (log ratio)."""
    reachable = max((n for n in looks if n * block_s <= seconds_left), default=None)
    if reachable is None or not can_win(reachable, looks):
        return Outlook(reachable, (reachable or 0) * block_s, math.inf)
    effect = minimal_detectable_effect(block_sd, reachable, nominal_alpha(looks))
    return Outlook(reachable, reachable * block_s, math.expm1(math.log1p(floor) + effect))


def default_launch_plan(device: str) -> LaunchPlan:
    """Return co-resident for ``cpu`` and alternating for everything else, where two servers would share memory."""
    return LaunchPlan.CORESIDENT if device == "cpu" else LaunchPlan.ALTERNATING
