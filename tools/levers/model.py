"""The model of a knob: a setting of the engine that the search may change, with its known properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bankable.tools.evidence.records import Scalar

Device = Literal["cpu", "cuda", "rocm"]
EVERYWHERE: tuple[Device, ...] = ("cpu", "cuda", "rocm")


class Touches(StrEnum):
    """The part of the server that a knob acts on; the profile's shares are mapped onto these."""

    SCHEDULING = "scheduling"
    PREFILL = "prefill"
    DECODE = "decode"
    KV_MEMORY = "kv_memory"
    STREAMING = "streaming"
    ATTENTION = "attention"
    NUMERICS = "numerics"
    LOGGING = "logging"
    PROCESS = "process"


@dataclass(frozen=True)
class Situation:
    """What decides whether a value is worth trying: the workload, the machine and the model."""

    device: Device = "cpu"
    cores: int = 2
    """CPU cores that the server may use."""
    accelerators: int = 0
    """GPUs that the server may use."""
    input_len: int = 128
    """Tokens per prompt."""
    output_len: int = 32
    """Tokens per answer."""
    num_prompts: int = 32
    concurrency: int = 8
    """Requests in flight."""
    model_dtype: str = "bfloat16"
    """Of the checkpoint."""
    kv_tokens: int = 65536
    """Capacity of the reference's KV pool."""
    bound_to: str = ""
    """Cores that the engine binds its threads to, where it does so itself: with its own CPU kernels."""


Candidates = Callable[[Situation], tuple[Scalar, ...]]


@dataclass(frozen=True)
class Knob:
    """One setting. ``name`` is a field of the engine's server arguments, or an environment variable."""

    name: str
    default: Scalar | None
    """What the engine uses when the setting is absent; ``None`` when it works the value out itself."""
    touches: tuple[Touches, ...]
    lever_class: Literal["A", "B"]
    """A: the same work done faster (another implementation). B: an algorithmic or serving lever."""
    reason: str
    """Why the class, what the setting does, and what trying it has shown."""
    values: tuple[Scalar, ...] = ()
    """Candidates in the order worth trying, when they do not depend on the situation."""
    generate: Candidates | None = None
    """Candidates computed from the situation; takes the place of ``values``."""
    env: bool = False
    """An environment variable: the server does not report it, so engagement needs another proof."""
    changes_numerics: bool = False
    """Tokens may change although nothing is wrong: needs an accuracy comparison, not equal tokens."""
    devices: tuple[Device, ...] = EVERYWHERE
    condition: Mapping[str, tuple[Scalar | None, ...]] | None = None
    """Meaningful only when each named knob has one of these values; ``None`` means an absent flag."""
    derived: tuple[str, ...] = ()
    """Fields of the resolved server information that follow from this knob and may differ between the legs."""
    capacity: bool = False
    """Moves the KV pool: the comparison must show that the pool never filled (C02) or hold it equal."""
    promise: float = 1.0
    """How much it gave where it was tried, here or in published tuning, relative to a common knob: 3 for several per
    cent and more, 0.3 for nothing that could be seen. It orders the search and decides nothing."""
    unread: bool = False
    """The engine accepts and reports the setting, but no line of it reads the value: it cannot do anything."""

    def candidates(self, situation: Situation) -> tuple[Scalar, ...]:
        """Values worth trying here, the default left out."""
        values = self.values if self.generate is None else self.generate(situation)
        return tuple(v for v in values if v != self.default)

    def applies(self, flags: Mapping[str, Scalar]) -> bool:
        """Whether the condition holds in a configuration with these flags."""
        return all(flags.get(name) in allowed for name, allowed in (self.condition or {}).items())


@dataclass(frozen=True)
class DroppedKnob:
    """A knob that is not offered to the search, and why."""

    name: str
    note: str
