"""The job that judges one answer to one problem, in fresh processes: right on many inputs, then how fast.

The judge makes inputs, keeps copies of them, computes what is expected, reads the clock and compares. The reference
and the answer each run in a process of their own, which is stopped whenever the clock is. Neither sees the other, nor
the judge: an answer finds no reference to return, no clock to patch and no comparison to replace.
"""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bankable.kernels.worker.kernelbench.both import LOAD_S, AnswerError, BothModules, ProblemError
from bankable.kernels.worker.kernelbench.child import use_scratch
from bankable.kernels.worker.kernelbench.compare import all_finite, difference
from bankable.kernels.worker.kernelbench.contained import (
    ContainedError,
    TimedReply,
    adopt_orphans,
    left_processes,
)
from bankable.kernels.worker.kernelbench.expected import (
    MOST_ERROR,
    PREVIOUS,
    allowed_error,
    explain,
    tensors_among,
    worthless_outputs,
)
from bankable.kernels.worker.kernelbench.judgement import Judgement
from bankable.kernels.worker.kernelbench.problem import LoadedProblem, load_problem, tensors_of
from bankable.kernels.worker.kernelbench.values import with_other_values
from bankable.kernels.worker.landlock import restrict

EXACT_TIMES = 20.0
"""A call in float64 takes about this many times as long; where that exceeds the job's budget it is left out."""
LEAST_LIMIT_S, LIMIT_TIMES = 30.0, 40.0
"""An answer has this many seconds for a call, or so many times what the reference takes."""
OTHER = "other values"
"""How the names of calls begin whose inputs are not as the problem draws them."""
HISTORY = 3
"""Earlier results that a stale one is recognised by."""
MORE_THREADS = 1.5
"""Processor time over wall time, over the number of threads, above which more threads are at work."""
BUSY_NS = 50_000_000
"""Processor time from which that is asked."""


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Judge an answer, or with ``answer`` empty the problem alone; one reply."""
    judgement = Judgement(own_error=job["own_error"])
    scratch = Path(job["scratch"])
    (scratch / "answer").mkdir(exist_ok=True)
    (scratch / "reference").mkdir(exist_ok=True)
    use_scratch(scratch)
    restrict(scratch, [])
    adopt_orphans()
    with torch.inference_mode(False), torch.no_grad():  # of tensors that are shared here, others are written to later
        judge = Judge(job, scratch, judgement)
        try:
            judge.run()
        finally:
            judge.close()
    yield asdict(judgement)


class Judge:
    """One judgement. The processes are forked before anything is computed here, as OpenMP requires."""

    def __init__(self, job: dict[str, Any], scratch: Path, judgement: Judgement) -> None:
        self._job, self._judgement, self._slots = job, judgement, int(job["slots"])
        self._both = BothModules(job, scratch)
        self._history: list[list[torch.Tensor]] = []
        self._worthless: list[set[str]] = []
        self._accepted: list[set[str]] = []

    def close(self) -> None:
        """End both processes."""
        self._both.close()

    def run(self) -> None:
        """Everything in turn; an answer that is caught is not timed."""
        try:
            problem = load_problem(self._job["problem"], self._job["smaller"])
            self._prepare_reference(problem)
        except Exception as error:
            self._judgement.problem_error = f"{type(error).__name__}: {error}"[:400]
            return
        try:
            if self._both.answer is not None:
                self._load_answer(problem)
            self._check(problem)
            if self._both.answer is not None and not self._judgement.findings:
                self._compare_operators(problem)
                if self._job["pairs"]:
                    self._time(problem)
                self._look_at_process()
        except (ContainedError, AnswerError) as error:
            self._judgement.find(error.rule, str(error))
        except ProblemError as error:
            self._judgement.problem_error = str(error)[:400]

    # Loading

    def _prepare_reference(self, problem: LoadedProblem) -> None:
        seed = self._job["weights_seed"]
        self._init = problem.init_inputs(seed)
        for command in ({"do": "load"}, {"do": "make", "init": self._init, "seed": seed}):
            body = self._both.reference.ask(command, LOAD_S).body
            if "error" in body:
                raise RuntimeError(body["error"])
        self._exact = None
        if self._job["exact_s"] > 0:
            try:
                self._exact = problem.build(seed, double=True)
            except Exception:
                self._exact = None

    def _load_answer(self, problem: LoadedProblem) -> None:
        assert self._both.answer is not None
        body = self._both.answer.ask({"do": "load"}, LOAD_S).body
        if "error" in body:
            self._judgement.build_log = str(body.get("trace", ""))[-2000:]
            raise AnswerError("does_not_load", str(body["error"]))
        command = {"do": "make", "init": self._init, "seed": self._job["weights_seed"]}
        self._both.ask_answer(command, LOAD_S)

    # Correctness

    def _check(self, problem: LoadedProblem) -> None:
        for number, seed in enumerate(self._job["draws"]):
            self._check_draw(problem, f"draw {number + 1}", seed, other=False)
        for number in range(self._job["secret_draws"]):
            self._check_draw(problem, f"secret draw {number + 1}", secrets.randbits(31), other=False)
        for number in range(self._job["other_values"]):
            self._check_draw(problem, f"{OTHER} {number + 1}", secrets.randbits(31), other=True)
        self._judgement.weak = sorted(set.intersection(*self._accepted)) if self._accepted else []
        self._judgement.degenerate = sorted(set.intersection(*self._worthless)) if self._worthless else []

    def _check_draw(self, problem: LoadedProblem, name: str, seed: int, other: bool) -> None:
        inputs: list[Any] | None = problem.inputs(seed)
        assert inputs is not None
        if other:
            inputs = with_other_values(inputs, seed)
            if inputs is None:
                return
        others = self._both.write_inputs(0, inputs)
        call_seed = secrets.randbits(31)
        took = self._both.ask_reference("run", [0], [others], call_seed)
        reference = [tensor.clone() for tensor in self._both.reference_arena.outputs(0)]
        if not self._judgement.checks and not self._judgement.random:
            self._look_for_random(inputs, call_seed, reference)
            if self._judgement.random:
                self._exact = None  # float64 draws other numbers
            self._both.write_inputs(0, inputs)
            took = self._both.ask_reference("run", [0], [others], call_seed)
            draws = len(self._job["draws"]) + self._job["secret_draws"] + self._job["other_values"]
            if took.wall_ns / 1e9 * EXACT_TIMES * draws > self._job["exact_s"]:
                self._exact = None
        self._both.limit_s = LEAST_LIMIT_S + LIMIT_TIMES * took.wall_ns / 1e9
        wanted = self._exactly(inputs, call_seed) or reference
        is_exact = wanted is not reference
        own = difference(reference, wanted).error if is_exact else None
        if other and (not all_finite(wanted) or not all_finite(reference) or (own or 0.0) > MOST_ERROR):
            return  # the reference itself is not defined there
        allowed = allowed_error(reference, own if own is not None else self._judgement.own_error)
        self._judgement.exact = is_exact
        if own is not None:
            self._judgement.own_error = max(own, self._judgement.own_error or 0.0)
        self._weigh_worthless(inputs, reference, wanted, allowed, other)
        if self._both.answer is not None:
            self._both.arena.poison(0)
            self._both.run_answer([0], [others], call_seed)
            got = self._both.arena.outputs(0)
            self._compare(name, got, reference, wanted, allowed, other)
            self._look_at_inputs([(0, inputs)])
        self._history = [reference, *self._history][:HISTORY]

    def _compare(
        self,
        name: str,
        got: Sequence[torch.Tensor],
        reference: Sequence[torch.Tensor],
        wanted: Sequence[torch.Tensor],
        allowed: float,
        other: bool,
    ) -> None:
        found, theirs = difference(got, wanted), difference(got, reference)
        self._judgement.checks.append(
            {
                "name": name,
                "error": found.error if math.isfinite(found.error) else None,
                "allowed": allowed,
                "right": found.error <= allowed,
                "theirs": theirs.theirs,
                "largest": theirs.largest if math.isfinite(theirs.largest) else None,
                "mean": theirs.mean if math.isfinite(theirs.mean) else None,
            }
        )
        if found.error <= allowed:
            return
        rule, what = explain(got, wanted, self._history, theirs, allowed)
        plain = [entry for entry in self._judgement.checks if not entry["name"].startswith(OTHER)]
        if other and rule != "stale_result" and all(entry["right"] for entry in plain):
            rule, what = "wrong_on_other_values", "right on the problem's own inputs, wrong on values of both signs"
        self._judgement.find(rule, f"{name}: {what}, relative error {found.error:.3g} where {allowed:.3g} is allowed")

    def _weigh_worthless(
        self,
        inputs: Sequence[Any],
        reference: Sequence[torch.Tensor],
        wanted: Sequence[torch.Tensor],
        allowed: float,
        other: bool,
    ) -> None:
        """Note which outputs that compute nothing would pass for this draw: theirs, and ours."""
        accepted, right = set[str](), set[str]()
        for name, outputs in worthless_outputs(inputs, reference, self._history):
            if difference(outputs, reference).theirs:
                accepted.add(name)
            if difference(outputs, wanted).error <= allowed:
                right.add(name)
        if not self._history:  # the first draw has no earlier result: that probe is decided by the later ones
            accepted.add(PREVIOUS)
            right.add(PREVIOUS)
        if not other:
            self._accepted.append(accepted)
        self._worthless.append(right)

    def _look_for_random(self, inputs: Sequence[Any], seed: int, first: Sequence[torch.Tensor]) -> None:
        self._both.ask_reference("run", [0], [self._both.write_inputs(0, inputs)], seed + 1)
        again = self._both.reference_arena.outputs(0)
        self._judgement.random = difference(again, first).error > 0 and not difference(again, first).theirs

    def _exactly(self, inputs: Sequence[Any], seed: int) -> list[torch.Tensor] | None:
        """Outputs in float64; ``None`` where the model cannot be computed in it, or not in time."""
        if self._exact is None:
            return None
        try:
            torch.manual_seed(seed)
            wide = [
                value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
                for value in (_copied(value) for value in inputs)
            ]
            return tensors_of(self._exact(*wide))
        except Exception:
            self._exact = None
            return None

    # Inputs

    def _look_at_inputs(self, calls: Sequence[tuple[int, Sequence[Any]]]) -> None:
        """Whether the answer left its inputs as they were, or changed them as the reference does."""
        for slot, inputs in calls:
            views = zip(
                self._both.arena.inputs(slot),
                self._both.reference_arena.inputs(slot),
                tensors_among(inputs),
                strict=True,
            )
            for number, (after, theirs, before) in enumerate(views):
                if not _same_bits(after, before) and not _same_bits(after, theirs):
                    self._judgement.find("writes_inputs", f"input {number} was changed by the call")

    # Speed

    def _time(self, problem: LoadedProblem) -> None:
        """Batches of both in turn, on fresh inputs under old addresses; every output is compared."""
        assert self._both.answer is not None
        flush = torch.zeros(self._job["cache_bytes"], dtype=torch.uint8)
        until = time.monotonic() + self._job["timing_s"]
        for number in range(-1, self._job["pairs"]):
            if number >= self._job["least_pairs"] and time.monotonic() > until:
                break
            count = self._slots - secrets.randbelow(self._slots // 2 + 1)
            slots = list(range(count))
            drawn = [problem.inputs(secrets.randbits(31)) for _ in slots]
            others = [self._both.write_inputs(slot, inputs) for slot, inputs in zip(slots, drawn, strict=True)]
            for slot in slots:
                self._both.arena.poison(slot)
                self._both.reference_arena.poison(slot)
            seed = secrets.randbits(31)
            times: dict[str, TimedReply] = {}
            for who in ("reference", "answer") if number % 2 == 0 else ("answer", "reference"):
                flush.add_(1)
                times[who] = (
                    self._both.ask_reference("run", slots, others, seed)
                    if who == "reference"
                    else self._both.run_answer(slots, others, seed)
                )
            for slot in slots:
                reference = [tensor.clone() for tensor in self._both.reference_arena.outputs(slot)]
                allowed = allowed_error(reference, self._judgement.own_error)
                found = difference(self._both.arena.outputs(slot), reference)
                if found.error > 2 * allowed:
                    rule, what = explain(self._both.arena.outputs(slot), reference, self._history, found, allowed)
                    self._judgement.find(
                        rule, f"timed call {slot + 1} of batch {number + 2}: {what}, relative error {found.error:.3g}"
                    )
                    return
                self._history = [reference, *self._history][:HISTORY]
            self._look_at_inputs(list(zip(slots, drawn, strict=True)))
            flush.add_(1)
            empty = self._both.ask_reference("copy", slots, others, seed)
            if number >= 0:  # the first pair warms both up
                self._judgement.timings.append(
                    {
                        "calls": count,
                        "reference_s": times["reference"].wall_ns / 1e9 / count,
                        "answer_s": times["answer"].wall_ns / 1e9 / count,
                        "empty_s": empty.wall_ns / 1e9 / count,
                        "answer_cpu_s": times["answer"].cpu_ns / 1e9 / count,
                    }
                )

    def _compare_operators(self, problem: LoadedProblem) -> None:
        """Whether a call of the answer comes to the reference's own operators, one for one."""
        assert self._both.answer is not None
        if self._job["compiled"]:
            return
        others = self._both.write_inputs(0, problem.inputs(secrets.randbits(31)))
        command = {"do": "operators", "slots": [0], "others": [others]}
        reference = self._both.reference.ask(command, LOAD_S).body.get("operators")
        body = self._both.answer.ask(command, self._both.limit_s).body
        answer = body.get("operators")
        self._judgement.traced = str(body.get("error", "")) or "compared"
        if reference and answer == reference:  # an answer that could not be traced has its own outputs to speak for it
            self._judgement.find(
                "falls_back", f"its call is the reference's own operators, one for one: {', '.join(answer[:3])}"
            )

    def _look_at_process(self) -> None:
        """What the answer left behind, and what it changed around itself."""
        assert self._both.answer is not None
        left = left_processes([self._both.answer.pid, os.getpid()], self._both.pids)
        if left:
            self._judgement.find("leaves_processes", f"{len(left)} processes are there after its last call")
        cpu, wall = self._both.busy
        if cpu > BUSY_NS and cpu > MORE_THREADS * self._job["threads"] * wall:
            self._judgement.find(
                "more_threads", f"{cpu / wall:.1f} processors at work, where {self._job['threads']} is the reference's"
            )
        different = self._both.answer.ask({"do": "snapshot"}, self._both.limit_s).body.get("changed", [])
        names = [str(name) for name in different] if isinstance(different, list) else []
        for rule, prefix in (("patches_clock", "clock "), ("changes_torch", "torch ")):
            if hit := [name.removeprefix(prefix) for name in names if name.startswith(prefix)]:
                self._judgement.find(rule, f"after its calls another one: {', '.join(hit[:5])}")


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value


def _same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    return bool(torch.equal(left.reshape(-1).view(torch.uint8), right.contiguous().reshape(-1).view(torch.uint8)))
