"""Launch overhead (third layer): a call against the same call of an empty kernel, alternating in one process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson
from pydantic import Field

from bankable.kernels.benchmark.candidate import Candidate
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.programs import program, source_digest
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.tools.evidence.harness import SourceFile

SEED = 7


class LaunchOverhead(LayerFinding):
    """Nanoseconds of one call with the same inputs again and again: the fastest of many turns."""

    call_ns: float = Field(gt=0)
    """Time of a warm call in nanoseconds."""
    empty_ns: float = Field(gt=0)
    """Time of a call of an empty kernel behind the same binding, in nanoseconds."""

    @property
    def share(self) -> float:
        """Share of the call that an empty kernel takes too."""
        return min(1.0, self.empty_ns / self.call_ns)

    @property
    def kernel_ns(self) -> float:
        """Time that is left for the kernel."""
        return max(0.0, self.call_ns - self.empty_ns)

    def describe(self) -> str:
        return (
            f"warm call {self.call_ns / 1e3:.2f} µs, of an empty kernel {self.empty_ns / 1e3:.2f} µs: {self.share:.0%}"
        )


class OverheadLayer(Layer):
    name, number, title = "overhead", 3, "launch overhead"
    measures = "share of a warm call that an empty kernel behind the same binding takes too"
    limit_s, attempts = 240.0, 2
    finding_type = LaunchOverhead

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"empty": source_digest("empty")}

    def instrument(self, subject: Subject, place: Path) -> None:
        task, candidate = subject.task().task, subject.candidate()
        empty = Candidate(
            "empty",
            "cpp",
            "cpp",
            SourceFile(path="kernels/diagnosis/layers/programs/empty.cpp", digest=source_digest("empty")),
            program("empty", subject.cache),
        )
        with lease_fork_server(subject) as fork_server:
            weighed = fork_server.run(
                "overhead",
                {
                    "family": task.family,
                    "dtype": task.dtype,
                    "threads": subject.threads,
                    "seed": SEED,
                    "dims": subject.dims,
                    "implementation": candidate.job(),
                    "empty": empty.job(),
                },
            )
        if not weighed.replies:
            raise LayerFailedError(f"{weighed.ended.end}: {weighed.ended.why}")
        (place / "weighed.json").write_bytes(orjson.dumps(weighed.replies[0]))

    def collect(self, subject: Subject, place: Path) -> LaunchOverhead:
        times = orjson.loads((place / "weighed.json").read_bytes())
        return LaunchOverhead(call_ns=times["call_ns"], empty_ns=times["empty_ns"])


LAYER = OverheadLayer()
