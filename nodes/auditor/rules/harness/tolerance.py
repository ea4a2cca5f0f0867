"""The winner's outputs are right element by element, at every measured shape, within a justified tolerance (Q06).

    error = max |got − want| / max(|want|, rms(want))

A cosine similarity of 1.000000 can hide wrong elements; this error cannot. The task's tolerance is bounded by the
dtype: above four of its steps, or with more than one element in a thousand exempt, it would accept reduced precision.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, Unverifiable, at, fail, info
from bankable.nodes.auditor.rules.harness.citing import report_rows
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.harness import Task

STEPS = 4
"""Largest tolerance, in steps of the dtype."""
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
"""Distance from 1 to the next larger number of a dtype."""
FINE_STEPS = 256
"""The same for float32 and finer: their sums have as many terms, and no coarser dtype fits within it."""
EXEMPT = 0.001
"""Largest share of elements that the tolerance may exempt."""


def check(case: Case) -> Iterator[Outcome]:
    benchmark, task = case.benchmark, case.benchmark.task
    if task is None:
        return
    yield from _check_tolerance(benchmark, task)
    allowed = task.tolerance
    pairs = [
        (row, row.run.correctness) for row in benchmark.winning if row.measured and row.run.correctness is not None
    ]
    not_compared = [row for row, result in pairs if result.elements == 0]
    yield from report_rows(
        benchmark,
        not_compared,
        "outputs compared element by element",
        "no element was compared",
        "compare whole outputs",
        modes=("Q06", "R04"),
        code="nothing_compared",
    )
    wrong = [
        row
        for row, result in pairs
        if result.relative_error is None
        or result.mismatch_share > allowed.mismatch_share
        or (result.relative_error > allowed.relative_error and result.mismatch_share == 0)
    ]
    if wrong and (first := wrong[0].run.correctness) is not None:
        error = "not finite" if first.relative_error is None else f"{first.relative_error:.3g}"
        yield from report_rows(
            benchmark,
            wrong,
            f"an error up to {allowed.relative_error:.3g} in all but {allowed.mismatch_share:.3%} of the elements",
            f"an error of {error}, {first.mismatch_share:.3%} of the elements beyond it",
            "fix or drop the implementation: its outputs are wrong",
            modes=("Q06",),
            code="wrong_elements",
            action=Action.EJECT,
        )
    elif pairs:
        worst = max(result.relative_error or 0.0 for _, result in pairs)
        yield info(f"an error up to {allowed.relative_error:.3g}", f"{worst:.3g} at most", at(benchmark.runs_file))


def _check_tolerance(benchmark: OperatorBenchmarkView, task: Task) -> Iterator[Outcome]:
    where, allowed = at(benchmark.path("task.json")), task.tolerance
    name = task.dtype.removeprefix("torch.").lower()
    step = STEP.get(name)
    if step is None:
        if allowed.relative_error > 0:
            yield Unverifiable(
                f"the precision of dtype {task.dtype}, which bounds the tolerance", (where,), Severity.FLAG
            )
        return
    most = step * (STEPS if step > 2.0**-20 else FINE_STEPS)
    if allowed.relative_error > most or allowed.mismatch_share > EXEMPT or not allowed.reason.strip():
        yield fail(
            f"for {name} at most {most:.3g} in all but {EXEMPT:.1%} of the elements, with a reason",
            f"{allowed.relative_error:.3g} in all but {allowed.mismatch_share:.3%}, reason {allowed.reason!r}"[:300],
            "derive the tolerance from the dtype and the number of terms in a sum, and state the derivation",
            where,
            action=Action.REDO,
            modes=("Q06",),
            code="loose_tolerance",
        )


rule = Rule("harness_tolerance", HARNESS, ("Q06", "R04"), ("task", "bench"), check, gate=True)
