"""Evaluates answers: the source is read, the judge compares and times it in contained processes, the rounds decide.

Every round has fresh processes, weights and inputs. A round's figure is the log of the ratio of the two medians, each
without what the boundary takes; the rounds are decided by the paired rule of all our comparisons.
"""

from __future__ import annotations

import math
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bankable.kernels.kernelbench.problems import BenchProblem, SubmittedAnswer
from bankable.kernels.kernelbench.reading import SourceFinding, compiles_graphs, needs_gpu, read_answer
from bankable.kernels.kernelbench.result import BenchCheck, BenchFinding, BenchResult, BenchTiming, BenchVerdict
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.sandbox.limits import JobLimits
from bankable.tools.statistics.paired import decide

ANNOUNCED = (42, 43, 44, 45, 46)
"""Seeds of inputs that anybody may know."""
SECRET, OTHER = 2, 2
"""Further draws by secret seeds, as the problem draws them and with values of both signs."""
MOST_SLOTS = 16
SLOT_BYTES = 256 << 20
"""Memory for several calls of a batch; a problem whose call is larger has batches of one call."""
FLUSHED_BYTES = 64 << 20
"""Written before each batch, so that both begin with a cold cache."""
LEAST_PAIRS = 3
FLOOR = 0.01
"""Minimum effect in log units."""
SHORT = 0.05
"""A call that takes less than this share of the boundary cannot be timed."""


@dataclass(frozen=True)
class KernelBenchSettings:
    """How much is measured."""

    rounds: int = 6
    """Rounds of timing, each in fresh processes; 0: outputs are compared, nothing is timed."""
    pairs: int = 6
    """Pairs of timed batches in a round."""
    threads: int = 1
    """Of each process."""
    memory_bytes: int = 8 << 30
    """Memory that a judgement may take; what needs more is not run."""
    smaller_bytes: int = 16 << 20
    """Inputs and outputs of a call of a level that is made smaller."""
    smaller_levels: tuple[int, ...] = (1,)
    """Levels whose problems are made smaller."""
    exact_s: float = 60.0
    """Seconds for float64 in one judgement; a problem that would need more is compared with its own dtype."""
    timing_s: float = 20.0
    """Seconds of timing in a round, from the third pair on."""


