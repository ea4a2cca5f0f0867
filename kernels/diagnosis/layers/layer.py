"""Base classes of layers, their findings and their results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SerializeAsAny

from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.tools.evidence.records import Record

Scope = Literal["machine", "kernel", "shape"]
"""What a finding holds for: any kernel of the task's dtype here, a kernel at all shapes, a kernel at one shape."""
Outcome = Literal["measured", "absent", "failed", "timed_out", "skipped"]
"""``absent``: not on this machine, or not for such an implementation. ``skipped``: it needs a layer that failed."""


class LayerFinding(Record):
    """Base of findings; each layer has a type of its own."""

    def describe(self) -> str:
        """The finding in one line."""
        raise NotImplementedError


class LayerResult(Record):
    """Result of one layer: a finding, or why there is none."""

    layer: str
    """Name of the layer."""
    title: str = ""
    """Title of the layer for people."""
    number: int = Field(default=0, ge=0, le=6)
    """Of the six layers; 0 is preparation that they share."""
    outcome: Outcome
    """How it ended."""
    why: str = ""
    """A line; empty where it was measured."""
    key: str = ""
    """Digest of everything that the finding depends on."""
    cached: bool = False
    """Whether the finding was stored by an earlier diagnosis."""
    attempts: int = 0
    """Number of attempts."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall time of each step of the last attempt."""
    found: SerializeAsAny[LayerFinding] | None = None
    """The finding; ``None`` unless it was measured."""

    def describe(self) -> str:
        """The finding, or why there is none, in one line."""
        return self.found.describe() if self.found is not None else f"{self.outcome}: {self.why}"


def text_of(value: float | None, text: str, name: str) -> str:
    """``text`` with the figure in place of ``{}``, or that ``name`` is unknown: a missing figure is not zero."""
    return f"{name} unknown" if value is None else text.format(f"{value:,.0f}")


class Layer(ABC):
    """A plug-in. Its two steps run in a process of their own, under a time limit; any exception is a result."""

    name: ClassVar[str]
    number: ClassVar[int]
    title: ClassVar[str]
    measures: ClassVar[str]
    """What it measures, in a line."""
    version: ClassVar[int] = 1
    """Version, raised whenever the same inputs would give another finding: results of older versions are not reused."""
    limit_s: ClassVar[float] = 300.0
    """Of one attempt, both steps."""
    attempts: ClassVar[int] = 1
    """How often it is tried where it fails or runs out of time."""
    scope: ClassVar[Scope] = "shape"
    needs: ClassVar[tuple[str, ...]] = ()
    """Layers without whose finding it cannot begin."""
    finding_type: ClassVar[type[LayerFinding]]

    def absent(self, subject: Subject) -> str:
        """Why it cannot run on this machine or for this subject; empty where it can."""
        return ""

    def tools(self, subject: Subject) -> Mapping[str, str]:
        """Versions of its instruments, for the key of the cache."""
        return {}

    @abstractmethod
    def instrument(self, subject: Subject, place: Path) -> None:
        """Run the subject under the layer's instrument; the output files stay in ``place``."""

    @abstractmethod
    def collect(self, subject: Subject, place: Path) -> LayerFinding:
        """Read what the instrument wrote. May raise any exception."""
