"""``leg.json``: one server launch of one side of a comparison, from start to stop."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records.base import SCHEMA_VERSION, Digest, Record
from bankable.tools.evidence.records.lever import ServerConfig
from bankable.tools.evidence.records.plan import Side


class Failure(Record):
    """Why a server did not come up or did not stay up."""

    kind: Literal[
        "out_of_memory",
        "bad_flag",
        "port_taken",
        "died_early",
        "stalled",
        "died_in_round",
        "hung_in_round",
        "not_recorded",
        "unsupported",
    ]
    """What happened: before the server was ready, in a round, or that what was asked for is not supported."""
    line: str
    """The log line that shows it, at most 500 characters."""
    line_number: int | None = None
    """1-based; ``None`` when the line stands in no log."""


class KernelPackage(Record):
    """The engine's own kernel package, ``sgl_kernel``, as installed beside it."""

    name: str
    """Name of the installed distribution."""
    version: str
    """Its version."""
    digest: Digest
    """Over path and content of the package's files, compiled ones included."""
    live: bool = True
    """Whether the engine dispatches to it on this machine; on a CPU it needs AMX for that."""


class EngineIdentity(Record):
    """What was launched, independent of its flags."""

    python: str
    """Interpreter version, not its path."""
    sglang: str
    """Version of sglang."""
    torch: str
    """Version of torch, with its build tag."""
    tree_digest: Digest | None
    """Digest over the installed engine package's files (path, size, content of Python sources)."""
    versions: dict[str, str] = Field(default={})
    """Versions of other packages that decide speed, by package name."""
    kernels: KernelPackage | None = None
    """The engine's kernel package; ``None`` where the engine runs without one."""

    @model_serializer(mode="wrap")
    def _without_absent_kernels(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """An engine without a kernel package is written as it always was."""
        written: dict[str, Any] = dump(self)
        if self.kernels is None:
            written.pop("kernels", None)
        return written


class LegSpan(Record):
    """What a launch was busy with, and when."""

    kind: Literal["start", "warmup", "probe", "profile", "round"]
    """Kind of work."""
    started: float
    """Unix seconds."""
    ended: float
    """Unix seconds."""


class LegRecord(Record):
    """``leg.json``: one launch, from start to stop. Written once, when the launch is over."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    leg_id: str
    """``b03-reference``: block and side; unique in its comparison."""
    comparison: str
    """Folder name of the comparison."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    block: int
    """Index of the block, 0-based."""
    side: Side
    """Reference or candidate."""
    driver: Literal["live", "replay", "attached"]
    """Who launched: this project, a replayed recording, or somebody else."""
    lifecycle: Literal["fresh", "attached"]
    """``fresh``: started for this leg and stopped after it. ``attached``: it ran before and runs on."""
    model: str
    """Path or name of the model that was served."""
    model_digest: Digest | None
    """Over config.json and the weight files; ``None`` for a server that somebody else started."""
    argv: list[str]
    """Command line of the server."""
    env: dict[str, str]
    """Allow-listed variables only."""
    config: ServerConfig
    """Flags and variables that were asked for."""
    overlay_digest: Digest | None = None
    """Over the files of the overlay folder that was laid over the engine; ``None`` without one."""
    modules: dict[str, Digest] = Field(default={})
    """For each operator under test, on both legs: sha256 of the source file that its patch point resolved to (E08)."""
    engine: EngineIdentity
    """What was launched."""
    device: Literal["cpu", "cuda", "rocm"]
    """Kind of device that the engine ran on."""
    device_set: list[str]
    """Ids of the CPU cores or GPUs that the server could use."""
    host: str
    """Name of the machine."""
    boot_id: str
    """Of the running kernel: another one means that the machine was started again."""
    pid: int
    """Process id of the server."""
    launched_at: float
    """Unix seconds at which the process was started."""
    ready_at: float | None
    """Unix seconds at which the server answered first; ``None`` when it never did."""
    stopped_at: float
    """Unix seconds at which the last process of the server was gone."""
    warmups: int
    """Full rounds that were discarded before the first timed one."""
    timed_rounds: int
    """Rounds in ``bench_runs.jsonl``."""
    status: Literal["complete", "failed"]
    """``failed`` comes with a ``failure``."""
    failure: Failure | None = None
    """Why the leg ended early; ``None`` for a complete one."""
    spans: list[LegSpan] = Field(default=[])
    """In order of their end."""
    source: str | None = None
    """For a replayed leg: digest of the recorded leg it came from."""
