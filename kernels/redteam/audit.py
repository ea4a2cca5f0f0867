"""Writes a red-team candidate's attempt into a task folder and runs the auditor as a program on a sealed copy."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bankable.kernels.benchmark.benchmark import FLOOR, Digests, compare_digests
from bankable.kernels.benchmark.result import derive_claim
from bankable.kernels.redteam.forgeries import Forgery, Records
from bankable.kernels.task.folder import TaskFolder
from bankable.tools import package
from bankable.tools.evidence.harness import BenchmarkClaim, Measurement, OpRun, Peaks, TimingProtocol
from bankable.tools.evidence.seal import seal
from bankable.tools.evidence.store import AppendLog, json_bytes, write_once

AUDITOR = f"{package.BOOT}from bankable.nodes.auditor.__main__ import main; sys.exit(main(sys.argv[1:]))"
"""A separate program: code that measures imports nothing of the auditor."""
LIMIT_S = 120.0


@dataclass(frozen=True)
class AuditResult:
    """Of the auditor."""

    verdict: str
    """``PASS``, ``FLAG`` or ``FAIL``; ``none`` where the auditor gave no verdict."""
    rules: tuple[str, ...]
    """That found something."""


@dataclass(frozen=True)
class WrittenAttempt:
    """Rows of one candidate beside those of the live implementation, written as an operator benchmark's."""

    task: TaskFolder
    number: int
    claim: BenchmarkClaim


def write_attempt(
    task: TaskFolder,
    number: int,
    rows: Sequence[OpRun],
    protocol: TimingProtocol,
    peaks: Peaks,
    files: tuple[Digests, Digests],
    span: tuple[float, float],
) -> WrittenAttempt:
    """Write ``bench-<number>``; ``files`` are digests of what measures, before and after, ``span`` is when that was."""
    place = task.path / f"bench-{number}"
    log = AppendLog(place / "opbench_runs.jsonl")
    for row in rows:
        log.append(row.model_dump(mode="json"))
    claimed = derive_claim(task.task, rows, task.task.live_backend, FLOOR)
    measurement = Measurement(
        run_id=task.task.run_id,
        operator=task.task.operator,
        attempt=number,
        protocol=protocol,
        files=compare_digests(*files),
        peaks=peaks,
        host=platform.node(),
        device=f"{platform.machine()}, 1 threads of {os.cpu_count()} cores",
        started=span[0],
        ended=span[1],
    )
    write_once(place / "measurement.json", json_bytes(measurement.model_dump(mode="json")))
    write_once(place / "claim.json", json_bytes(claimed.model_dump(mode="json")))
    return WrittenAttempt(task, number, claimed)


def audit_attempt(attempt: WrittenAttempt) -> AuditResult:
    """The auditor's verdict on an attempt."""
    with tempfile.TemporaryDirectory(prefix="bankable-audit-") as scratch:
        task = attempt.task
        sealed = seal(task.root, "harness", task.task.operator, attempt.number, Path(scratch) / "sealed")
        done = subprocess.run(
            [sys.executable, "-c", AUDITOR, str(package.START), str(sealed.folder), "1"],
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
        sealed.discard()
    if done.returncode != 0:
        return AuditResult("none", (done.stderr.decode("utf-8", "replace").strip()[:200],))
    verdict = orjson.loads(done.stdout)
    loud = sorted({finding["rule"] for finding in verdict["findings"] if finding["severity"] != "INFO"})
    return AuditResult(verdict["verdict"], tuple(loud))


def audit_forgery(attempt: WrittenAttempt, forgery: Forgery) -> AuditResult:
    """The auditor's verdict on a forged copy of an honest attempt."""
    task, number = attempt.task, attempt.number
    with tempfile.TemporaryDirectory(prefix="bankable-forged-") as scratch:
        root = Path(scratch) / "run"
        place = root / "ops" / task.task.operator
        shutil.copytree(
            task.path,
            place,
            ignore=lambda _, names: [name for name in names if name.startswith("bench-") and name != f"bench-{number}"],
        )
        shutil.copy(task.root / "run.json", root / "run.json")
        bench = place / f"bench-{number}"
        lines = (bench / "opbench_runs.jsonl").read_bytes().splitlines()
        files = {name: bench / f"{name}.json" for name in ("measurement", "claim")} | {"task": place / "task.json"}
        records = Records(
            rows=[orjson.loads(line) for line in lines],
            **{name: orjson.loads(path.read_bytes()) for name, path in files.items()},
        )
        forgery.forge(records)
        (bench / "opbench_runs.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in records.rows))
        for name, path in files.items():
            path.write_bytes(orjson.dumps(getattr(records, name)))
        return audit_attempt(WrittenAttempt(TaskFolder(root, task.task), number, attempt.claim))
