"""The interface of a server driver, live or replayed, for the measurement layer.

A driver launches servers and hands data back; it writes nothing but the server's own log. Only
``bankable.tools.measurement`` turns what it returns into evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from bankable.tools.evidence.records import (
    Answer,
    EngineIdentity,
    Failure,
    Generation,
    HostSample,
    ServerConfig,
    Workload,
)
from bankable.tools.overlay.reports import OverlayState


class LaunchFailed(Exception):
    """The server did not come up; ``failure`` gives the reason, with the log line that shows it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.line}")
        self.failure = failure


class RoundFailed(Exception):
    """The server died or hung while a round was running; the round is lost, the leg is a failed leg."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.line}")
        self.failure = failure


class StopRequested(Exception):
    """A signal asked for a clean stop; raised at the next safe point, servers are stopped on the way out."""


@dataclass(frozen=True)
class LaunchRequest:
    """One launch, fully determined."""

    leg_id: str
    comparison: str
    config: ServerConfig
    model: str
    log: Path
    """Where the server's own output goes; created exclusively."""
    on_host_sample: Callable[[HostSample], None]
    """Called about once a second while the server is up, from any thread."""
    overlay: Path | None = None
    """Folder that goes first on the server's path: operators to replace, to watch or to capture."""
    overlay_digest: str | None = None
    """Of an overlay that replaces something."""
    reports: Path | None = None
    """Where the overlay's processes report; given with ``overlay``."""


@dataclass(frozen=True)
class LaunchIdentity:
    """What was really started."""

    argv: list[str]
    env: dict[str, str]
    engine: EngineIdentity
    model_digest: str | None
    device: Literal["cpu", "cuda", "rocm"]
    device_set: list[str]
    host: str
    boot_id: str
    pid: int
    launched_at: float
    ready_at: float
    lifecycle: Literal["fresh", "attached"]
    source: str | None = None


@dataclass(frozen=True)
class RoundLoad:
    """One round: the workload and its data seed. ``index`` is −1 for a warm-up."""

    workload: Workload
    seed: int
    index: int


@dataclass(frozen=True)
class RoundResult:
    """Result of a round: sglang's record as it wrote it, and our own observations around it."""

    record: dict[str, Any]
    started: float
    ended: float
    request_digest: str
    issued: int
    cpu_s: float
    peer_cpu_s: float | None
    flushed: bool


@dataclass(frozen=True)
class ProbePrompt:
    """A probe prompt. Decoding is greedy."""

    prompt_id: str
    text: str
    max_new_tokens: int
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class AccuracyQuestion:
    """An accuracy question in GSM8K format, with its few-shot prompt already built."""

    question_id: str
    prompt: ProbePrompt
    expected: str


class Server(Protocol):
    """A running server."""

    @property
    def identity(self) -> LaunchIdentity: ...

    def server_info(self) -> dict[str, Any]:
        """Resolved arguments and state, as the server reports them."""
        ...

    def round(self, load: RoundLoad, peers: Sequence[Server] = ()) -> RoundResult:
        """Flush the prefix cache and run one round. Raises ``RoundFailed``."""
        ...

    def generate(self, prompts: Sequence[ProbePrompt], repeat: int = 0) -> list[Generation]:
        """Greedy answers, one request at a time in the order given (so that batching cannot differ)."""
        ...

    def answer(self, questions: Sequence[AccuracyQuestion], concurrency: int = 8) -> list[Answer]:
        """Accuracy questions, greedy; request errors are recorded, not raised."""
        ...

    def profile(self, load: RoundLoad, steps: int, folder: Path) -> list[Path]:
        """Run a round, traced for ``steps`` steps once it is busy; the Chrome traces in ``folder``."""
        ...

    def overlay(self) -> OverlayState:
        """What the server's processes report about its operators; nothing without an overlay."""
        ...

    def close(self) -> float:
        """Drain and stop the whole process group; returns the stop time. Safe to call twice."""
        ...


class Driver(Protocol):
    """Launches servers."""

    kind: Literal["live", "replay", "attached"]
    device: Literal["cpu", "cuda", "rocm"]
    can_launch: bool
    """False for an attached server: only the read-only parts of a run are possible."""

    def clock(self) -> float:
        """Unix seconds; virtual under replay."""
        ...

    def launch(self, requests: Sequence[LaunchRequest]) -> list[Server | LaunchFailed]:
        """Start all of them at once and wait until each is ready or has failed; same order as the requests."""
        ...

    def close(self) -> None:
        """Stop whatever is still running, the load worker too."""
        ...
