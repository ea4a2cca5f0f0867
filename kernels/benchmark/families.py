"""All families side by side in one run: each against the live implementation, torch's own and a compiled graph.

Ratios are over served shapes, weighted by their calls, of interleaved rounds in fresh processes: one benchmark for each
family, whose records are kept. The roof is the one that is measured in the same operator benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bankable.kernels.benchmark.benchmark import FLOOR, BenchmarkSettings, OperatorBenchmark, run_benchmark
from bankable.kernels.benchmark.candidate import LIVE, torch_candidate
from bankable.kernels.benchmark.result import score_candidates
from bankable.kernels.benchmark.table import roof_ns
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.search.evaluation import find_fastest
from bankable.kernels.search.search import Search
from bankable.kernels.task.folder import open_task, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.kernels.task.sources import compile_candidate
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import AppendLog


class FamilyResult(Record):
    """One implementation at one shape, or over all served ones."""

    family: str
    """Operator family."""
    shape: str
    """``served``: over all served shapes, weighted by their calls."""
    implementation: str
    """Id in the rows of the benchmark."""
    backend: str
    """What it is made with: the backend of ``live``, ``torch``, ``torch_compile``, ``cpp``; empty if not measured."""
    us: float | None
    """Median of a call, microseconds; over all shapes there is none."""
    against_live: float
    """Time of the live implementation over this one's."""
    interval: tuple[float, float] | None
    """One-sided 95 % bounds of it, over the rounds; only over all shapes."""
    against_compile: float | None
    """Time of the compiled graph over this one's; ``None`` where that could not be measured."""
    of_the_roof: float | None
    """Least time of the operator's bytes and operations over the time taken."""
    why: str = ""
    """Why an implementation is not measured."""


@dataclass(frozen=True)
class FamiliesJob:
    """What is measured."""

    families: Sequence[str]
    dtype: str
    """Empty: of each family the usual one."""
    rounds: int
    """Fresh processes of each implementation."""
    samples: int
    """Timed calls of each process."""
    threads: int
    """Of each process."""
    budget: int
    """Number of kernels that are searched before each operator benchmark; 0: the default template only."""


def measure_families(out: Path, wanted: FamiliesJob, python: Path, say: Callable[[str], None]) -> list[FamilyResult]:
    """Every family in turn; lines go to ``families.jsonl``. Raises ``UserError`` on a folder that is there."""
    if out.exists():
        raise UserError("Cannot write results: the folder exists", str(out), "give a new --out")
    log, results = AppendLog(out / "families.jsonl"), list[FamilyResult]()
    for name in wanted.families:
        say(f"{name}: measuring")
        lines = list(_summarize(name, _benchmark_family(out, name, wanted, python, say)))
        for line in lines:
            log.append(line.model_dump(mode="json"))
        results += lines
    return results


def _benchmark_family(
    out: Path, name: str, wanted: FamiliesJob, python: Path, say: Callable[[str], None]
) -> OperatorBenchmark:
    family, shapes, compiler = FAMILIES[name], SHAPES[name], Compiler()
    wanted_shapes = parse_shapes(family, shapes.served, shapes.held_out)
    with ForkServer(python, wanted.threads) as fork_server:
        task = write_task(out, family, wanted.dtype, wanted_shapes, fork_server, wanted.threads)
    choices = [family.defaults()]
    if wanted.budget:
        search = Search(task, compiler, python, wanted.threads)
        search.run(wanted.budget, say)
        if (best := find_fastest(search.done.values())) is not None and best.choices != choices[0]:
            choices.append(best.choices)
    kernels = [compile_candidate(task, render(family, task.task.dtype, chosen), compiler) for chosen in choices]
    candidates = [torch_candidate(family, "torch"), torch_candidate(family, "torch_compile"), *kernels]
    return run_benchmark(
        task,
        candidates,
        python,
        BenchmarkSettings(rounds=wanted.rounds, samples=wanted.samples, threads=wanted.threads, every_round=True),
        say,
    )


def _summarize(name: str, result: OperatorBenchmark) -> Iterator[FamilyResult]:
    task = open_task(result.folder.parents[2], name).task
    times: dict[tuple[str, str], list[float]] = {}
    rows = {(row.shape, row.implementation): row for row in result.rows}
    for row in result.rows:
        samples = [value for value in row.samples_ns if value is not None]
        if row.raised is None and samples:
            times.setdefault((row.shape, row.implementation), []).append(median(samples))
    compiled = "torch-compile"
    for shape, who in sorted(times):
        taken, live = median(times[shape, who]), times.get((shape, LIVE))
        other = times.get((shape, compiled))
        yield FamilyResult(
            family=name,
            shape=shape,
            implementation=who,
            backend=rows[shape, who].backend,
            us=taken / 1e3,
            against_live=median(live) / taken if live else math.nan,
            interval=None,
            against_compile=median(other) / taken if other else None,
            of_the_roof=roof_ns(rows[shape, who], result.peaks) / taken,
        )
    ranked = score_candidates(task, result.rows, FLOOR)
    against = next((score.speedup for score in ranked if score.implementation == compiled), None)
    for score in ranked:
        yield FamilyResult(
            family=name,
            shape="served",
            implementation=score.implementation,
            backend=score.backend,
            us=None,
            against_live=score.speedup,
            interval=score.interval,
            against_compile=score.speedup / against if against else None,
            of_the_roof=None,
        )
    for entry in result.qualified:
        if not entry.ok:
            yield FamilyResult(
                family=name,
                shape="served",
                implementation=entry.implementation,
                backend="",
                us=None,
                against_live=0.0,
                interval=None,
                against_compile=None,
                of_the_roof=None,
                why=entry.why[:120],
            )
