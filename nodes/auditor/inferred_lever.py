"""Infers the lever without a declaration: the single setting in which two servers differ."""

from __future__ import annotations

from bankable.nodes.auditor.reading.resolved import (
    LENGTH_CAPS,
    POOL,
    REQUEST_CAPS,
    STATE,
    ArgumentDifference,
    drop_volatile,
    find_differences,
)
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.records import Lever
from bankable.tools.levers import classify_field, knob

CAPACITIES = POOL | REQUEST_CAPS | LENGTH_CAPS


def infer_lever(reference: LegView, candidate: LegView) -> Lever | None:
    """The setting that explains every other difference, or ``None`` where there is none or more than one.

    A capacity is never inferred: one that moved has to be shown harmless, or declared.
    """
    before, after = drop_volatile(reference.server_info or {}), drop_volatile(candidate.server_info or {})
    moved = (
        [difference for difference in find_differences(before, after) if _is_setting(difference)]
        if before and after
        else []
    )
    variables = _variables(reference, candidate)
    if variables and (len(variables) > 1 or moved):
        return None
    if variables:
        return Lever(env=variables)
    causes = [entry for entry in moved if all(other is entry or other.plain in _derive(entry.plain) for other in moved)]
    if len(causes) != 1:
        return None
    value = after.get(causes[0].name)
    return Lever(flags={causes[0].plain: value if isinstance(value, bool | int | float) else causes[0].candidate})


def _is_setting(difference: ArgumentDifference) -> bool:
    plain = not difference.name.startswith(STATE)
    return plain and difference.field not in CAPACITIES and classify_field(difference.field) == "lever"


def _derive(name: str) -> tuple[str, ...]:
    argument = knob(name)
    return argument.derived if argument is not None else ()


def _variables(reference: LegView, candidate: LegView) -> dict[str, str]:
    """Environment variables for which the candidate has another value."""
    if reference.record is None or candidate.record is None:
        return {}
    before, after = reference.record.env, candidate.record.env
    return {name: after.get(name, "") for name in sorted({*before, *after}) if before.get(name) != after.get(name)}
