"""The winner's outputs are right element by element, at every benched shape, within a tolerance with a reason (Q06).

    error = max |got − want| / max(|want|, rms(want))

A cosine of 1.000000 hides wrong elements; this error does not. The task's tolerance is bounded by the dtype: beyond
four of its steps, or with more than one element in a thousand exempt, it would let a precision cut through.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, Unverifiable, at, fail, info
from bankable.nodes.auditor.rules.harness.citing import faulty
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.harness import Task

STEPS = 4
STEP = {
    "float64": 2.0**-52,
    "fp64": 2.0**-52,
    "float32": 2.0**-23,
    "fp32": 2.0**-23,
    "float16": 2.0**-10,
    "fp16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "bf16": 2.0**-7,
    "float8_e4m3fn": 2.0**-3,
    "float8_e5m2": 2.0**-2,
}
"""Spacing of a dtype's numbers just above 1."""
FINE_STEPS = 256
"""Of float32 and finer: their sums are as long, and nothing coarser hides in so little."""
EXEMPT = 0.001


def check(case: Case) -> Iterator[Outcome]:
    benchmark, task = case.benchmark, case.benchmark.task
    if task is None:
        return
    yield from _tolerance(benchmark, task)
    allowed = task.tolerance
    pairs = [
        (row, row.run.correctness) for row in benchmark.winning if row.measured and row.run.correctness is not None
    ]
    nothing = [row for row, said in pairs if said.elements == 0]
    yield from faulty(
        benchmark,
        nothing,
        "outputs that were compared",
        "no element was",
        "compare whole outputs",
        modes=("Q06", "R04"),
        code="nothing_compared",
    )
    wrong = [
        row
        for row, said in pairs
        if said.relative_error is None
        or said.mismatch_share > allowed.mismatch_share
        or (said.relative_error > allowed.relative_error and said.mismatch_share == 0)
    ]
    if wrong and (said := wrong[0].run.correctness) is not None:
        error = "not finite" if said.relative_error is None else f"{said.relative_error:.3g}"
        yield from faulty(
            benchmark,
            wrong,
            f"an error up to {allowed.relative_error:.3g} in all but {allowed.mismatch_share:.3%} of the elements",
            f"{error}, {said.mismatch_share:.3%} beyond",
            "a faster wrong answer is none: fix or drop it",
            modes=("Q06",),
            code="wrong_elements",
            action=Action.EJECT,
        )
    elif pairs:
        worst = max(said.relative_error or 0.0 for _, said in pairs)
        yield info(f"an error up to {allowed.relative_error:.3g}", f"{worst:.3g} at worst", at(benchmark.runs_file))


def _tolerance(benchmark: OperatorBenchmarkView, task: Task) -> Iterator[Outcome]:
    where, allowed = at(benchmark.path("task.json")), task.tolerance
    name = task.dtype.removeprefix("torch.").lower()
    step = STEP.get(name)
    if step is None:
        if allowed.relative_error > 0:
            yield Unverifiable(f"the step of dtype {task.dtype}, to judge the tolerance", (where,), Severity.FLAG)
        return
    most = step * (STEPS if step > 2.0**-20 else FINE_STEPS)
    if allowed.relative_error > most or allowed.mismatch_share > EXEMPT or not allowed.reason.strip():
        yield fail(
            f"for {name} at most {most:.3g} in all but {EXEMPT:.1%} of the elements, with a reason",
            f"{allowed.relative_error:.3g} in all but {allowed.mismatch_share:.3%}, reason {allowed.reason!r}"[:300],
            "derive the tolerance from dtype and length of the sum, and say how",
            where,
            action=Action.REDO,
            modes=("Q06",),
            code="loose_tolerance",
        )


rule = Rule("harness_tolerance", HARNESS, ("Q06", "R04"), ("task", "bench"), check, gate=True)
