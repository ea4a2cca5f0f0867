"""The messages of ``protocol.py``, pair by pair.

Four pairs exchange them: the fork server and its parent, the layers of a diagnosis, Triton's compiler without a GPU,
and the measurement on a GPU. One end may run under the engine's interpreter: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# The fork server: ``kernels/sandbox/fork_server.py`` and ``kernels/worker/fork_server.py``.


@dataclass(frozen=True)
class ForkServerReady:
    """Said once, after torch is imported."""

    network: str
    """``off``, or why candidates can reach a network."""
    landlock: str
    """``on``, or why files are not restricted."""
    torch: str
    """Version."""
    rss_bytes: int
    """Memory that each job has from its first moment."""


@dataclass(frozen=True)
class JobRequest:
    """A job, for a process of its own."""

    id: int
    kind: str
    """Key into ``kernels/worker/jobs.py``."""
    folder: str
    """Where the job works and its replies are written."""
    wall_s: float
    cpu_s: int
    memory_bytes: int
    """More than what the fork server holds already."""
    arguments: dict[str, Any]
    """What the job itself is given."""


@dataclass(frozen=True)
class JobEnded:
    """How a job's process ended."""

    id: int
    pid: int
    timed_out: bool
    signal: int | None
    exit: int | None
    max_rss_bytes: int
    cpu_s: float
    wall_s: float


# Layers of a diagnosis: ``kernels/diagnosis/layers/runner.py`` and ``worker.py`` beside it.


@dataclass(frozen=True)
class LayerRequest:
    """Run a layer, or only say what it is."""

    reference: str
    """``module:attribute``."""
    place: str
    """Folder for what it writes."""
    path: tuple[str, ...]
    """Where to import from, behind the worker's own."""
    subject: dict[str, Any] | None
    """What is diagnosed; ``None``: the layer is only described."""


@dataclass(frozen=True)
class LayerDescribed:
    """What another process has to know of a plug-in before it runs it."""

    name: str
    title: str
    measures: str
    version: int
    limit_s: float
    attempts: int


@dataclass(frozen=True)
class LayerStep:
    """A step is over."""

    step: str
    seconds: float
    text: str
    """Of the step ``absent``: why the layer cannot run; empty where it can."""


@dataclass(frozen=True)
class LayerFound:
    """What a layer measured; the last step."""

    seconds: float
    found: dict[str, Any]
    """Not checked yet: the parent does so against the layer's own type."""


@dataclass(frozen=True)
class LayerRaised:
    """A step raised an exception."""

    step: str
    error: str


@dataclass(frozen=True)
class LayerOver:
    """Nothing more comes for this request."""


# Triton's compiler without a GPU: ``kernels/build/offline.py`` and ``kernels/worker/triton/offline.py``.


@dataclass(frozen=True)
class KernelToCompile:
    """A shape for a target."""

    shape: str
    dims: tuple[int, ...]
    target: str
    """``sm_90``, ``gfx942``."""


@dataclass(frozen=True)
class CompileRequest:
    """Kernels of one family."""

    family: str
    dtype: str
    kernels: tuple[KernelToCompile, ...]


@dataclass(frozen=True)
class Absent:
    """The worker cannot do what it is for: no Triton, no GPU."""

    reason: str


@dataclass(frozen=True)
class CompilerReady:
    """Said before the first kernel."""

    triton: str
    """Version."""


@dataclass(frozen=True)
class LaunchFigures:
    """Compiler figures of one launch; ``None`` is unknown, and ``missing`` gives the reason."""

    kernel: str
    warps: int
    shared_bytes: int
    registers: int | None = None
    scalar_registers: int | None = None
    spill_bytes: int | None = None
    stack_bytes: int | None = None
    occupancy: int | None = None
    mix: dict[str, int] = field(default_factory=dict)
    """Instructions by class."""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class KernelCompiled:
    """One kernel of the request, in its order."""

    shape: str
    target: str
    launches: tuple[LaunchFigures, ...]
    failed: str = ""
    """Why it could not be compiled; then there are no launches."""


# The measurement on a GPU: ``kernels/benchmark/gpu.py`` and ``kernels/worker/triton/gpu.py``.


@dataclass(frozen=True)
class FamilyToMeasure:
    """One family, its dtype and its shapes."""

    family: str
    dtype: str
    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class MeasureRequest:
    """Everything that one process measures."""

    families: tuple[FamilyToMeasure, ...]
    rounds: int
    samples: int
    """Of each implementation in each round."""
    look: int
    """Samples of each choice in a first look."""
    rehearse: bool
    """In Triton's interpreter, timing nothing."""
    seed: int


@dataclass(frozen=True)
class DeviceReady:
    """Where it is measured."""

    device: str
    torch: str
    triton: str
    python: str
    copy_bandwidth: float | None = None
    """Bytes per second, read and written; ``None`` in a rehearsal."""
    memory_bytes: int | None = None
    l2_bytes: int | None = None
    processors: int | None = None
    cuda: str | None = None
    hip: str | None = None


@dataclass(frozen=True)
class ShapeMeasured:
    """One implementation at one shape, or one choice of a first look."""

    family: str
    shape: str
    implementation: str
    dtype: str = ""
    bytes_moved: int = 0
    allowed: float = 0.0
    """Largest relative error that is right."""
    choices: dict[str, int] = field(default_factory=dict)
    look: bool = False
    error: float | None = None
    """Largest relative error; ``None`` where something was not finite, or nothing ran."""
    samples_s: tuple[float, ...] = ()
    failed: str = ""
