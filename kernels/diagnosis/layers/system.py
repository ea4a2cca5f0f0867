"""The third layer: the framework's profiler around the candidate's calls and the live implementation's."""

from __future__ import annotations

from pathlib import Path

import orjson
from pydantic import Field

from bankable.kernels.benchmark.candidate import LIVE, live_candidate
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.tools.evidence.records import Record

SEED = 7


class ProfiledCall(Record):
    """One call of an implementation, on average. The profiler's own cost is in all times."""

    calls: int = Field(gt=0)
    """Number of calls that were profiled."""
    call_us: float
    """Time of a call in microseconds."""
    ours_us: float
    """In a compiled kernel of ours."""
    framework_us: float
    """Time in the framework's operators, in microseconds per call."""
    gap_us: float
    """Time in neither, in microseconds per call: Python, the binding, and the profiler."""
    launches: float
    """Operators that the call itself starts."""
    operators: float
    """Operators in all, those that others start among them."""
    allocations: float
    """Tensors that a call allocates."""
    allocated_bytes: float
    """Bytes that a call allocates."""
    synchronisations: float
    """Times that a call waits for the device."""
    by_operator: dict[str, float] = Field(default_factory=dict)
    """The most frequent ones."""


class System(LayerFinding):
    """What the framework does for a call."""

    mine: ProfiledCall
    """The implementation under diagnosis."""
    live: ProfiledCall | None = None
    """The live implementation; ``None`` where that is the one under diagnosis, or was not profiled."""

    def describe(self) -> str:
        mine = self.mine
        against = f"; live: {self.live.launches:.0f} launches, {self.live.allocations:.0f}" if self.live else ""
        return (
            f"{mine.launches:.0f} launches, {mine.allocations:.0f} allocations a call; profiled time "
            f"{mine.ours_us / mine.call_us:.0%} kernel, {mine.framework_us / mine.call_us:.0%} framework, "
            f"{mine.gap_us / mine.call_us:.0%} gaps{against}"
        )


class SystemLayer(Layer):
    name, number, title = "system", 3, "system"
    measures = "operator launches, allocations, time in ours and in the framework, gaps (torch.profiler)"
    finding_type = System

    def instrument(self, subject: Subject, place: Path) -> None:
        task, candidate = subject.task(), subject.candidate()
        candidates = (
            [candidate]
            if candidate.id == LIVE
            else [candidate, live_candidate(task.task.live_source, task.task.live_backend)]
        )
        with lease_fork_server(subject) as fork_server:
            answers = [
                fork_server.run(
                    "system",
                    {
                        "family": task.task.family,
                        "dtype": task.task.dtype,
                        "threads": subject.threads,
                        "seed": SEED,
                        "dims": subject.dims,
                        "implementations": [each.job()],
                    },
                )
                for each in candidates
            ]
        if not answers[0].replies:
            raise LayerFailedError(f"{answers[0].ended.end}: {answers[0].ended.why}")
        (place / "profiled.json").write_bytes(orjson.dumps([reply for answer in answers for reply in answer.replies]))

    def collect(self, subject: Subject, place: Path) -> System:
        profiles = {entry.pop("id"): entry for entry in orjson.loads((place / "profiled.json").read_bytes())}
        return System(
            mine=ProfiledCall.model_validate(profiles[subject.implementation]),
            live=ProfiledCall.model_validate(profiles[LIVE])
            if LIVE in profiles and subject.implementation != LIVE
            else None,
        )


LAYER = SystemLayer()
