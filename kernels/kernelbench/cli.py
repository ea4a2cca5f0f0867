"""``python -m kernels kernelbench``: problems and answers on a CPU, and an audit of ``eval_results.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bankable.kernels.build.compiler import Compiler
from bankable.kernels.kernelbench.audit import audit_entries
from bankable.kernels.kernelbench.evaluate import DescribedProblem, Evaluator, KernelBenchSettings, without_verdict
from bankable.kernels.kernelbench.own import own_answers
from bankable.kernels.kernelbench.problems import BenchProblem, SubmittedAnswer, find_answers, find_problems
from bankable.kernels.kernelbench.result import LOG, BenchResult
from bankable.kernels.kernelbench.table import audit_lines, build_audit_table, build_results_table, headlines
from bankable.kernels.kernelbench.their_files import (
    level_of,
    read_baseline,
    read_eval_results,
    write_their_files,
)
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.tools.errors import UserError
from bankable.tools.evidence.store import AppendLog
from bankable.tools.serving.engine import engine_python

console = Console(soft_wrap=True, highlight=False)
REFUSED = 21
"""Exit code of an audit that refuses something, as of ``audit`` where a claim is disproved."""
MIB, GIB = 1 << 20, 1 << 30


def kernelbench(
    problems: Annotated[Path, typer.Argument(help="a problem's file, or a folder with level1, level2, …")],
    answers: Annotated[Path | None, typer.Option(help="folder of answers (ModelNew)")] = None,
    out: Annotated[Path | None, typer.Option(help="new folder for results; needed unless --audit is given")] = None,
    level: Annotated[
        int | None, typer.Option(help="only this level; needed for files outside of a levelN folder")
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="also answer with our kernels the problems that they fit")] = False,
    rounds: Annotated[int, typer.Option(min=0, help="rounds of timing in fresh processes; 0: nothing is timed")] = 6,
    pairs: Annotated[int, typer.Option(min=3, help="pairs of timed batches in a round")] = 6,
    threads: Annotated[int, typer.Option(min=1, help="of each process")] = 1,
    memory: Annotated[float, typer.Option(help="GiB that a judgement may take; what needs more is not run")] = 8.0,
    smaller: Annotated[float, typer.Option(help="MiB of a call's tensors at level 1; 0: full size")] = 16.0,
    audit: Annotated[Path | None, typer.Option(help="somebody's eval_results.json, to be audited")] = None,
    baseline: Annotated[Path | None, typer.Option(help="with --audit: the baseline_time_torch.json it is over")] = None,
    engine_python_: Annotated[Path | None, typer.Option("--engine-python", help="interpreter with torch")] = None,
) -> None:
    """Evaluate answers to KernelBench problems on the CPU, or audit somebody's eval_results.json."""
    settings = KernelBenchSettings(
        rounds=rounds,
        pairs=pairs,
        threads=threads,
        memory_bytes=int(memory * GIB),
        smaller_bytes=int(smaller * MIB),
        smaller_levels=(1,) if smaller else (),
    )
    if audit is not None and level is None:
        level = level_of(audit.resolve())
    found = find_problems(problems, level)
    if audit is None and out is None:
        raise UserError("Cannot write results: no folder is given", "--out", "give a new folder")
    if out is not None and out.exists():
        raise UserError("Cannot write results: the folder exists", str(out), "give a new --out")
    submitted = find_answers(answers, found) if answers else {}
    if audit is not None:
        levels = {problem.level for problem in found}
        if len(levels) != 1:
            raise UserError("Cannot tell which level the results are of", str(audit), "give --level")
    results, moved = _evaluate(found, submitted, engine_python(engine_python_), settings, out, own)
    console.print(build_results_table(results))
    if out is not None:
        paths = write_their_files(results, out)
        for line in headlines(results, f"torch's eager modules, {threads} thread{'s' * (threads > 1)}"):
            console.print(line)
        console.print(f"rows in {out / LOG}; {', '.join(str(path) for path in paths)}")
    if audit is not None:
        entries = read_eval_results(audit)
        times = read_baseline(baseline, found[0].level) if baseline else None
        audits = audit_entries(entries, times, results, moved)
        console.print(build_audit_table(audits))
        for line in audit_lines(audits):
            console.print(line)
        if any(entry.verdict == "refused" and entry.claimed_correct for entry in audits):
            raise typer.Exit(REFUSED)


def _evaluate(
    problems: list[BenchProblem],
    answers: dict[tuple[int, int], list[SubmittedAnswer]],
    python: Path,
    settings: KernelBenchSettings,
    out: Path | None,
    own: bool,
) -> tuple[list[BenchResult], dict[int, int]]:
    """Results, and the bytes of a call at full size by number of the problem."""
    log = AppendLog(out / LOG) if out is not None else None
    results: list[BenchResult] = []
    moved: dict[int, int] = {}
    with ForkServer(python, settings.threads) as fork_server, Evaluator(fork_server, settings) as evaluator:
        console.print(
            f"network of answers {fork_server.network}, files {fork_server.landlock}, torch {fork_server.torch}"
        )
        for problem, described in zip(problems, evaluator.describe(problems), strict=True):
            submitted = list(answers.get(problem.key, ()))
            if isinstance(described, DescribedProblem):
                moved[problem.number] = described.full_bytes
                if own:
                    ours = own_answers(described, Compiler())
                    submitted += [answer for answer in ours if evaluator.fits(described, answer)]
                judged: list[SubmittedAnswer | None] = [*submitted] or [None]
                fresh = [evaluator.evaluate(described, answer) for answer in judged]
            else:
                fresh = [without_verdict(described, answer) for answer in submitted] or [described]
            for result in fresh:
                console.print(f"{result.title} {result.origin}: {result.verdict} {result.why}"[:200])
                if log is not None:
                    log.append(result.model_dump(mode="json"))
            results += fresh
    return results, moved
