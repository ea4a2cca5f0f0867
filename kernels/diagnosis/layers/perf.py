"""The fourth layer where the processor's counters can be read: ``perf stat`` over the kernel, called without Python."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.programs import program, source_digest
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import CPP, LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of
from bankable.kernels.sandbox.limits import JobLimits
from bankable.tools.serving.environment import inherit_environment

FIRST, MORE = 20, 200
"""Calls of the first run, and further ones of the second; the difference is of the calls alone."""
EVENTS = ("instructions", "cycles", "cache-references", "cache-misses", "branch-misses")
WITHIN = JobLimits(wall_s=120, cpu_s=100, memory_bytes=4 << 30)
PROBE_S = 20.0


class Perf(LayerFinding):
    """One call, by the processor's own counters, in user mode."""

    events: dict[str, float]
    """By perf's names of them; what could not be counted is left out."""
    missing: tuple[str, ...] = ()
    """Counters that the processor or the system does not give."""

    def describe(self) -> str:
        return ", ".join(f"{name} {count:,.0f}" for name, count in self.events.items()) + " a call"


class PerfLayer(Layer):
    name, number, title = "perf", 4, "hardware counters"
    measures = "instructions, cycles, cache and branch misses of one call (perf stat)"
    limit_s, needs = 180.0, ("compile",)
    finding_type = Perf

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"perf": version_of("perf"), "driver": source_digest("driver")}

    def absent(self, subject: Subject) -> str:
        if subject.kind != CPP:
            return f"{subject.implementation} is Python: the interpreter would be counted"
        return find_refusal()

    def instrument(self, subject: Subject, place: Path) -> None:
        driver, kernel, task = program("driver", subject.cache), subject.compiled(), subject.task().task
        commands = [
            [
                "perf",
                "stat",
                "-x",
                ",",
                "-e",
                ",".join(f"{event}:u" for event in EVENTS),
                "-o",
                str(place / name),
                str(driver),
                str(kernel),
                "call.txt",
                str(calls),
            ]
            for name, calls in (("first.csv", FIRST), ("more.csv", FIRST + MORE))
        ]
        with lease_fork_server(subject) as fork_server:
            answer = fork_server.run(
                "instrument",
                {
                    "family": task.family,
                    "dtype": task.dtype,
                    "dims": subject.dims,
                    "commands": commands,
                    "environment": {},
                },
                WITHIN,
            )
        if len(answer.replies) < len(commands) or any(reply["status"] for reply in answer.replies):
            raise LayerFailedError(
                f"perf: {answer.ended.why or [reply['complaint'][:200] for reply in answer.replies]}"
            )

    def collect(self, subject: Subject, place: Path) -> Perf:
        first, more = (read_stat((place / name).read_text(encoding="utf-8")) for name in ("first.csv", "more.csv"))
        events = {name: (more[name] - first[name]) / MORE for name in EVENTS if name in first and name in more}
        if not events:
            raise LayerFailedError("perf counted nothing")
        return Perf(events=events, missing=tuple(name for name in EVENTS if name not in events))


def read_stat(text: str) -> dict[str, float]:
    """Counts of ``perf stat -x ,``; what it says was not counted or not supported is not among them."""
    figures: dict[str, float] = {}
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[0].replace(".", "", 1).isdecimal():
            figures[fields[2].partition(":")[0]] = float(fields[0])
    return figures


@functools.lru_cache(maxsize=1)
def find_refusal() -> str:
    """Why perf counts no instructions here; empty where it does."""
    if shutil.which("perf") is None:
        return "no perf (Debian: linux-perf)"
    try:
        done = subprocess.run(
            ["perf", "stat", "-x", ",", "-e", "instructions:u", "true"],
            env=inherit_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"perf does not run: {problem}"
    if done.returncode == 0 and read_stat(done.stderr):
        return ""
    errors = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    for fields in (line.split(",") for line in errors):
        if len(fields) > 2 and fields[0].startswith("<"):
            return f"perf: instructions {fields[0].strip('<>')} by this kernel or virtual machine"
    return f"perf: {errors[0][:160] if errors else 'refused'}"


LAYER = PerfLayer()
