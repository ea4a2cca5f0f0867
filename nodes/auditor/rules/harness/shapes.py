"""The benchmark covers the served shapes, and held-out shapes that no author has seen (H06).

Served shapes with rows of both legs must cover at least 90 % of the served calls, and every phase with more than 5 % of
them. Held-out shapes must exist and have rows. A winner that keeps less than a quarter of its gain at a held-out shape
may special-case the served ones: FLAG. Correctness at held-out shapes is checked by ``harness_tolerance``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.isolated import median_times
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.rules.harness.citing import report_rows
from bankable.nodes.auditor.verdict import Action

COVER = 0.90
"""Share of served calls that the benchmark has to cover."""
PHASE = 0.05
"""Share of served calls above which a phase has to be covered."""
HELD_OUT_GAIN = 0.25
"""Smallest share of the gain (of its logarithm) at a held-out shape."""
NOTICEABLE = math.log(1.1)
"""Logarithm of the speed-up below which held-out shapes are not compared."""
ADVICE = "benchmark the task's shapes with the most served calls, in every phase, and all held-out shapes"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.task is None:
        return
    unknown = [row for row in benchmark.rows if row.run.shape not in benchmark.shapes]
    yield from report_rows(
        benchmark,
        unknown,
        "shapes of the task",
        "a shape that the task does not have",
        ADVICE,
        modes=("H06",),
        code="unknown_shape",
    )
    live = {shape for _, shape in median_times(benchmark.reference)}
    measured = live & {
        shape for _, shape in median_times(benchmark.winning if benchmark.winner else benchmark.candidates)
    }
    yield from _check_served(benchmark, measured)
    yield from _check_held_out(case, benchmark, measured)


def _check_served(benchmark: OperatorBenchmarkView, measured: set[str]) -> Iterator[Outcome]:
    where = at(benchmark.path("task.json")), at(benchmark.runs_file)
    calls = benchmark.served
    total = sum(calls.values())
    if total == 0:
        yield Unverifiable("served shapes with their calls", where[:1])
        return
    covered = sum(count for key, count in calls.items() if key in measured)
    phases: Counter[str] = Counter()
    for key, count in calls.items():
        phases[benchmark.shapes[key].phase] += count
    present = {benchmark.shapes[key].phase for key in measured & calls.keys()}
    left_out = sorted(phase for phase, count in phases.items() if count > PHASE * total and phase not in present)
    observed = f"{covered / total:.1%} of {total} served calls"
    if covered < COVER * total or left_out:
        yield fail(
            f"shapes of {COVER:.0%} of the served calls, and of every phase",
            observed + (f"; none of phase {', '.join(left_out)}" if left_out else ""),
            ADVICE,
            *where,
            action=Action.REDO,
            modes=("H06",),
            code="unserved_shapes",
        )
    else:
        yield info(f"shapes of {COVER:.0%} of the served calls", observed, *where, modes=("H06",))


def _check_held_out(case: Case, benchmark: OperatorBenchmarkView, measured: set[str]) -> Iterator[Outcome]:
    held = sorted(key for key, shape in benchmark.shapes.items() if shape.held_out)
    missing = [key for key in held if key not in measured]
    if not held or missing:
        what = f"rows of held-out shapes {', '.join(missing[:5])}" if held else "held-out shapes in the task"
        yield Unverifiable(what, (at(benchmark.runs_file), at(benchmark.path("task.json"))))
    result = case.isolated
    if result is None or result.decision is None or result.decision.mean < NOTICEABLE:
        return
    for key in held:
        ratio = result.shapes.get(key)
        if ratio is not None and math.log(ratio) < HELD_OUT_GAIN * result.decision.mean:
            yield flag(
                f"a gain like {result.speedup:.3g}× at held-out {key}",
                f"{ratio:.3g}×",
                "explain why only the served shapes are faster, or drop the special case",
                at(benchmark.runs_file),
                action=Action.REDO,
                modes=("H06",),
                code="shapes_special_cased",
            )


rule = Rule("harness_shapes", HARNESS, ("H06",), ("task", "bench"), check)
