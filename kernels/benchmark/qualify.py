"""Checks the correctness of an implementation, untimed: ordinary, adversarial, strided and the oracle's inputs."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bankable.kernels.benchmark.candidate import Candidate
from bankable.kernels.benchmark.output_check import OutputsToCheck, check_outputs
from bankable.kernels.build.screen import complaints
from bankable.kernels.sandbox.fork_server import ForkServer, JobAnswer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.sandbox.pool import Lanes
from bankable.kernels.task.folder import TaskFolder

KINDS = ("normal", "large", "tiny", "zeros", "outlier", "special", "strided")
TRY = JobLimits(wall_s=300, cpu_s=200, memory_bytes=3 << 30)


@dataclass(frozen=True)
class Qualification:
    """Whether an implementation is correct, and its error against exact values."""

    implementation: str
    ok: bool
    why: str
    """First error; empty when there is none."""
    worst_error: float | None
    """Largest error against float64, over all shapes and inputs."""
    equal_bits: float | None
    """Smallest share of outputs that equal the live implementation's, over the shapes."""


def qualify(
    folder: TaskFolder,
    candidate: Candidate,
    fork_server: ForkServer,
    keys: Sequence[str],
    threads: int,
    limits: JobLimits = TRY,
    *,
    read: bool = True,
) -> Qualification:
    """Check one implementation at the shapes ``keys``; the process that runs it holds no expected outputs.

    ``read``: a kernel's binary is screened before it is loaded, and not loaded when the screening refuses it.
    """
    against = read_kernel(candidate) if read else []
    if against:
        return Qualification(candidate.id, False, f"not loaded: {against[0]}", None, None)
    task, allowed = folder.task, folder.task.tolerance.relative_error
    seeds = {key: secrets.randbits(60) for key in keys}
    shapes = [
        {"key": key, "dims": parse_dims(key), "seed": seeds[key], "oracle": str(folder.oracle_inputs(key))}
        for key in keys
    ]
    ran = fork_server.run(
        "attempt",
        {
            "family": task.family,
            "dtype": task.dtype,
            "threads": threads,
            "implementation": candidate.job(),
            "kinds": KINDS,
            "shapes": shapes,
        },
        limits,
    )
    why = _find_trouble(ran, keys, candidate)
    if why:
        return Qualification(candidate.id, False, why, None, None)
    worst, equal = 0.0, 1.0
    calls = [{"name": kind, "inputs": kind} for kind in KINDS]
    wanted = [OutputsToCheck(key, parse_dims(key), seeds[key], calls, oracle=True) for key in keys]
    checked = check_outputs(folder, fork_server, ran, wanted)
    for key in keys:
        check = checked.answers.get(key)
        if check is None:
            why = f"{key}: outputs cannot be read: {checked.why}"
        elif check["relative_error"] is None or check["mismatch_share"] > 0:
            wrong = [kind for kind, error in check["by_call"].items() if error is None or error > allowed]
            why = f"{key}: error {check['relative_error']} on {', '.join(wrong)} inputs, allowed {allowed:.3g}"
        elif not check["poison_intact"]:
            why = f"{key}: elements of the output were not written"
        elif not check["same_pointer_recheck"]:
            why = f"{key}: the answer for old contents after they changed at the same address"
        elif check["oracle_error"] is None or check["oracle_error"] > 2 * allowed:
            # Both are within the tolerance of the exact value, so they are within twice of it from each other.
            why = f"{key}: error {check['oracle_error']} against the oracle"
        else:
            worst, equal = max(worst, check["relative_error"]), min(equal, check["equal_bits"])
            continue
        return Qualification(candidate.id, False, why, None, None)
    shutil.rmtree(ran.folder)
    return Qualification(candidate.id, True, "", worst, equal)


def qualify_all(
    folder: TaskFolder,
    candidates: Sequence[Candidate],
    python: Path,
    keys: Sequence[str],
    threads: int,
    limits: JobLimits = TRY,
) -> list[Qualification]:
    """Check several implementations, as many at a time as there are sets of cores: nothing is timed meanwhile.

    Raises ``UserError`` when a fork server is gone.
    """
    with Lanes(python, threads, len(candidates)) as lanes, ThreadPoolExecutor(len(lanes.sets)) as pool:

        def check_one(candidate: Candidate) -> Qualification:
            with lanes.lease() as fork_server:
                return qualify(folder, candidate, fork_server, keys, threads, limits)

        return list(pool.map(check_one, candidates))


def read_kernel(candidate: Candidate) -> list[str]:
    """Objections to a compiled kernel and its source, which lies beside it; none for other implementations."""
    if candidate.binary is None:
        return []
    source = candidate.binary.with_name("source.cpp")
    return complaints(candidate.binary, source.read_text(encoding="utf-8") if source.is_file() else None)


def parse_dims(key: str) -> tuple[int, ...]:
    """Sizes of a shape, from its key."""
    return tuple(int(part) for part in key.split("x"))


def _find_trouble(ran: JobAnswer, keys: Sequence[str], candidate: Candidate) -> str:
    for reply in ran.replies:
        if "raised" in reply:
            return f"{reply['shape']}: {reply['raised']}"
        if reply["resolved"]["digest"] != candidate.source.digest:
            return f"{reply['shape']}: another file was loaded: {reply['resolved']['path']}"
    if ran.ended.end != "answered":
        return f"{ran.ended.end}: {ran.ended.why}"
    missing = [key for key in keys if key not in {reply["shape"] for reply in ran.replies}]
    return f"{missing[0]}: no answer" if missing else ""
