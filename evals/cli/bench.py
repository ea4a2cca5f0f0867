"""``python -m evals bench``: benchmarks of the optimizer, and of the auditor's speed."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bankable.evals.bench.audit import measure as audit_speed
from bankable.evals.bench.audit import per_round
from bankable.evals.bench.audit_evidence import SUBJECT, Size
from bankable.evals.bench.duel import duel_report
from bankable.evals.bench.effects import effects
from bankable.evals.bench.few import few_report
from bankable.evals.bench.goodput import goodput_table
from bankable.evals.bench.grid import GRID, WORKLOAD
from bankable.evals.bench.invariants import cost_table
from bankable.evals.bench.invariants import measure as table_cost
from bankable.evals.bench.ladder_model import model_landscape
from bankable.evals.bench.ladder_record import LadderLandscapePlan, record_ladders
from bankable.evals.bench.ladder_records import read_ladder_landscape
from bankable.evals.bench.ladder_search import bench_ladder, ladder_table
from bankable.evals.bench.landscape import LandscapePlan, record
from bankable.evals.bench.nightly import gate_table, recorded_table
from bankable.evals.bench.null import run_null
from bankable.evals.bench.overhead import measure as overhead
from bankable.evals.bench.rates import rates_table
from bankable.evals.bench.records import read_landscape
from bankable.evals.bench.repeat import repeat as repeat_verdicts
from bankable.evals.bench.rival import default_cache, find_rival
from bankable.evals.bench.run import measure as run_speed
from bankable.evals.bench.search import WITHIN, bench, table
from bankable.evals.bench.start import measure as start_times
from bankable.evals.fixtures.build.run import standard_run
from bankable.evals.runner.run import select_fixtures
from bankable.tools.evidence.records import EngineIdentity
from bankable.tools.serving.driver import StopRequested
from bankable.tools.serving.engine import find_engine
from bankable.tools.serving.live import LiveDriver

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "tools" / "model" / "shipped"
"""The model that is shipped with the project."""
RECORDED = ROOT / "evals" / "recorded"

bench_app = typer.Typer(no_args_is_help=True, help="How good is the optimizer, and how fast is the auditor?")


@bench_app.command()
def landscape(
    *,
    out: Annotated[Path, typer.Option(help="JSON-lines file; recording goes on where it stopped.")],
    model: Annotated[Path, typer.Option(help="Model folder.")] = SHIPPED,
    engine_python: Annotated[Path | None, typer.Option(help="Interpreter that has sglang.")] = None,
    launches: Annotated[int, typer.Option(min=1, help="Of each configuration.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, help="Timed rounds of each launch.")] = 3,
    together: Annotated[int, typer.Option(min=2, help="Servers that are up at the same time.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the batches and of the prompts.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after that many batches.")] = None,
) -> None:
    """Record a landscape: 48 configurations on a real server, in batches of co-resident servers."""
    plan = LandscapePlan(
        out, out.with_suffix(".logs"), str(model), GRID, WORKLOAD, launches, rounds, together, seed, limit
    )
    _record_live(engine_python, model, out, lambda driver, engine: record(driver, engine, plan, typer.echo))


def _record_live(
    engine_python: Path | None, model: Path, out: Path, record_batches: Callable[[LiveDriver, EngineIdentity], int]
) -> None:
    """Record on a real server until all is there, or a signal stops it between two batches."""
    engine = find_engine(engine_python)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with LiveDriver(engine, model, stop=stop) as driver:
        try:
            recorded = record_batches(driver, engine.identity())
        except StopRequested:
            typer.echo("stopped; the same command goes on from here")
            raise typer.Exit(130) from None
    typer.echo(f"recorded {recorded} batches; {out}")


@bench_app.command()
def search(
    *,
    recorded: Annotated[Path, typer.Argument(help="A recorded landscape.")] = RECORDED / "landscape.jsonl.xz",
    seeds: Annotated[int, typer.Option(min=1, help="Searches of each policy.")] = 200,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    within: Annotated[float, typer.Option(min=0.0, max=0.5, help="What counts as the best, a fraction.")] = WITHIN,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Compare the search policy with plain TPE and random search on a recorded landscape."""
    recorded_landscape = read_landscape(recorded)
    seen = effects(recorded_landscape)
    scores = bench(seen, recorded_landscape.space(), seeds, jobs, within)
    typer.echo(orjson.dumps([asdict(s) for s in scores]).decode() if as_json else table(scores, seen, within))


