"""Attribution: to which kind of change a gain belongs, and how much of it to each lever."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.reader import Json
from bankable.nodes.auditor.reading.sealed import ComponentView
from bankable.nodes.auditor.verdict import Interval, LeverClass, LeverPart
from bankable.tools.evidence.records import Lever, Plan, ServerConfig
from bankable.tools.levers import knob
from bankable.tools.levers.overlay import OverlayReading, read_overlay

LARGEST_LOG = 500.0
INTERACTION = "interaction"
"""Name of the interaction: the joint gain of the levers beyond their separate gains."""


@dataclass(frozen=True)
class Decomposition:
    """The parts of a gain, in the order in which the levers were stacked."""

    parts: tuple[LeverPart, ...]
    chain: bool
    """Whether every part was measured on top of all parts before it: only then they add up."""
    remainder: float = 0.0
    """Log ratio of the whole minus the sum of the parts."""
    uncertainty: float = math.inf
    """Tolerance of the remainder: both one-sided 95 % bounds combined, as a log ratio."""


def lever_class(case: Case) -> LeverClass:
    """A only if every part of the lever is known as A; B as soon as one part is; else indeterminate."""
    if not case.declared or not case.lever.names():
        return "indeterminate"
    return class_of(case.lever, overlay_reading(case))


def class_of(lever: Lever, overlay: OverlayReading | None = None) -> LeverClass:
    """Class by registry for settings, by source for replaced operators; an overlay without its source has no class."""
    knobs = [knob(name) for name in (*lever.flags, *lever.env)]
    classes: set[str] = {"indeterminate" if entry is None else entry.lever_class for entry in knobs}
    if lever.overlays:
        classes.add(overlay.lever_class if overlay is not None else "indeterminate")
    if "B" in classes:
        return "B"
    return "A" if classes == {"A"} else "indeterminate"


def overlay_reading(case: Case) -> OverlayReading | None:
    """What the sealed overlay's source changes; ``None`` when it is not in the evidence."""
    return read_overlay(case.view.overlay) if case.view.overlay else None


def decompose(case: Case) -> Decomposition | None:
    """The gain divided over its levers; ``None`` where nothing was measured, the lever is empty, or no ratio exists."""
    plan, decision = case.planned, case.measured.decision
    if plan is None or decision is None or not plan.lever.names():
        return None
    if not decision.has_ratio:
        return None
    bounds = decision.gain_interval
    whole = LeverPart(
        lever=lever_text(plan.lever),
        lever_class=lever_class(case),
        gain=decision.gain,
        interval=Interval(lower=bounds[0], upper=bounds[1]) if decision.n > 1 else None,
        basis=plan.name,
    )
    if case.scope != "bundle" or not case.view.components:
        return Decomposition((whole,), chain=False)
    ordered, chain = _chain(plan, case.view.components)
    parts = [_part(component, plan.metric) for component in ordered]
    logs = [_log(part) for part in parts]
    if decision.n < 2 or any(entry is None for entry in logs):
        return Decomposition(tuple(parts), chain=False)
    total = math.fsum(log[0] for log in logs if log)
    half = math.hypot(*(item[1] for item in logs if item), 0.5 * (decision.upper - decision.lower))
    remainder = decision.mean - total
    rest = LeverPart(
        lever=INTERACTION,
        lever_class="indeterminate",
        gain=_gain(remainder),
        interval=Interval(lower=_gain(remainder - half), upper=_gain(remainder + half)),
        basis=plan.name,
    )
    return Decomposition((*parts, rest), chain, remainder, half)


def lever_text(lever: Lever) -> str:
    """``name=value, …`` with replaced operators by implementation."""
    return lever.text() or "no declared change"


def _chain(bundle: Plan, components: tuple[ComponentView, ...]) -> tuple[list[ComponentView], bool]:
    """Components in the order in which each was measured on top of the earlier ones, and whether that order exists."""
    left, ordered = list(components), list[ComponentView]()
    config: ServerConfig = bundle.reference
    while left:
        component = next((entry for entry in left if entry.plan is not None and entry.plan.reference == config), None)
        if component is None or component.plan is None:
            return [*ordered, *left], False
        ordered.append(component)
        left.remove(component)
        config = config.with_lever(component.plan.lever)
    return ordered, True


def _part(component: ComponentView, metric: str) -> LeverPart:
    lever = component.claim.lever if component.claim is not None and component.claim.lever is not None else Lever()
    figures = (component.verdict or {}).get("metrics")
    named = (
        [figure for figure in figures if isinstance(figure, dict) and figure.get("name") == metric]
        if isinstance(figures, list)
        else []
    )
    entry: Json = named[0] if named else {}
    interval = entry.get("interval")
    bounds = (interval.get("lower"), interval.get("upper")) if isinstance(interval, dict) else (None, None)
    return LeverPart(
        lever=lever_text(lever),
        lever_class=class_of(lever),
        gain=_fraction(entry.get("delta")),
        interval=_interval(*bounds),
        basis=component.name,
    )


def _interval(lower: object, upper: object) -> Interval | None:
    low, high = _fraction(lower), _fraction(upper)
    return Interval(lower=low, upper=high) if low is not None and high is not None and low <= high else None


def _fraction(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > -1
    return float(value) if usable and isinstance(value, int | float) else None


def _gain(log: float) -> float:
    """As a fraction, bounded: a tampered verdict of a part must not cause an overflow."""
    return math.expm1(max(-LARGEST_LOG, min(LARGEST_LOG, log)))


def _log(part: LeverPart) -> tuple[float, float] | None:
    """Mean and half width as log ratios."""
    if part.gain is None or part.interval is None:
        return None
    return math.log1p(part.gain), 0.5 * (math.log1p(part.interval.upper) - math.log1p(part.interval.lower))
