"""Looks up knobs, and selects those that apply to a machine and an engine."""

from __future__ import annotations

from collections.abc import Collection

from bankable.tools.levers.execution import EXECUTION
from bankable.tools.levers.model import Device, DroppedKnob, Knob, Situation
from bankable.tools.levers.process import PROCESS
from bankable.tools.levers.scheduling import SCHEDULING

ALL_KNOBS: tuple[Knob, ...] = (*PROCESS, *SCHEDULING, *EXECUTION)
_BY_NAME = {entry.name: entry for entry in reversed(ALL_KNOBS)}
"""The first knob of each name."""


def knob(name: str) -> Knob | None:
    """The knob with this server-argument or variable name, ``None`` when there is none."""
    return _BY_NAME.get(name)


def knobs_for(
    device: Device, known_flags: Collection[str], situation: Situation | None = None
) -> tuple[list[Knob], list[DroppedKnob]]:
    """Knobs to search on this device with an engine that knows these flags, and the rest with the reason.

    ``known_flags`` are server-argument names (``stream_interval``), as ``--help`` or ``server_info`` lists them.
    With a ``situation``, knobs without a candidate in it are dropped too.
    """
    applicable: list[Knob] = []
    dropped: list[DroppedKnob] = []
    for candidate in ALL_KNOBS:
        note = _why_not(candidate, device, known_flags, situation)
        if note is None:
            applicable.append(candidate)
        else:
            dropped.append(DroppedKnob(candidate.name, note))
    return applicable, dropped


def _why_not(k: Knob, device: Device, known_flags: Collection[str], situation: Situation | None) -> str | None:
    if not k.env and k.name not in known_flags:
        return "this engine does not know the flag"
    if device not in k.devices:
        return f"only for {', '.join(k.devices)}: {k.reason}"
    if k.unread:
        return f"without effect: {k.reason}"
    if situation is not None and not k.candidates(situation):
        return "no value other than the default makes sense for this workload and machine"
    return None
