"""The operator benchmark: checks every implementation, then times it in rounds; writes the records that are audited."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bankable.kernels.benchmark.candidate import Candidate, live_candidate
from bankable.kernels.benchmark.qualify import TRY, Qualification, qualify_all
from bankable.kernels.benchmark.result import derive_claim, find_slow_peers
from bankable.kernels.benchmark.rounds import MEASURE, Rounds
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.sandbox.prefetch import ForkServerPrefetch
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.harness import (
    BenchmarkClaim,
    Measurement,
    MeasurementFile,
    MeasurementRole,
    OpRun,
    Peaks,
    TimingProtocol,
)
from bankable.tools.evidence.store import AppendLog, json_bytes, write_once

ROUNDS = 6
"""Rounds of a benchmark; in each, every implementation runs once in a fresh process."""
WARMUPS = 5
"""Untimed calls before the timed ones."""
SAMPLES = 12
"""Timed calls of each implementation at each shape in a round."""
LEAST_WARMUPS, LEAST_SAMPLES = 2, 4
"""What is left of both where the live implementation is slow."""
ROUND_S = 3.0
"""Seconds in a round that the live implementation's calls should not exceed, at all shapes together."""
SLOW_PEER = 2.0
"""Torch's own implementations that need more than so many times the best candidate's time in the first round run in no
other one: six rounds of them, with a graph compiled in each, are half of a benchmark, and no claim rests on them."""
FLOOR = 0.01
"""Minimum effect in log units: a smaller gain is no win."""
PACKAGE = Path(__file__).resolve().parents[1]
HARNESS = (
    "benchmark/benchmark.py",
    "benchmark/output_check.py",
    "benchmark/qualify.py",
    "benchmark/result.py",
    "benchmark/rounds.py",
    "build/screen.py",
    "sandbox/fork_server.py",
    "worker/buffers.py",
    "worker/fork_server.py",
    "worker/inputs.py",
    "worker/landlock.py",
    "worker/live_source.py",
    "worker/loader.py",
    "worker/measure.py",
    "worker/peaks.py",
)
"""Files that measure, below ``kernels/``: their digests stand in ``measurement.json``."""
TIMER = "perf_counter_ns"
TIMER_FILE, CHECKER_FILE = "worker/timing.py", "worker/check.py"


@dataclass(frozen=True)
class OperatorBenchmark:
    """One attempt and its records."""

    folder: Path
    """``bench-<attempt>/``."""
    attempt: int
    """Number of the attempt in its task, from 1."""
    rows: tuple[OpRun, ...]
    """One for each implementation, shape and round."""
    peaks: Peaks
    """Highest that were measured before, between and after the rounds."""
    claim: BenchmarkClaim
    qualified: tuple[Qualification, ...]
    """The live implementation first, then the candidates; those that are not right have no rows."""


@dataclass(frozen=True)
class BenchmarkSettings:
    """How much is measured."""

    rounds: int = ROUNDS
    samples: int = SAMPLES
    """Timed calls of each implementation at each shape in a round."""
    threads: int = 1
    """Of each process; as the server's own ``OMP_NUM_THREADS``."""
    try_limits: JobLimits = TRY
    """Of the process that tries an implementation on all kinds of input."""
    limits: JobLimits = MEASURE
    """Of a process that is timed."""
    every_round: bool = False
    """Whether torch's own implementations stay in all rounds, however slow they are."""


