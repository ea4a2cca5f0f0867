"""Measures audit speed, from sealing to verdict, as evidence per second, against plain parsing of the same bytes.

Each repeat parses every JSON file of the sealed evidence with ``orjson.loads`` (files already in memory, one line at a
time, results dropped) and then audits it: seal, start of the auditor's own process, verdict. The ratio is taken within
a repeat, so that a slow minute of the machine hits both. Memory is taken in a run of its own: the peak of what all
processes of the auditor hold together, pages that they share counted once (``Pss``) and files in memory too, and the
peak of the largest of them (``VmHWM``), all read from ``/proc`` every 20 ms; interpreter and libraries included. The
``ru_maxrss`` that a parent is told would count the parent's own pages, from which the process was forked.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from bankable.evals.bench.audit_evidence import SUBJECT, Size, big_run
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.process import ENVIRONMENT, START
from bankable.nodes.auditor.reading.fork_map import cores
from bankable.nodes.auditor.reading.prefetch import prefetch_legs
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.verdict import Verdict, Word
from bankable.tools import package
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import seal

SPEED_GOAL, MEMORY_GOAL = 0.5, 3.0
ROUNDS = 72
"""Timed rounds in comparison and control: 2 × 2 × 6 launches of 3."""
MB = 1e6
POLL_S = 0.02


@dataclass(frozen=True)
class Repeat:
    """Seconds of one repeat."""

    parse: float
    seal: float
    audit: float
    """Start of the process to its end."""

    @property
    def ratio(self) -> float:
        """Speed of the audit, end to end, as a share of the speed of parsing."""
        return self.parse / (self.seal + self.audit)


@dataclass(frozen=True)
class Shares:
    """Seconds of one audit by phase, in one process; hashing runs in parallel with parsing where a core is free."""

    start: float
    """Start of the interpreter and its libraries."""
    hashing: float
    reading: float
    """All reading: parsing, checking, and aggregating lists, logs and telemetry."""
    rules: float
    """The time after reading, up to the verdict."""


@dataclass(frozen=True)
class AuditSpeed:
    """Results for one size of evidence."""

    name: str
    total: int
    """Bytes of evidence."""
    json: int
    """JSON bytes of it."""
    largest: int
    """Bytes of the largest file."""
    jobs: int
    together: int
    """Peak bytes of all processes of the auditor."""
    alone: int
    """Peak bytes of its largest process."""
    bare: int
    """Peak bytes of a process that only starts: interpreter and libraries."""
    repeats: tuple[Repeat, ...]
    shares: Shares

    def table(self) -> str:
        """Summary for people; states a missed goal."""
        ratios, rest = sorted(repeat.ratio for repeat in self.repeats), self.shares
        parse, sealing, audit = (
            median(getattr(repeat, name) for repeat in self.repeats) for name in ("parse", "seal", "audit")
        )
        whole, speed = sealing + audit, median(ratios)
        return "\n".join(
            [
                f"{self.name}: {self.total / MB:.1f} MB of evidence, largest file {self.largest / MB:.1f} MB, "
                f"{self.jobs} processes, {len(ratios)} repeats",
                f"  orjson.loads       {self.json / parse / MB:8.1f} MB/s",
                f"  audit, end to end  {self.total / whole / MB:8.1f} MB/s   {whole:.2f} s, of it seal {sealing:.2f} s",
                f"  ratio              {speed:8.2f}        [{ratios[0]:.2f}, {ratios[-1]:.2f}]   "
                + _goal(met=speed >= SPEED_GOAL, what=f"at least {SPEED_GOAL}"),
                f"  memory, together   {self.together / MB:8.1f} MB  {self.together / self.largest:.1f} × the largest "
                + _goal(met=self.together < MEMORY_GOAL * self.largest, what=f"below {MEMORY_GOAL:.0f} ×"),
                f"    largest process  {self.alone / MB:8.1f} MB  interpreter, libraries {self.bare / MB:.1f} MB, "
                f"the rest {(self.alone - self.bare) / self.largest:.1f} × the largest file",
                f"  taken apart, in one process: start {rest.start:.2f} s, sealing {sealing:.2f} s, "
                f"hashing {rest.hashing:.2f} s, parsing {parse:.2f} s, "
                f"rest of reading {max(0.0, rest.reading - parse):.2f} s, rules {rest.rules:.2f} s",
            ]
        )


def _goal(*, met: bool, what: str) -> str:
    return f"(goal {what}: {'met' if met else 'MISSED'})"


def measure(name: str, size: Size, repeats: int, seed: int = 1, keep: Path | None = None) -> AuditSpeed:
    """Make evidence of that size and time its audit. Raises ``UserError`` when the audit does not end in a PASS."""
    with tempfile.TemporaryDirectory(prefix="bench-audit-", dir=keep) as place:
        run = big_run(Path(place) / "run", size, seed)
        with _seal_run(run, Path(place) / "sealed") as (folder, _):
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            sizes = {path: path.stat().st_size for path in files}
            shares = _shares(folder, files)
            held, bare = Memory(), Memory()
            _audit(folder, held)
            _wait_for(_start(), bare)
        measured = tuple(_repeat(run, Path(place) / "sealed") for _ in range(repeats))
    return AuditSpeed(
        name,
        sum(sizes.values()),
        sum(length for path, length in sizes.items() if path.suffix in (".json", ".jsonl")),
        max(sizes.values()),
        cores(),
        held.together,
        held.alone,
        bare.alone,
        measured,
        shares,
    )


def per_round(requests: int) -> int:
    """Requests of one round, given the number of requests in all rounds together."""
    return max(1, round(requests / ROUNDS))


def _repeat(run: Path, place: Path) -> Repeat:
    with _seal_run(run, place) as (folder, sealing):
        parse = parsing([path for path in sorted(folder.rglob("*")) if path.is_file()])
        return Repeat(parse, sealing, _audit(folder))


@contextmanager
def _seal_run(run: Path, place: Path) -> Iterator[tuple[Path, float]]:
    begun = time.perf_counter()
    sealed = seal(run, "patch", SUBJECT, 1, place)
    try:
        yield sealed.folder, time.perf_counter() - begun
    finally:
        sealed.discard()


def parsing(files: list[Path]) -> float:
    """Seconds that ``orjson.loads`` takes for all JSON in these files."""
    seconds = 0.0
    for path in files:
        if path.suffix == ".json":
            texts = [path.read_bytes()]
        elif path.suffix == ".jsonl":
            texts = path.read_bytes().splitlines()
        else:
            continue
        begun = time.perf_counter()
        for text in texts:
            orjson.loads(text)
        seconds += time.perf_counter() - begun
    return seconds


@dataclass
class Memory:
    """Peaks of a process with its children, in bytes."""

    together: int = 0
    alone: int = 0

    def look(self, pid: int) -> None:
        """Read the current values."""
        family = [pid, *_children(pid)]
        held = sum(_field(f"{process}/smaps_rollup", "Pss:") for process in family)
        self.together = max(self.together, held + _find_unnamed(pid))
        self.alone = max(self.alone, *(_field(f"{process}/status", "VmHWM:") for process in family))


def _audit(folder: Path, memory: Memory | None = None) -> float:
    """Seconds of the auditor's process, whose verdict must be PASS. Sampling its memory meanwhile costs time."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        code = _wait_for(_start(str(folder), out=out.fileno()), memory)
        seconds = time.perf_counter() - begun
        out.seek(0)
        answer = out.read()
    if code != 0 or Verdict.model_validate_json(answer).verdict is not Word.PASS:
        raise UserError(
            "Cannot measure the auditor: honest evidence did not get a PASS", folder.name, "read its verdict"
        )
    return seconds


