"""Rules of scope harness, in the order in which they run: is an operator's isolated speed-up a valid measurement?"""

from __future__ import annotations

from bankable.nodes.auditor.rule import Rule
from bankable.nodes.auditor.rules.harness import (
    buffers,
    denominator,
    files_intact,
    fresh,
    hidden_work,
    inputs,
    intact,
    launch_mode,
    legs,
    oracle,
    perturbed,
    processes,
    protocol,
    raised,
    rechecked,
    roofline,
    shapes,
    speedup,
    timings,
    tolerance,
)

HARNESS_RULES: tuple[Rule, ...] = (
    fresh.rule,
    raised.rule,
    files_intact.rule,
    oracle.rule,
    denominator.rule,
    legs.rule,
    launch_mode.rule,
    protocol.rule,
    processes.rule,
    shapes.rule,
    inputs.rule,
    timings.rule,
    hidden_work.rule,
    intact.rule,
    buffers.rule,
    rechecked.rule,
    perturbed.rule,
    tolerance.rule,
    roofline.rule,
    speedup.rule,
)
