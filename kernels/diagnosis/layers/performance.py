"""The second layer: time at the subject's shape, together with the live implementation.

Two rounds are enough for a diagnosis; a speed-up is measured by an operator benchmark.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

from pydantic import Field

from bankable.kernels.benchmark.benchmark import FLOOR, SAMPLES, WARMUPS, measure_peaks
from bankable.kernels.benchmark.candidate import LIVE, live_candidate
from bankable.kernels.benchmark.rounds import Rounds
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.tools.evidence.harness import OpRun, TimingProtocol

ROUNDS = 2


class Performance(LayerFinding):
    """Nanoseconds of one call."""

    call_ns: float = Field(gt=0)
    """With fresh inputs and a rotated cache, as an operator benchmark times it: median over rounds and samples."""
    live_ns: float | None = None
    """Time of the live implementation in the same rounds, in nanoseconds per call."""

    def describe(self) -> str:
        against = f", live {self.live_ns / 1e3:.2f} µs: {self.live_ns / self.call_ns:.2f}×" if self.live_ns else ""
        return f"{self.call_ns / 1e3:.2f} µs{against}"


class PerformanceLayer(Layer):
    name, number, title = "performance", 2, "performance"
    measures = "time of a call, cold cache and fresh inputs, beside the live implementation's"
    limit_s, attempts = 900.0, 2
    finding_type = Performance

    def instrument(self, subject: Subject, place: Path) -> None:
        task, candidate = subject.task(), subject.candidate()
        candidates = (
            [candidate]
            if candidate.id == LIVE
            else [live_candidate(task.task.live_source, task.task.live_backend), candidate]
        )
        protocol = TimingProtocol(
            timer="perf_counter_ns",
            warmup_calls=WARMUPS,
            timed_calls=SAMPLES,
            cache="rotated",
            rounds=ROUNDS,
            floor=FLOOR,
        )
        with lease_fork_server(subject) as fork_server:
            cache = measure_peaks(fork_server, task.task.dtype, subject.threads).cache_bytes
            rounds = Rounds(task, protocol, subject.threads, cache, [subject.shape])
            rows = [row for index in range(ROUNDS) for row in rounds.measure(index, candidates, fork_server)]
        (place / "rows.jsonl").write_bytes(b"".join(row.model_dump_json().encode() + b"\n" for row in rows))

    def collect(self, subject: Subject, place: Path) -> Performance:
        rows = [OpRun.model_validate_json(line) for line in (place / "rows.jsonl").read_bytes().splitlines()]
        times: dict[str, list[float]] = {}
        for row in rows:
            samples = [value for value in row.samples_ns if value is not None]
            if row.raised is None and samples:
                times.setdefault(row.implementation, []).append(median(samples))
        if subject.implementation not in times:
            raise LayerFailedError(next((row.raised for row in rows if row.raised), None) or "it was not timed")
        return Performance(
            call_ns=median(times[subject.implementation]),
            live_ns=median(times[LIVE]) if LIVE in times else None,
        )


LAYER = PerformanceLayer()