def _start(*arguments: str, out: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """The auditor's process; without a folder it only prints its usage."""
    command = [sys.executable, "-I", "-c", START, str(package.START), *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, cwd="/", stdout=out, stderr=subprocess.DEVNULL)


def _wait_for(process: subprocess.Popen[bytes], memory: Memory | None = None) -> int:
    """The exit code, when there is one."""
    while memory is not None and process.poll() is None:
        memory.look(process.pid)
        time.sleep(POLL_S)
    return process.wait()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # the process is gone, or the system does not provide it
        return []


def _find_unnamed(pid: int) -> int:
    """Bytes of files that a process has in memory only; its children have no others."""
    try:
        files = [entry for entry in Path(f"/proc/{pid}/fd").iterdir() if os.readlink(entry).startswith("/memfd:")]
        return sum(entry.stat().st_size for entry in files)
    except OSError:  # closed meanwhile
        return 0


def _field(file: str, name: str) -> int:
    """A number of kilobytes below ``/proc``, in bytes; 0 when it is not there."""
    try:
        lines = Path("/proc", file).read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def _shares(folder: Path, files: list[Path]) -> Shares:
    start = _time(lambda: _wait_for(_start()))
    hashing = _time(lambda: [hashlib.file_digest(path.open("rb"), "sha256") for path in files])
    reading = _time(lambda: prefetch_legs(SealedView(folder)))
    whole = _time(lambda: evaluate(folder))
    return Shares(start, hashing, reading, max(0.0, whole - reading))


def _time(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