def run_benchmark(
    folder: TaskFolder,
    candidates: Sequence[Candidate],
    python: Path,
    settings: BenchmarkSettings | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> OperatorBenchmark:
    """Measure all candidates against the live implementation. Raises ``UserError`` when nothing can be measured."""
    settings = settings or BenchmarkSettings()
    started, before = time.time(), digest_measuring_files(folder)
    attempt = folder.next_attempt()
    place = folder.path / f"bench-{attempt}"
    keys = [shape.key for shape in folder.task.shapes]
    reference = live_candidate(folder.task.live_source, folder.task.live_backend)
    rows, measured = list[OpRun](), list[Peaks]()
    with ForkServerPrefetch(python, settings.threads) as prefetch:
        prefetch.start()
        implementations = (reference, *candidates)
        qualified = qualify_all(folder, implementations, python, keys, settings.threads, settings.try_limits)
        for entry in qualified:
            say(f"{entry.implementation}: " + (_describe_right(entry) if entry.ok else f"left out: {entry.why}"))
        if not qualified[0].ok:
            raise UserError(
                "Cannot measure: the live implementation is not right", folder.task.operator, qualified[0].why
            )
        right = [candidate for candidate, entry in zip(implementations, qualified, strict=True) if entry.ok]
        log = AppendLog(place / "opbench_runs.jsonl")
        rounds: Rounds | None = None
        for index in range(settings.rounds):
            with prefetch.take() as fork_server:  # a new memory layout in every round
                if rounds is None:
                    say(f"network of candidates {fork_server.network}, torch {fork_server.torch}")
                    measured.append(measure_peaks(fork_server, folder.task.dtype, settings.threads))
                    cache = measured[0].cache_bytes
                    protocol = choose_protocol(folder, reference, fork_server, cache, settings)
                    if protocol.timed_calls < settings.samples:
                        fewer = f"{protocol.timed_calls} timed calls instead of {settings.samples}"
                        say(f"{fewer}: the live implementation is slow")
                    rounds = Rounds(folder, protocol, settings.threads, cache, keys, settings.limits)
                timed = rounds.time(index, right, fork_server)
                measured.append(measure_peaks(fork_server, folder.task.dtype, settings.threads))
                if index + 1 < settings.rounds:
                    prefetch.start()  # while outputs are checked, when nothing is timed
                for row in rounds.check(timed, fork_server):
                    log.append(row.model_dump(mode="json"))
                    rows.append(row)
            if index == 0 and not settings.every_round:
                slow = find_slow_peers(folder.task, rows, SLOW_PEER, FLOOR)
                right = [candidate for candidate in right if candidate.id not in slow]
                for name, ratio in slow.items():
                    say(f"{name}: {ratio:.1f} times as slow as the best, left out of the other rounds")
            say(f"round {index + 1} of {settings.rounds}")
    peaks = highest_peaks(measured)
    claimed = derive_claim(folder.task, rows, folder.task.live_backend, FLOOR)
    measurement = Measurement(
        run_id=folder.task.run_id,
        operator=folder.task.operator,
        attempt=attempt,
        protocol=protocol,
        files=compare_digests(before, digest_measuring_files(folder)),
        peaks=peaks,
        host=platform.node(),
        device=f"{platform.machine()}, {settings.threads} threads of {os.cpu_count()} cores",
        started=started,
        ended=time.time(),
    )
    write_once(place / "measurement.json", json_bytes(measurement.model_dump(mode="json")))
    write_once(place / "qualification.json", json_bytes([asdict(entry) for entry in qualified]))
    write_once(place / "claim.json", json_bytes(claimed.model_dump(mode="json")))
    return OperatorBenchmark(place, attempt, tuple(rows), peaks, claimed, tuple(qualified))


def choose_protocol(
    folder: TaskFolder, live: Candidate, fork_server: ForkServer, cache_bytes: int, settings: BenchmarkSettings
) -> TimingProtocol:
    """The protocol of all implementations: fewer calls where the live one needs more than ``ROUND_S`` for a round."""
    keys = [shape.key for shape in folder.task.shapes]
    once = TimingProtocol(timer=TIMER, warmup_calls=1, timed_calls=1, cache="rotated", rounds=1, floor=FLOOR)
    trial = Rounds(folder, once, settings.threads, cache_bytes, keys, settings.limits)
    rows = trial.measure(0, [live], fork_server)
    call_s = sum(sample or 0.0 for row in rows for sample in row.samples_ns) / 1e9  # once at every shape
    fitting = int(ROUND_S / call_s) if call_s > 0 else settings.samples + WARMUPS
    plenty = fitting >= settings.samples + WARMUPS
    return once.model_copy(
        update={
            "warmup_calls": WARMUPS if plenty else LEAST_WARMUPS,
            "timed_calls": settings.samples
            if plenty
            else min(settings.samples, max(LEAST_SAMPLES, fitting - LEAST_WARMUPS)),
            "rounds": settings.rounds,
        }
    )


def measure_peaks(fork_server: ForkServer, dtype: str, threads: int) -> Peaks:
    """Measure copy bandwidth and matrix rate of this machine. Raises ``UserError`` when that fails."""
    answer = fork_server.run("peaks", {"dtype": dtype, "threads": threads})
    if not answer.replies:
        raise UserError("Cannot measure the machine's peaks", "", answer.ended.why)
    return Peaks.model_validate(answer.replies[0])


def highest_peaks(measured: Sequence[Peaks]) -> Peaks:
    """The highest of several measurements: other processes on the machine only make one lower."""
    return measured[-1].model_copy(
        update={
            "copy_bandwidth": max(peaks.copy_bandwidth for peaks in measured),
            "flop_rate": max(peaks.flop_rate for peaks in measured),
        }
    )


def _describe_right(entry: Qualification) -> str:
    return f"right, error {entry.worst_error:.2g}, {entry.equal_bits:.2%} of the values equal live's"


Digests = dict[tuple[MeasurementRole, str], str]


def digest_measuring_files(folder: TaskFolder) -> Digests:
    """Digests of everything that measures, by role and path."""
    roles: list[tuple[MeasurementRole, str]] = [("harness", name) for name in HARNESS]
    roles += [("timer", TIMER_FILE), ("checker", CHECKER_FILE)]
    digests: Digests = {(role, f"kernels/{name}"): file_digest(PACKAGE / name) for role, name in roles}
    digests["oracle", f"ops/{folder.task.operator}/oracle.json"] = file_digest(folder.path / "oracle.json")
    return digests


def compare_digests(before: Digests, after: Digests) -> tuple[MeasurementFile, ...]:
    return tuple(
        MeasurementFile(role=role, path=path, before=digest, after=after[role, path])
        for (role, path), digest in before.items()
    )
