"""Benched where the server works, and at shapes that no author has seen (H06).

Served shapes with rows of both legs hold at least 90 % of the served calls, and one of each phase with more than 5 %
of them. Held-out shapes exist and were benched. Where a winner keeps less than a quarter of its gain at a held-out
shape it may special-case the served ones: FLAG. Whether it is right there is decided elsewhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.measured import times
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.rules.harness.citing import faulty
from bankable.nodes.auditor.verdict import Action

COVER = 0.90
"""Share of served calls that an operator benchmark has to stand for."""
PHASE = 0.05
KEPT = 0.25
"""Share of the gain (in logarithms) that carries over to shapes near the served ones."""
NOTICEABLE = math.log(1.1)
ADVICE = "bench the shapes of the task with the most served calls, in every phase, and all held-out ones"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.task is None:
        return
    unknown = [row for row in benchmark.rows if row.run.shape not in benchmark.shapes]
    yield from faulty(
        benchmark,
        unknown,
        "shapes of the task",
        "a shape that the task does not have",
        ADVICE,
        modes=("H06",),
        code="unknown_shape",
    )
    live = {shape for _, shape in times(benchmark.reference)}
    benched = live & {shape for _, shape in times(benchmark.winning if benchmark.winner else benchmark.candidates)}
    yield from _served(benchmark, benched)
    yield from _held_out(case, benchmark, benched)


def _served(benchmark: OperatorBenchmarkView, benched: set[str]) -> Iterator[Outcome]:
    where = at(benchmark.path("task.json")), at(benchmark.runs_file)
    calls = benchmark.served
    total = sum(calls.values())
    if total == 0:
        yield Unverifiable("served shapes with their calls", where[:1])
        return
    covered = sum(count for key, count in calls.items() if key in benched)
    phases: Counter[str] = Counter()
    for key, count in calls.items():
        phases[benchmark.shapes[key].phase] += count
    present = {benchmark.shapes[key].phase for key in benched & calls.keys()}
    left_out = sorted(phase for phase, count in phases.items() if count > PHASE * total and phase not in present)
    said = f"{covered / total:.1%} of {total} served calls"
    if covered < COVER * total or left_out:
        yield fail(
            f"shapes of {COVER:.0%} of the served calls, and of every phase",
            said + (f"; nothing of phase {', '.join(left_out)}" if left_out else ""),
            ADVICE,
            *where,
            action=Action.REDO,
            modes=("H06",),
            code="unserved_shapes",
        )
    else:
        yield info(f"shapes of {COVER:.0%} of the served calls", said, *where, modes=("H06",))


def _held_out(case: Case, benchmark: OperatorBenchmarkView, benched: set[str]) -> Iterator[Outcome]:
    held = sorted(key for key, shape in benchmark.shapes.items() if shape.held_out)
    missing = [key for key in held if key not in benched]
    if not held or missing:
        what = f"rows of held-out shapes {', '.join(missing[:5])}" if held else "held-out shapes in the task"
        yield Unverifiable(what, (at(benchmark.runs_file), at(benchmark.path("task.json"))))
    result = case.isolated
    if result is None or result.decision is None or result.decision.mean < NOTICEABLE:
        return
    for key in held:
        ratio = result.shapes.get(key)
        if ratio is not None and math.log(ratio) < KEPT * result.decision.mean:
            yield flag(
                f"a gain like {result.speedup:.3g}× at held-out {key}",
                f"{ratio:.3g}×",
                "say why only the served shapes are faster, or drop what special-cases them",
                at(benchmark.runs_file),
                action=Action.REDO,
                modes=("H06",),
                code="shapes_special_cased",
            )


rule = Rule("harness_shapes", HARNESS, ("H06",), ("task", "bench"), check)