@bench_app.command()
def ladder_landscape(
    *,
    out: Annotated[Path, typer.Option(help="JSON-lines file; recording goes on where it stopped.")],
    model: Annotated[Path, typer.Option(help="Model folder.")] = SHIPPED,
    engine_python: Annotated[Path | None, typer.Option(help="Interpreter that has sglang.")] = None,
    launches: Annotated[int, typer.Option(min=2, help="Of each configuration.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, help="Timed rounds of each launch at each load.")] = 1,
    together: Annotated[int, typer.Option(min=2, help="Servers that are up at the same time.")] = 2,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after that many batches.")] = None,
) -> None:
    """Record a ladder landscape: four configurations at four loads on a real server."""
    plan = LadderLandscapePlan(out, out.with_suffix(".logs"), str(model), launches, rounds, together, limit=limit)
    _record_live(engine_python, model, out, lambda driver, engine: record_ladders(driver, engine, plan, typer.echo))


@bench_app.command()
def ladder(
    *,
    recorded: Annotated[Path | None, typer.Argument(help="A recorded ladder landscape; a made-up one without.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Searches of each policy.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """How soon is the frontier over loads known: ours, a grid, Optuna's multi-objective TPE and random search."""
    landscape = read_ladder_landscape(recorded) if recorded is not None else model_landscape()
    scores = bench_ladder(landscape, seeds)
    typer.echo(orjson.dumps([asdict(s) for s in scores]).decode() if as_json else ladder_table(scores, landscape))


@bench_app.command()
def run_overhead(
    recorded: Annotated[Path, typer.Argument(help="A recorded run.")] = RECORDED / "cpu-search.tar.xz",
) -> None:
    """Share of a run's wall time that is neither server start nor load."""
    typer.echo(overhead(recorded).table())


@bench_app.command()
def null(
    recorded: Annotated[Path, typer.Argument(help="Recorded A/A runs.")] = RECORDED / "null-runs.tar.xz",
    runs: Annotated[int, typer.Option(min=1, help="Replays of the whole pipeline.")] = 20,
) -> None:
    """How often a change that changes nothing is banked: whole A/A runs over recorded blocks."""
    typer.echo(run_null(recorded, runs).table())


@bench_app.command()
def audit(
    *,
    repeats: Annotated[int, typer.Option(min=1, help="Of the small case; the large one gets a third.")] = 9,
    requests: Annotated[int, typer.Option(min=1, help="Of one round in the small case.")] = 1000,
    million: Annotated[int, typer.Option(min=0, help="Requests in all in the large case; 0: without.")] = 1_000_000,
    output_len: Annotated[int, typer.Option(min=2, help="Tokens of one answer.")] = 128,
    place: Annotated[Path | None, typer.Option(help="Where to put the evidence: the large case needs 8 GB.")] = None,
) -> None:
    """How fast is a patch audit, and how much memory does it take, against plain parsing of the same bytes?"""
    small = audit_speed(f"2 × 6 launches × 3 × {requests} requests", Size(requests, output_len), repeats, keep=place)
    typer.echo(small.table())
    if million:
        size = Size(per_round(million), output_len)
        typer.echo(audit_speed(f"{million} requests in all", size, max(1, repeats // 3), keep=place).table())


@bench_app.command()
def invariants(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders or recorded archives; all recorded runs by default.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Audits each way.")] = 5,
) -> None:
    """What does the table of invariants cost? Audits with it and without, in turns."""
    typer.echo(cost_table(table_cost(runs or (), repeats)))


@bench_app.command()
def repeat(
    *,
    count: Annotated[int, typer.Option(min=2, help="Audits with each interpreter.")] = 100,
    python: Annotated[list[Path] | None, typer.Option(help="Interpreters that have pydantic and orjson.")] = None,
) -> None:
    """Verdict bytes under other hash seeds, file orders, numbers of processes and Python versions."""
    with tempfile.TemporaryDirectory(prefix="bench-repeat-") as folder:
        run_dir = standard_run(Path(folder) / "run")
        result = repeat_verdicts(run_dir, "patch", SUBJECT, Path(folder), count, python or ())
    typer.echo(result.table())
    raise typer.Exit(0 if result.same else 1)


@bench_app.command()
def rates(
    trials: Annotated[int, typer.Option(min=100, help="Simulated comparisons of each rule.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the simulated machines.")] = 0,
) -> None:
    """False wins and power of the verdict rules, ours included, by simulation."""
    typer.echo(rates_table(trials, seed))


@bench_app.command()
def goodput(
    trials: Annotated[int, typer.Option(min=100, help="Simulated comparisons in each cell.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the simulated machines.")] = 0,
) -> None:
    """False wins and power of rules for goodput, which is often zero, by simulation."""
    typer.echo(goodput_table(trials, seed))


@bench_app.command()
def gate(
    trials: Annotated[int, typer.Option(min=10, help="Simulated histories on each machine.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the simulated machines.")] = 0,
    recorded: Annotated[Path, typer.Option(help="Recorded A/A runs.")] = RECORDED / "null-runs.tar.xz",
) -> None:
    """False alarms and power of nightly gates, `bankable gate` and inference-doctor: simulated, and on real launches.

    Not `evals gate`, which holds this project's own fixtures against what is expected of them.
    """
    typer.echo(gate_table(trials, seed))
    typer.echo("\n" + recorded_table(recorded))


@bench_app.command()
def few(
    trials: Annotated[int, typer.Option(min=100, help="Simulated comparisons in each cell.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the simulated machines.")] = 0,
) -> None:
    """False gains and power of rules on one to ten launches a side, by simulation."""
    typer.echo(few_report(trials, seed))


@bench_app.command()
def duel(
    *,
    rival: Annotated[
        Path | None, typer.Option(help="Interpreter that has inference-doctor 0.4.1; else it is installed.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Where it is installed; ~/.cache/bankable by default.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Of each timing, in turns.")] = 5,
    pairs: Annotated[int, typer.Option(min=0, help="Simulated comparisons without and with a gain; 0: none.")] = 40,
    cases: Annotated[Path | None, typer.Option(help="Folder of further cases, each with ref and cand.")] = None,
) -> None:
    """`audit` and inference-doctor on the same files: answers, time and memory."""
    python = find_rival(rival, cache or default_cache())
    typer.echo(duel_report(python, repeats, pairs, cases, lambda line: typer.echo(line, err=True)))


@bench_app.command()
def run(
    *,
    only: Annotated[list[str] | None, typer.Argument(help="Fixtures; all without.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Workers.")] = os.cpu_count() or 1,
) -> None:
    """Fixtures a second with the rule set: made, sealed, judged."""
    names = [fixture.id for fixture in select_fixtures(only or ())]
    for isolated in (True, False):
        typer.echo(run_speed(names, jobs, isolated=isolated).line(jobs))


@bench_app.command()
def start(
    pairs: Annotated[int, typer.Option(min=1, help="Of processes, started in turns.")] = 15,
) -> None:
    """How soon does `audit` answer, against an interpreter that imports pydantic?"""
    typer.echo(start_times(pairs).table())
