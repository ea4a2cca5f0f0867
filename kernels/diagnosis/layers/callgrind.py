"""Reads what callgrind writes: costs by function and by instruction, and who called whom how often.

The cost of a call is the difference of two runs, one with one call and one with some more: what a program does once
cancels out.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

OPTIONS = (
    "--tool=callgrind",
    "--cache-sim=yes",
    "--dump-instr=yes",
    "--dump-line=no",
    "--compress-strings=no",
    "--compress-pos=no",
    "--quiet",
)
Key = TypeVar("Key")
Function = tuple[str, str]
"""Object file and name."""


@dataclass
class CallgrindProfile:
    """Sums of one run; or of one call, after a division."""

    functions: dict[Function, dict[str, float]] = field(default_factory=dict)
    """Events of each function itself."""
    addresses: dict[str, dict[int, float]] = field(default_factory=dict)
    """Instructions by address, for each object file."""
    calls: dict[Function, float] = field(default_factory=dict)
    """How often a function was entered from another."""

    def minus(self, other: CallgrindProfile, times: int) -> CallgrindProfile:
        """What this one has more, a ``times``-th of it."""
        return CallgrindProfile(
            {name: _over(events, other.functions.get(name, {}), times) for name, events in self.functions.items()},
            {name: _over(counts, other.addresses.get(name, {}), times) for name, counts in self.addresses.items()},
            _over(self.calls, other.calls, times),
        )

    def total(self, event: str) -> float:
        """An event, over all functions."""
        return sum(events.get(event, 0.0) for events in self.functions.values())


def read_profile(path: Path) -> CallgrindProfile:
    """A file of callgrind's. Raises ``ValueError`` where it is none."""
    profile = CallgrindProfile()
    names: tuple[str, ...] = ()
    state = _Position()
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            text = line.rstrip("\n")
            if text.startswith("events: "):
                names = tuple(text.removeprefix("events: ").split())
            elif text.startswith("positions: "):
                state.positions = len(text.split()) - 1
            elif text.startswith(("0x", "+", "-", "*")) or text[:1].isdigit():
                _cost(profile, state, text, names)
            else:
                state.at(text, profile)
    if not names:
        raise ValueError(f"{path.name} has no events: not written by callgrind")
    return profile


def compress(path: Path) -> Path:
    """The file, compressed to a sixth, in the place of the one that callgrind wrote."""
    target = path.with_name(f"{path.name}.gz")
    with path.open("rb") as source, gzip.open(target, "wb") as compressed:
        shutil.copyfileobj(source, compressed)
    path.unlink()
    return target


@dataclass
class _Position:
    """Where in the file the reader is: whose costs come next."""

    binary: str = ""
    function: str = ""
    called_binary: str = ""
    called: str = ""
    inclusive: bool = False
    positions: int = 1
    """Columns before the costs: an address, perhaps a line."""

    def at(self, text: str, profile: CallgrindProfile) -> None:
        key, _, value = text.partition("=")
        if key == "ob":
            self.binary = value
        elif key == "fn":
            self.function, self.called_binary = value, ""
        elif key == "cob":
            self.called_binary = value
        elif key == "cfn":
            self.called = value
        elif key == "calls":
            target = (self.called_binary or self.binary, self.called)
            profile.calls[target] = profile.calls.get(target, 0.0) + int(value.split()[0])
            self.inclusive, self.called_binary = True, ""


def _cost(profile: CallgrindProfile, state: _Position, text: str, names: tuple[str, ...]) -> None:
    columns = text.split()
    address, values = columns[0], columns[state.positions :]
    if state.inclusive:  # of the call, which the function that was called has already
        state.inclusive = False
        return
    counts = [int(value) for value in values]
    events = profile.functions.setdefault((state.binary, state.function), {})
    for name, count in zip(names, counts, strict=False):
        events[name] = events.get(name, 0.0) + count
    if counts:
        lines = profile.addresses.setdefault(state.binary, {})
        lines[int(address, 16)] = lines.get(int(address, 16), 0.0) + counts[0]


def _over(own: Mapping[Key, float], other: Mapping[Key, float], times: int) -> dict[Key, float]:
    more = {key: (count - other.get(key, 0.0)) / times for key, count in own.items()}
    return {key: count for key, count in more.items() if count > 0}
