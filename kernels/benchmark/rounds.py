"""Measures rounds of a benchmark: in each, every implementation once, in a process of its own, one after the other."""

from __future__ import annotations

import itertools
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bankable.kernels.benchmark.candidate import Candidate
from bankable.kernels.benchmark.output_check import OutputsToCheck, check_outputs
from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.sandbox.fork_server import ForkServer, JobAnswer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.evidence.harness import Correctness, OpRun, TimingProtocol

CHECKED = 4
"""Number of timed calls of a candidate whose outputs are compared, drawn after the last call. The live implementation
is checked untimed, before the rounds."""
MEASURE = JobLimits(wall_s=600, cpu_s=400, memory_bytes=6 << 30)


@dataclass(frozen=True)
class TimedCandidate:
    """One candidate's part of a round: it has run, and its outputs are not checked yet."""

    round: int
    candidate: Candidate
    seeds: Mapping[str, int]
    """Of the inputs, by shape: each candidate has its own."""
    ran: JobAnswer
    started: float
    """Unix seconds."""


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
        """One round: times every candidate, then checks the outputs of all."""
        return self.check(self.time(index, candidates, fork_server), fork_server)

    def time(self, index: int, candidates: Sequence[Candidate], fork_server: ForkServer) -> list[TimedCandidate]:
        """Time every candidate once, in an order that rotates between rounds."""
        order = list(candidates) if index % 2 == 0 else list(reversed(candidates))
        return [self._time_one(index, candidate, fork_server) for candidate in order]

    def check(self, timed: Sequence[TimedCandidate], fork_server: ForkServer) -> list[OpRun]:
        """Rows of a round that was timed. Outputs are checked now that all have run, each candidate's by a process."""
        return [row for entry in timed for row in self._build_rows(entry, fork_server)]

    def _time_one(self, index: int, candidate: Candidate, fork_server: ForkServer) -> TimedCandidate:
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
                "checked": CHECKED if candidate.role == "candidate" else 0,
                "implementation": candidate.job(),
                "shapes": shapes,
                "warmup": self.protocol.warmup_calls,
                "timed": self.protocol.timed_calls,
                "cache_bytes": self.cache_bytes,
            },
            self.limits,
        )
        return TimedCandidate(index, candidate, seeds, ran, started)

    def _build_rows(self, timed: TimedCandidate, fork_server: ForkServer) -> list[OpRun]:
        ran = timed.ran
        answered = {reply["shape"]: reply for reply in ran.replies}
        nothing = {"raised": f"{ran.ended.end}: {ran.ended.why or 'no answer'}"}
        replies = {key: answered.get(key, nothing) for key in self.keys}
        if timed.candidate.role == "candidate":
            replies |= self._check(
                timed, {key: reply for key, reply in replies.items() if "raised" not in reply}, fork_server
            )
        shutil.rmtree(ran.folder, ignore_errors=True)
        return [self._build_row(timed, key, replies[key]) for key in self.keys]

    def _check(
        self, timed: TimedCandidate, replies: Mapping[str, dict[str, Any]], fork_server: ForkServer
    ) -> dict[str, dict[str, Any]]:
        """These replies with another process's check of the outputs of timed calls."""
        wanted = [
            OutputsToCheck(
                key,
                parse_dims(key),
                timed.seeds[key],
                [{"name": name, "inputs": "normal"} for name in reply["checked"]],
            )
            for key, reply in replies.items()
        ]
        if not wanted:
            return {}
        checked = check_outputs(self.folder, fork_server, timed.ran, wanted)
        judged = {}
        for key, reply in replies.items():
            check = checked.answers.get(key)
            if check is None:
                judged[key] = {**reply, "raised": f"outputs cannot be read: {checked.why}"}
                continue
            correctness = Correctness(
                pid=checked.pid,
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
            judged[key] = {**reply, "correctness": correctness}
        return judged

    def _build_row(self, timed: TimedCandidate, key: str, reply: dict[str, Any]) -> OpRun:
        task, dims, candidate, ran = self.folder.task, parse_dims(key), timed.candidate, timed.ran
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
            round=timed.round,
            pid=ran.ended.pid,
            started=reply.get("started", timed.started),
            ended=reply.get("ended", timed.started + ran.ended.wall_s),
            launch_mode="eager",
            timer=self.protocol.timer,
            warmup_calls=self.protocol.warmup_calls,
            timed_calls=self.protocol.timed_calls,
            cache=reply.get("cache", self.protocol.cache),
            bytes_moved=self.folder.family.bytes_moved(dims, task.dtype),
            flops=self.folder.family.flops(dims),
            **measured,
        )