@dataclass(frozen=True)
class DescribedProblem:
    """What a problem needs."""

    problem: BenchProblem
    sizes: dict[str, int | list[int]]
    smaller: dict[str, int | list[int]]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    call_bytes: int
    """Of inputs and outputs, as they are judged."""
    full_bytes: int
    """Of inputs and outputs, as the problem is written."""
    state_bytes: int
    """Of parameters and buffers."""
    constants: dict[str, Any]

    @property
    def slots(self) -> int:
        """Calls of a batch."""
        return max(1, min(MOST_SLOTS, SLOT_BYTES // max(1, 3 * self.call_bytes)))

    @property
    def memory_bytes(self) -> int:
        """An estimate for the judge: two arenas, copies of inputs and results, float64, and the weights of both."""
        return self.call_bytes * (3 * self.slots + 10) + 6 * self.state_bytes


class Evaluator:
    """Evaluates answers on one fork server. Use as a context manager: leaving it removes what answers have written."""

    def __init__(self, fork_server: ForkServer, settings: KernelBenchSettings) -> None:
        self._settings, self._fork_server = settings, fork_server
        self._scratch = Path(tempfile.mkdtemp(prefix="bankable-kernelbench-"))

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    def describe(self, problems: Sequence[BenchProblem]) -> list[DescribedProblem | BenchResult]:
        """What each problem needs; a result without a verdict for one that cannot be run here."""
        described: list[DescribedProblem | BenchResult] = []
        while len(described) < len(problems):
            left = problems[len(described) :]
            answer = self._fork_server.run(
                "kernelbench_describe",
                {
                    "problems": [{"source": problem.text, "budget": self._budget(problem)} for problem in left],
                    "threads": self._settings.threads,
                    "scratch": str(self._folder("describe")),
                },
                JobLimits(wall_s=3600, cpu_s=3600, memory_bytes=self._settings.memory_bytes),
            )
            described += [self._read(problem, reply) for problem, reply in zip(left, answer.replies, strict=False)]
            if len(answer.replies) < len(left):  # the process ended at one: the others get a new one
                ended = f"{answer.ended.end}: {answer.ended.why}"
                described.append(_not_run(left[len(answer.replies)], "harness_error", ended))
        return described

    def _budget(self, problem: BenchProblem) -> int:
        """Bytes of a call's tensors that a problem is made to fit; 0: as it is."""
        return self._settings.smaller_bytes if problem.level in self._settings.smaller_levels else 0

    def _read(self, problem: BenchProblem, reply: dict[str, Any]) -> DescribedProblem | BenchResult:
        if "error" in reply:
            return _not_run(problem, "unverifiable", f"the problem cannot be run here: {reply['error']}")
        described = DescribedProblem(problem, **reply)
        if described.memory_bytes > self._settings.memory_bytes:
            need, have = described.memory_bytes / 2**30, self._settings.memory_bytes / 2**30
            return _not_run(problem, "unverifiable", f"needs about {need:.1f} GiB of memory, {have:.1f} are allowed")
        return described

    def fits(self, described: DescribedProblem, answer: SubmittedAnswer) -> bool:
        """Whether an answer of ours computes what the problem does; nothing is timed."""
        untimed = replace(self._settings, rounds=0)
        settings, self._settings = self._settings, untimed
        try:
            return self.evaluate(described, answer).verdict == "PASS"
        finally:
            self._settings = settings

    def evaluate(self, described: DescribedProblem, answer: SubmittedAnswer | None) -> BenchResult:
        """Judge an answer, or look at the problem alone."""
        scratch = self._folder("judge")
        accused = read_answer(answer.text, described.problem.text) if answer else []
        for name, path in answer.files if answer else ():
            (scratch / "answer").mkdir(exist_ok=True)
            shutil.copy(path, scratch / "answer" / name)
        timed = bool(answer) and not accused and self._settings.rounds > 0
        first = self._judge(described, answer, scratch, pairs=self._settings.pairs if timed else 0)
        if isinstance(first, str):
            return self._result(described, answer, {}, accused, []).model_copy(
                update={"verdict": "harness_error", "why": first}
            )
        replies = [first]
        if timed and not first["findings"] and not first["problem_error"]:
            for _ in range(self._settings.rounds - 1):
                again = self._judge(described, answer, scratch, pairs=self._settings.pairs, first=first)
                if isinstance(again, str):
                    again = {**first, "findings": [{"rule": "crashes", "detail": again}], "timings": []}
                replies.append(again)
                if again["findings"] or again["problem_error"]:
                    break
        return self._result(described, answer, first, accused, replies)

    def _judge(
        self,
        described: DescribedProblem,
        answer: SubmittedAnswer | None,
        scratch: Path,
        *,
        pairs: int,
        first: dict[str, Any] | None = None,
    ) -> dict[str, Any] | str:
        """The judge's reply, or how its process ended without one. ``first``: the reply of the first round."""
        thorough = first is None
        settings = self._settings
        ran = self._fork_server.run(
            "kernelbench_judge",
            {
                "scratch": str(scratch),
                "problem": described.problem.text,
                "answer": answer.text if answer else None,
                "smaller": described.smaller,
                "constants": described.constants,
                "inputs": described.inputs,
                "outputs": described.outputs,
                "slots": described.slots if pairs else 1,
                "threads": settings.threads,
                "weights_seed": secrets.randbits(31),
                "draws": ANNOUNCED if thorough else (),
                "secret_draws": SECRET if thorough else 1,
                "other_values": OTHER if thorough else 0,
                "exact_s": settings.exact_s if thorough else 0.0,
                "own_error": first["own_error"] if first else None,
                "compiled": bool(answer) and compiles_graphs(answer.text if answer else ""),
                "pairs": pairs,
                "least_pairs": LEAST_PAIRS,
                "timing_s": settings.timing_s,
                "cache_bytes": FLUSHED_BYTES,
            },
            JobLimits(wall_s=3600, cpu_s=3600, memory_bytes=settings.memory_bytes + (2 << 30)),
        )
        return ran.replies[0] if ran.replies else f"the judge's process ended: {ran.ended.end}, {ran.ended.why}"

    def _result(
        self,
        described: DescribedProblem,
        answer: SubmittedAnswer | None,
        first: dict[str, Any],
        accused: Sequence[SourceFinding],
        replies: Sequence[dict[str, Any]],
    ) -> BenchResult:
        found = {finding.rule: BenchFinding(rule=finding.rule, detail=finding.detail) for finding in accused}
        for reply in replies:
            for entry in reply["findings"]:
                found.setdefault(entry["rule"], BenchFinding.model_validate(entry))
        timings = [
            BenchTiming(round=index, **entry) for index, reply in enumerate(replies) for entry in reply["timings"]
        ]
        logs = [] if any(rule != "more_threads" for rule in found) else log_ratios(timings)
        decision = decide(logs, floor=FLOOR) if logs else None
        verdict, why = _verdict(answer, first, list(found.values()))
        if decision is None and verdict == "PASS" and self._settings.rounds:
            why = "right; its calls are too short to be timed across the boundary"
        return BenchResult(
            **_head(described.problem),
            sample=answer.sample if answer else None,
            origin=answer.origin if answer else "",
            answer_digest=answer.digest if answer else "",
            source=answer.text if answer else "",
            sizes=described.sizes,
            smaller=described.smaller,
            call_bytes=described.call_bytes,
            verdict=verdict,
            why=why,
            findings=tuple(found.values()),
            checks=tuple(BenchCheck.model_validate(entry) for reply in replies for entry in reply["checks"]),
            timings=tuple(timings),
            log_ratio=decision.mean if decision else None,
            interval=(math.exp(decision.lower), math.exp(decision.upper)) if decision and decision.n > 1 else None,
            weak=tuple(first.get("weak", ())),
            degenerate=tuple(first.get("degenerate", ())),
            exact=first.get("exact", False),
            own_error=first.get("own_error"),
            traced=first.get("traced", ""),
            build_log=first.get("build_log", ""),
        )

    def _folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._scratch))


