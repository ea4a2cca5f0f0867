"""Preparation: measures the roof of this machine: copies, matrix products, instruction rate, thread start."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from bankable.kernels.benchmark.benchmark import measure_peaks
from bankable.kernels.diagnosis.layers.callgrind import OPTIONS, compress, read_profile
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.programs import program, source_digest
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of
from bankable.tools.evidence.harness import Peaks
from bankable.tools.serving.environment import isolate_environment

LIMIT_S = 60.0
FEW, MANY = 1000, 11000
PRIVATE = Path("/sys/devices/system/cpu/cpu0/cache")
SMALL = 1 << 20
"""Bytes taken for a core's own cache where the system does not tell."""


class Roof(LayerFinding):
    """What this machine can do at most, with the task's number of threads."""

    peaks: Peaks
    """Of copies from memory, and of matrix products in the task's dtype."""
    vector_flop_rate: float = Field(gt=0)
    """Operations per second of a matrix product in fp32: what the vector units do."""
    cache_bandwidth: float = Field(gt=0)
    """Bytes per second, read plus written, of a copy inside a core's own cache."""
    cache_bytes: int = Field(gt=0)
    """Of a core's own cache."""
    issue_rate: float | None = None
    """Instructions per second of one thread; ``None`` where they cannot be counted."""
    region_ns: float
    """An empty parallel region of that many threads."""
    thread_ns: float
    """Time to start a thread and join it, in nanoseconds."""

    def describe(self) -> str:
        issued = f", {self.issue_rate / 1e9:.3g} instructions/ns" if self.issue_rate else ""
        return (
            f"copy {self.peaks.copy_bandwidth / 1e9:.3g} GB/s, in cache {self.cache_bandwidth / 1e9:.3g} GB/s; matrix "
            f"{self.peaks.flop_rate / 1e9:.3g}, vector {self.vector_flop_rate / 1e9:.3g} GFLOP/s{issued}; region "
            f"{self.region_ns / 1e3:.2g} µs, thread {self.thread_ns / 1e3:.2g} µs"
        )


class RoofLayer(Layer):
    name, number, title = "roof", 0, "roof"
    measures = "copy bandwidth, matrix and vector rate, instruction rate, cost of threads on this machine"
    limit_s, attempts, scope = 240.0, 2, "machine"
    finding_type = Roof

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"rates": source_digest("rates"), "valgrind": version_of("valgrind")}

    def instrument(self, subject: Subject, place: Path) -> None:
        rates = program("rates", subject.cache)
        environment = isolate_environment({"OMP_NUM_THREADS": str(subject.threads)})
        (place / "rates.txt").write_bytes(_output([str(rates)], place, environment))
        if version_of("valgrind"):
            for name, steps in (("few", FEW), ("many", MANY)):
                target = f"--callgrind-out-file={place / name}.callgrind"
                _output(["valgrind", *OPTIONS, target, str(rates), str(steps)], place, environment)
                compress(place / f"{name}.callgrind")
        with lease_fork_server(subject) as fork_server:
            for dtype in {subject.task().task.dtype, "float32"}:
                peaks = measure_peaks(fork_server, dtype, subject.threads)
                (place / f"{dtype}.json").write_text(peaks.model_dump_json(), encoding="utf-8")

    def collect(self, subject: Subject, place: Path) -> Roof:
        rates = dict(line.split() for line in (place / "rates.txt").read_text(encoding="ascii").splitlines())
        own, vector = (
            Peaks.model_validate_json((place / f"{dtype}.json").read_bytes())
            for dtype in (subject.task().task.dtype, "float32")
        )
        steps = None
        if (place / "many.callgrind.gz").is_file():
            counted = [read_profile(place / f"{name}.callgrind.gz") for name in ("few", "many")]
            steps = counted[1].minus(counted[0], 1)
        loops = [events for name, events in steps.functions.items() if name[1] == "bankable_run"] if steps else []
        each = sum(events.get("Ir", 0.0) for events in loops) / (MANY - FEW)
        return Roof(
            peaks=own,
            vector_flop_rate=vector.flop_rate,
            cache_bandwidth=1e9 / float(rates["copy"]),
            cache_bytes=private_cache(),
            issue_rate=1e9 * each / float(rates["step"]) if each else None,
            region_ns=float(rates["region"]),
            thread_ns=float(rates["thread"]),
        )


def private_cache(root: Path = PRIVATE) -> int:
    """Bytes of the second-level cache that a core has."""
    for index in sorted(root.glob("index*")):
        try:
            level, size = ((index / name).read_text(encoding="ascii").strip() for name in ("level", "size"))
        except OSError:
            continue
        if level == "2" and size[:-1].isdecimal():
            return int(size[:-1]) * {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
    return SMALL


def _output(command: list[str], place: Path, environment: Mapping[str, str]) -> bytes:
    try:
        done = subprocess.run(
            command,
            cwd=place,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LayerFailedError(f"{Path(command[0]).name} timed out after {LIMIT_S:.0f} s") from None
    if done.returncode != 0:
        raise LayerFailedError(f"{Path(command[0]).name}: exit status {done.returncode}")
    return done.stdout


LAYER = RoofLayer()
