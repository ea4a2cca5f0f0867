"""Measures rounds of a benchmark: in each, every implementation once, in a process of its own, one after the other."""

from __future__ import annotations

import itertools
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bankable.kernels.benchmark.candidate import Candidate
from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.sandbox.fork_server import ForkServer, JobAnswer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.evidence.harness import Correctness, OpRun, TimingProtocol

CHECKED = 4
"""Number of timed calls whose outputs are compared, drawn after the last call."""
MEASURE = JobLimits(wall_s=600, cpu_s=400, memory_bytes=6 << 30)


@dataclass
class Rounds:
    """Settings that all rounds of one operator benchmark share."""

    folder: TaskFolder
    protocol: TimingProtocol
    threads: int
    cache_bytes: int
    keys: Sequence[str]
    """Shapes that are benched."""
    limits: JobLimits = MEASURE
    _generations: Iterator[int] = field(default_factory=lambda: itertools.count(0, 1 << 20))

    def measure(self, index: int, candidates: Sequence[Candidate], fork_server: ForkServer) -> list[OpRun]:
        """One round, in an order that rotates between rounds. Outputs are checked when all have run."""
        order = list(candidates) if index % 2 == 0 else list(reversed(candidates))
        return [row for candidate in order for row in self._measure_leg(index, candidate, fork_server)]

    def _measure_leg(self, index: int, candidate: Candidate, fork_server: ForkServer) -> list[OpRun]:
        task = self.folder.task
        seeds = {key: secrets.randbits(60) for key in self.keys}
        shapes = [
            {"key": key, "dims": parse_dims(key), "seed": seeds[key], "first": next(self._generations)}
            for key in self.keys
        ]
        started = time.time()
        ran = fork_server.run(
            "measure",
            {
                "family": task.family,
                "dtype": task.dtype,
                "threads": self.threads,
                "checked": CHECKED,
                "implementation": candidate.job(),
                "shapes": shapes,
                "warmup": self.protocol.warmup_calls,
                "timed": self.protocol.timed_calls,
                "cache_bytes": self.cache_bytes,
            },
            self.limits,
        )
        replies = {reply["shape"]: reply for reply in ran.replies}
        rows = []
        for key in self.keys:
            reply = replies.get(key, {"raised": f"{ran.ended.end}: {ran.ended.why or 'no answer'}"})
            checked: dict[str, Any] = {}
            if candidate.role == "candidate" and "raised" not in reply:
                checked = self._check(key, seeds[key], reply, ran, fork_server)
            rows.append(self._build_row(index, candidate, key, {**reply, **checked}, ran, started))
        shutil.rmtree(ran.folder, ignore_errors=True)
        return rows

    def _check(
        self, key: str, seed: int, reply: dict[str, Any], ran: JobAnswer, fork_server: ForkServer
    ) -> dict[str, Any]:
        """Another process's check of the outputs of timed calls."""
        task = self.folder.task
        answer = fork_server.run(
            "check",
            {
                "family": task.family,
                "dtype": task.dtype,
                "dims": parse_dims(key),
                "seed": seed,
                "outputs": str(ran.folder / f"{key}.safetensors"),
                "relative_error": task.tolerance.relative_error,
                "calls": [{"name": name, "inputs": "normal"} for name in reply["checked"]],
                "live_calls": 1,
            },
        )
        if not answer.replies:
            return {"raised": f"outputs cannot be read: {answer.ended.why}"}
        check = answer.replies[0]
        return {
            "correctness": Correctness(
                pid=answer.ended.pid,
                checked_calls=len(reply["checked"]),
                secret_seeds=len(set(reply["checked"])),
                elements=check["elements"],
                relative_error=check["relative_error"],
                mismatch_share=check["mismatch_share"],
                error_vs_live=check["error_vs_live"],
                poison_intact=check["poison_intact"],
                ran_before_expected=True,
                changes_with_input=check["changes_with_input"],
                same_pointer_recheck=check["same_pointer_recheck"],
            )
        }

    def _build_row(
        self, index: int, candidate: Candidate, key: str, reply: dict[str, Any], ran: JobAnswer, started: float
    ) -> OpRun:
        task, dims = self.folder.task, parse_dims(key)
        measured = {
            name: reply[name]
            for name in (
                "samples_ns",
                "span_ns",
                "pointers",
                "generations",
                "cache_bytes",
                "import_ns",
                "first_call_ns",
                "threads_before",
                "threads_after",
                "intact",
                "correctness",
                "raised",
            )
            if name in reply
        }
        return OpRun(
            run_id=task.run_id,
            operator=task.operator,
            role=candidate.role,
            backend=candidate.backend,
            implementation=candidate.id,
            source=candidate.source,
            resolved=reply.get("resolved"),
            executed=reply.get("executed"),
            shape=key,
            round=index,
            pid=ran.ended.pid,
            started=reply.get("started", started),
            ended=reply.get("ended", started + ran.ended.wall_s),
            launch_mode="eager",
            timer=self.protocol.timer,
            warmup_calls=self.protocol.warmup_calls,
            timed_calls=self.protocol.timed_calls,
            cache=reply.get("cache", self.protocol.cache),
            bytes_moved=self.folder.family.bytes_moved(dims, task.dtype),
            flops=self.folder.family.flops(dims),
            **measured,
        )