def log_ratios(timings: Sequence[BenchTiming]) -> list[float]:
    """One log(reference / answer) a round; none where a call is too short beside the boundary."""
    logs = []
    for index in sorted({timing.round for timing in timings}):
        own = [timing for timing in timings if timing.round == index]
        empty = median(timing.empty_s for timing in own)
        reference = median(timing.reference_s for timing in own) - empty
        answer = median(timing.answer_s for timing in own) - empty
        if min(reference, answer) < SHORT * empty:
            return []
        logs.append(math.log(reference / answer))
    return logs


def _verdict(
    answer: SubmittedAnswer | None, first: dict[str, Any], findings: Sequence[BenchFinding]
) -> tuple[BenchVerdict, str]:
    """The verdict, and why it is no ``PASS``."""
    verdict: BenchVerdict
    rules = {finding.rule for finding in findings}
    degenerate = first.get("degenerate") or []
    if first.get("problem_error"):
        verdict, why = "unverifiable", f"the problem cannot be run here: {first['problem_error']}"
    elif answer is None:
        verdict, why = "unverifiable", "no answer"
    elif rules and rules <= {"does_not_load", "raises"} and needs_gpu(answer.text):
        verdict, why = "unverifiable", f"written for a GPU: {findings[0].detail}"[:300]
    elif first.get("random") and rules == {"wrong_values"}:
        verdict, why = "unverifiable", "the problem draws random numbers in a call"
    elif rules == {"more_threads"}:
        verdict, why = "FLAG", findings[0].detail
    elif rules:
        verdict, why = "FAIL", "; ".join(f"{finding.rule}: {finding.detail}" for finding in findings)[:600]
    elif degenerate:
        verdict, why = "unverifiable", f"nothing can be shown with this problem: {', '.join(degenerate)} would be right"
    else:
        verdict, why = "PASS", ""
    return verdict, why


def without_verdict(result: BenchResult, answer: SubmittedAnswer) -> BenchResult:
    """The result of an answer to a problem that could not be run."""
    return result.model_copy(
        update={
            "sample": answer.sample,
            "origin": answer.origin,
            "answer_digest": answer.digest,
            "source": answer.text,
        }
    )


def _not_run(problem: BenchProblem, verdict: BenchVerdict, why: str) -> BenchResult:
    return BenchResult(**_head(problem), verdict=verdict, why=why)


def _head(problem: BenchProblem) -> dict[str, Any]:
    return {
        "level": problem.level,
        "problem": problem.number,
        "name": problem.name,
        "problem_digest": problem.digest,
        "problem_source": problem.text,
    }
