"""A lever from settings by name, as a user or a search gives them."""

from __future__ import annotations

from collections.abc import Mapping

from bankable.tools.evidence.records import Lever, Scalar
from bankable.tools.levers.registry import knob


def lever_of(values: Mapping[str, Scalar]) -> Lever:
    """A lever from settings: variables to the environment, everything else to the flags."""
    env = {name: str(value) for name, value in values.items() if (entry := knob(name)) and entry.env}
    return Lever(flags={name: value for name, value in values.items() if name not in env}, env=env)
