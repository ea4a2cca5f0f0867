"""A server that answers HTTP: rounds, greedy probes, accuracy questions, profiles. Live and attached ones share it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankable.tools.evidence.records import Answer, Failure, Generation, Workload
from bankable.tools.profiling.trace import is_complete
from bankable.tools.serving.client import ServerClient, ServerUnreachable
from bankable.tools.serving.dataset import BenchmarkFiles
from bankable.tools.serving.driver import (
    AccuracyQuestion,
    LaunchIdentity,
    ProbePrompt,
    RoundFailed,
    RoundLoad,
    RoundResult,
    Server,
    StopRequested,
)
from bankable.tools.serving.load import JobFailed, JobStalled, LoadWorker, Patience, WorkerLost
from bankable.tools.serving.probe import ask, read_number
from bankable.tools.serving.workload import benchmark_arguments

DEATH_NOTICE_S = 3.0
"""How long a server that drops connections gets to be seen dead: its processes end one after the other."""

RAMP_WAIT_S = 60.0
BUSY_POLL_S = 0.1
TRACE_WAIT_S = 120.0
TRACE_SETTLE_S = 0.5


@dataclass(frozen=True)
class Shared:
    """What all servers of a driver use together."""

    worker: LoadWorker
    files: BenchmarkFiles
    stop: threading.Event
    patience: Patience


class HttpServer:
    """The part of ``Server`` that needs only an URL; subclasses know about the process behind it."""

    def __init__(
        self, identity: LaunchIdentity, client: ServerClient, shared: Shared, model: str, context_length: int | None
    ) -> None:
        """``model``: folder of the model, for the load generator's tokenizer."""
        self._identity = identity
        self._client = client
        self._shared = shared
        self._model = model
        self._context_length = context_length

    @property
    def identity(self) -> LaunchIdentity:
        return self._identity

    @property
    def url(self) -> str:
        """Base URL, without a slash at the end."""
        return self._client.url

    def cpu_seconds(self) -> float:
        """CPU time of the server so far; 0 when its processes cannot be seen."""
        return 0.0

    def death(self) -> Failure | None:
        """Why the server is dead, or ``None`` while it lives."""
        return None

    def close(self) -> float:
        """Let go of the server; the time when that was done."""
        self._client.close()
        return time.time()

    def server_info(self) -> dict[str, Any]:
        return self._client.server_info()

    def round(self, load: RoundLoad, peers: Sequence[Server] = ()) -> RoundResult:
        self._check()
        arguments = benchmark_arguments(
            load, self.url, self._model, self._shared.files.for_workload(load.workload), self._context_length
        )
        flushed = self._client.flush_cache()
        watched = [peer for peer in peers if isinstance(peer, HttpServer)]
        cpu_before, peers_before = self.cpu_seconds(), [peer.cpu_seconds() for peer in watched]
        try:
            job = self._shared.worker.run(arguments, self._shared.patience, self._check)
        except JobStalled as error:
            raise RoundFailed(Failure(kind="hung_in_round", line=str(error))) from error
        except (JobFailed, WorkerLost) as error:
            raise RoundFailed(self.death_soon() or Failure(kind="not_recorded", line=str(error)[:500])) from error
        cpu_s = self.cpu_seconds() - cpu_before
        peer_cpu_s = sum(peer.cpu_seconds() for peer in watched) - sum(peers_before) if watched else None
        if any(job.record.get("errors", [])) and (failure := self.death_soon()) is not None:
            raise RoundFailed(failure)
        return RoundResult(
            record=job.record,
            started=job.started,
            ended=job.ended,
            request_digest=job.request_digest,
            issued=job.issued,
            cpu_s=cpu_s,
            peer_cpu_s=peer_cpu_s,
            flushed=flushed,
        )

    def generate(self, prompts: Sequence[ProbePrompt], repeat: int = 0) -> list[Generation]:
        generations = []
        for prompt in prompts:
            self._check()
            generations.append(ask(self._client, prompt, repeat))
        return generations

    def answer(self, questions: Sequence[AccuracyQuestion], concurrency: int = 8) -> list[Answer]:
        def one(question: AccuracyQuestion) -> Answer:
            if self._shared.stop.is_set():
                return Answer(
                    question_id=question.question_id,
                    expected=question.expected,
                    predicted=None,
                    correct=False,
                    text="",
                    error="stopped",
                )
            reply = ask(self._client, question.prompt, 0)
            predicted = read_number(reply.text) if reply.error is None else None
            return Answer(
                question_id=question.question_id,
                expected=question.expected,
                predicted=predicted,
                correct=predicted is not None and predicted == question.expected,
                text=reply.text,
                error=reply.error,
            )

        with ThreadPoolExecutor(max_workers=max(1, concurrency), thread_name_prefix="answer") as pool:
            answers = list(pool.map(one, questions))
        self._check()
        return answers

    def profile(self, load: RoundLoad, steps: int, folder: Path) -> list[Path]:
        """Trace the steady mix: the round is already at its full concurrency when the profiler starts.

        Started before the round it would record an idle scheduler and the cold ramp (P07). The round's own timings are
        those of a traced server and are thrown away.
        """
        folder.mkdir(parents=True, exist_ok=True)
        before = _traces(folder)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="profile") as pool:
            running = pool.submit(self.round, load)
            try:
                self._wait_busy(self._most_running(load.workload), running)
                self._client.start_profile(
                    {
                        "output_dir": str(folder.resolve()),
                        "activities": ["CPU"] if self._identity.device == "cpu" else ["CPU", "GPU"],
                        "record_shapes": True,
                        "with_stack": False,
                        "num_steps": steps,
                    }
                )
            except ServerUnreachable as error:
                why = f"profiler did not start: {error}"[:500]
                raise RoundFailed(self.death_soon() or Failure(kind="unsupported", line=why)) from error
            running.result()
        if not _traces(folder) - before:
            try:  # the round may have had fewer steps than asked for
                self._client.stop_profile()
            except ServerUnreachable as error:
                raise RoundFailed(self.death_soon() or Failure(kind="not_recorded", line=str(error)[:500])) from error
        return sorted(self._new_traces(folder, before))

    def _most_running(self, workload: Workload) -> int:
        """Requests that can run at the same time under this workload."""
        cap = self.server_info().get("max_running_requests")
        most = min(workload.concurrency, workload.num_prompts)
        return min(most, cap) if isinstance(cap, int) and cap > 0 else most

    def _wait_busy(self, wanted: int, running: Future[RoundResult]) -> None:
        """Wait until that many requests run, or a minute has passed, or the round is over."""
        deadline = time.monotonic() + RAMP_WAIT_S
        while time.monotonic() < deadline and not running.done():
            if self._client.running_requests() >= wanted:
                return
            time.sleep(BUSY_POLL_S)

    def _new_traces(self, folder: Path, before: set[Path]) -> set[Path]:
        """New traces once they are whole; the server writes them after it has answered, in place."""
        deadline = time.monotonic() + TRACE_WAIT_S
        while time.monotonic() < deadline:
            self._check()
            now = _traces(folder) - before
            if now and all(is_complete(path) for path in now):
                return now
            time.sleep(TRACE_SETTLE_S)
        raise RoundFailed(Failure(kind="not_recorded", line=f"the profiler wrote no trace within {TRACE_WAIT_S:.0f} s"))

    def _check(self) -> None:
        """Raise when there is no point in waiting any longer."""
        if self._shared.stop.is_set():
            raise StopRequested("stop requested")
        if (failure := self.death()) is not None:
            raise RoundFailed(failure)

    def death_soon(self) -> Failure | None:
        """``death``, with a moment's patience: a server's processes end one after the other."""
        deadline = time.monotonic() + DEATH_NOTICE_S
        while (failure := self.death()) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return failure


def _traces(folder: Path) -> set[Path]:
    return set(folder.glob("*.trace.json.gz"))
