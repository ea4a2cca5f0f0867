"""The record of a diagnosis: what limits a kernel; a search weighs it, and a prompt shows it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bankable.tools.evidence.records import Record

Bound = Literal["memory", "compute", "latency", "occupancy", "unknown"]
"""``latency``: most of the time passes without moving or computing anything: calls, waiting, synchronisation.

``occupancy``: registers, threads or lanes do not suffice, or are not used, to keep the units busy.
"""


class Advice(Record):
    """One thing to try. The first of a diagnosis is the most promising."""

    lever: str
    """A parameter of the family's template, by its name there; or what to change that no parameter does."""
    values: tuple[int, ...] = ()
    """Values of that parameter to try, best first, without the present one; empty for what is no parameter."""
    why: str
    """Reason, in a line."""


class Diagnosis(Record):
    """One implementation at one shape."""

    bound: Bound
    """What limits the kernel."""
    roofline_share: float | None = Field(default=None, ge=0)
    """The least time that the operator's bytes and operations take on this machine, over the time taken; above 1 where
    the data lies in caches that are faster than the memory. ``None`` without a time."""
    overhead_share: float | None = Field(default=None, ge=0, le=1)
    """Share of a call that an empty kernel behind the same call takes too. ``None`` where it was not measured."""
    evidence: tuple[str, ...]
    """Figures that led to the bound, each a sentence, including those that could not be measured."""
    advice: tuple[Advice, ...] = ()
    """What to try next, the most promising first."""
    implementation: str = ""
    """Id of the implementation, or name of the kernel."""
    shape: str = ""
    """Key of the shape; empty where none is meant."""

    def describe(self) -> str:
        """Lines for a prompt: bound, distance, evidence, advice. Holds nothing that a kernel printed."""
        share = f", {self.roofline_share:.1%} of the roof" if self.roofline_share is not None else ""
        lines = [f"{self.implementation} at {self.shape}: bound by {self.bound}{share}"]
        lines += [f"- {line}" for line in self.evidence]
        for rank, entry in enumerate(self.advice, 1):
            values = f" -> {', '.join(map(str, entry.values))}" if entry.values else ""
            lines.append(f"{rank}. {entry.lever}{values}: {entry.why}")
        return "\n".join(lines)

    def levers(self) -> dict[str, tuple[int, ...]]:
        """Parameters to turn and values to try, the most promising first."""
        return {entry.lever: entry.values for entry in self.advice if entry.values}
