"""One answer's evaluation: verdict, rules, checks and times, as a row of ``kernelbench.jsonl``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from bankable.tools.evidence.records import Record

BenchVerdict = Literal["PASS", "FLAG", "FAIL", "unverifiable", "harness_error"]
LOG = "kernelbench.jsonl"


class BenchFinding(Record):
    """A rule that an answer broke."""

    rule: str
    """Such as ``stale_result``; all are explained in ``RULES``."""
    detail: str
    """What was seen, with figures."""


class BenchCheck(Record):
    """One call whose outputs were compared."""

    name: str
    """How its inputs were drawn."""
    error: float | None
    """Largest relative error; ``None`` where a value is not finite but should be."""
    allowed: float
    """Largest relative error that is right."""
    right: bool
    """Whether it is right by ours."""
    theirs: bool
    """Whether KernelBench's own tolerance accepts it."""
    largest: float | None
    """Largest absolute difference from the reference; ``None`` where it is not finite."""
    mean: float | None
    """Mean absolute difference from the reference; ``None`` where it is not finite."""


class BenchTiming(Record):
    """One pair of timed batches, on the judge's clock. Seconds a call, the boundary's share included."""

    round: int
    """Round, from 0: each has fresh processes."""
    calls: int
    """Calls in each batch."""
    reference_s: float
    """The reference's."""
    answer_s: float
    """The answer's."""
    empty_s: float
    """The same without the calls: sending the command, and copying outputs to shared memory."""
    answer_cpu_s: float
    """Processor time of the answer's process."""


class BenchResult(Record):
    """One answer to one problem, or a problem without an answer."""

    level: int
    """KernelBench's level, 1 to 4."""
    problem: int
    """Number of the problem in its level."""
    name: str
    """File name of the problem."""
    problem_digest: str
    """sha256 of its source."""
    problem_source: str = ""
    """Its source; an export needs it to say what was asked for."""
    sample: int | None = None
    """Number of the answer's sample; ``None``: only the problem was looked at."""
    origin: str = ""
    """File name of the answer, or the operator family whose kernel it is."""
    answer_digest: str = ""
    """sha256 of the answer's source."""
    source: str = ""
    """The answer's source."""
    sizes: dict[str, int | list[int]] = Field(default_factory=dict)
    """Sizes of the problem as it is written."""
    smaller: dict[str, int | list[int]] = Field(default_factory=dict)
    """Those that were made smaller, with the value that was used."""
    call_bytes: int | None = None
    """Bytes of inputs and outputs of a call; ``None`` where the problem could not be read."""
    verdict: BenchVerdict
    """``PASS`` counts for ``fast_p``; nothing else does."""
    why: str = ""
    """Reason of a verdict that is no ``PASS``."""
    findings: tuple[BenchFinding, ...] = ()
    """Rules that were broken."""
    checks: tuple[BenchCheck, ...] = ()
    """Calls that were compared."""
    timings: tuple[BenchTiming, ...] = ()
    """Pairs of batches; none for an answer that was caught before."""
    log_ratio: float | None = None
    """Mean over rounds of log(reference / answer), without the boundary; ``None`` where it was not measured."""
    interval: tuple[float, float] | None = None
    """One-sided 95 % bounds of the speed-up; ``None`` for fewer than two rounds."""
    weak: tuple[str, ...] = ()
    """Worthless outputs that KernelBench's tolerance accepts on this problem."""
    degenerate: tuple[str, ...] = ()
    """Worthless outputs that are right on it, whatever the inputs."""
    exact: bool = False
    """Whether outputs were compared with float64, not only with the reference in its own dtype."""
    own_error: float | None = None
    """The reference's own relative error against float64; ``None`` where that was not computed."""
    traced: str = ""
    """``compared`` where the operators of both were; otherwise why those of the answer could not be listed."""
    build_log: str = ""
    """End of the traceback of an answer that did not load."""

    @property
    def speedup(self) -> float | None:
        """Time of the reference over the answer's."""
        return None if self.log_ratio is None else math.exp(self.log_ratio)

    @property
    def title(self) -> str:
        """``level1/23_Softmax``."""
        return f"level{self.level}/{self.name.removesuffix('.py')}"

    @property
    def within_their_tolerance(self) -> bool:
        """Whether KernelBench's own rule would call it correct: all calls on the problem's own inputs."""
        plain = [check for check in self.checks if not check.name.startswith("other")]
        return bool(plain) and all(check.theirs for check in plain)

    @property
    def their_speedup(self) -> float | None:
        """Mean time of the reference over the answer's, as KernelBench has it; ``None`` where nothing was timed."""
        if not self.timings:
            return None
        return net(self.timings, "reference_s", sum) / net(self.timings, "answer_s", sum)


def net(timings: Sequence[BenchTiming], who: str, of: Any) -> float:
    """A statistic of times without the boundary: seconds, never below a nanosecond."""
    values = [max(1e-9, getattr(timing, who) - timing.empty_s) for timing in timings]
    return float(of(values))


RULES = {
    "does_not_load": "its source raises, or defines no ModelNew",
    "raises": "a call raises",
    "crashes": "its process ends",
    "times_out": "a call takes 40 times what the reference takes, and half a minute more",
    "wrong_shape": "outputs of another number, shape, dtype or kind",
    "wrong_values": "outputs differ from what the problem computes",
    "loose_precision": "outputs that only KernelBench's tolerance accepts",
    "wrong_on_other_values": "wrong on inputs of both signs, right on what the problem draws",
    "constant_output": "one value everywhere, whatever the inputs",
    "stale_result": "the result of an earlier call",
    "returns_shared_output": "returns the memory that outputs are compared in",
    "writes_inputs": "changes its inputs",
    "patches_clock": "replaces a clock or a synchronisation",
    "changes_torch": "changes torch's settings or replaces its functions",
    "reads_evaluator": "looks for objects of the evaluator",
    "falls_back": "computes by the reference's own module or operators",
    "forges_replies": "answers in the evaluator's place",
    "leaves_processes": "leaves processes behind",
    "more_threads": "uses more threads than the reference may",
}
"""Rules that an answer can break. All fail it, but ``more_threads``, which flags it."""
