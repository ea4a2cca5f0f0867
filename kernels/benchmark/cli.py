"""``python -m kernels bench``: benchmarks of the harness, the operator families and the search policies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bankable.kernels.benchmark.families import FamiliesJob, measure_families
from bankable.kernels.benchmark.families_table import build_families_table
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.operators import FAMILIES
from bankable.kernels.operators.family import DTYPES
from bankable.kernels.redteam.bench import HostileBench
from bankable.kernels.redteam.table import build_modes_table, summary_lines
from bankable.kernels.search.evaluation import read_evaluations
from bankable.kernels.search.policy_bench import RECORDED, build_policies_table, replay
from bankable.kernels.task.dtype import dtype_of
from bankable.kernels.task.folder import open_task
from bankable.tools.errors import UserError
from bankable.tools.serving.engine import engine_python

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Benches of the kernel track itself.")
console = Console(soft_wrap=True, highlight=False)
Engine = Annotated[Path | None, typer.Option("--engine-python", help="interpreter with sglang and torch")]
Seed = Annotated[int, typer.Option(help="seed of everything that is drawn")]


@app.command()
def hostile(
    out: Annotated[Path, typer.Option(help="new folder; the results are its hostile.jsonl")],
    seed: Seed = 0,
    sample: Annotated[int, typer.Option(min=0, help="number of candidates, drawn by the seed; 0: all")] = 0,
    families: Annotated[str, typer.Option(help="only these families")] = ",".join(FAMILIES),
    thorough: Annotated[bool, typer.Option(help="time and audit candidates that were refused, too")] = False,
    read: Annotated[bool, typer.Option(help="read kernels before they run")] = True,
    engine_python_: Engine = None,
) -> None:
    """Hostile and honest kernels through the harness: caught, missed, wrongly accused."""
    names = [name for name in families.split(",") if name]
    if unknown := sorted(set(names) - set(FAMILIES)):
        raise UserError(
            f"Cannot attack {', '.join(unknown)}: no such family", "--families", f"use any of {', '.join(FAMILIES)}"
        )
    started = time.monotonic()
    bench = HostileBench(
        out,
        engine_python(engine_python_),
        Compiler(),
        seed=seed,
        sample=sample,
        thorough=thorough,
        read=read,
        families=names,
        say=console.print,
    )
    results = bench.run()
    console.print(build_modes_table(results))
    for line in summary_lines(results):
        console.print(line)
    console.print(f"{time.monotonic() - started:.0f} s; results in {out / 'hostile.jsonl'}")


@app.command()
def families(
    out: Annotated[Path, typer.Option(help="new run folder; the results are its families.jsonl")],
    names: Annotated[str, typer.Option("--families", help="only these families")] = ",".join(FAMILIES),
    dtype: Annotated[str, typer.Option(help=f"{' or '.join(DTYPES)}; of each the usual one if left out")] = "",
    rounds: Annotated[int, typer.Option(min=2, help="fresh processes of each implementation")] = 6,
    samples: Annotated[int, typer.Option(min=3, max=1000, help="timed calls of each")] = 12,
    threads: Annotated[int, typer.Option(min=1, help="of each process")] = 1,
    budget: Annotated[int, typer.Option(min=0, help="kernels that a search tries first; 0: none")] = 0,
    engine_python_: Engine = None,
) -> None:
    """Every family against the live implementation and torch.compile, with the distance to the roof, in one run."""
    chosen = [name for name in names.split(",") if name]
    if unknown := sorted(set(chosen) - set(FAMILIES)):
        raise UserError(
            f"Cannot measure {', '.join(unknown)}: no such family", "--families", f"use any of {', '.join(FAMILIES)}"
        )
    for name in chosen:
        dtype_of(FAMILIES[name], dtype)
    wanted = FamiliesJob(chosen, dtype, rounds, samples, threads, budget)
    results = measure_families(out, wanted, engine_python(engine_python_), console.print)
    console.print(build_families_table(results))
    console.print(f"results in {out / 'families.jsonl'}")


@app.command()
def policies(
    landscape: Annotated[
        Path, typer.Argument(help="run folder of a search --policy exhaustive that came to its end; ours without one")
    ] = RECORDED,
    seeds: Annotated[int, typer.Option(min=1, help="searches of each policy")] = 100,
) -> None:
    """UCT, beam, random and exhaustive search, replayed on recorded landscapes."""
    names = sorted(path.parent.name for path in landscape.glob("ops/*/search.jsonl"))
    if not names:
        raise UserError("Cannot replay: no search is recorded", str(landscape), "give the --out of `kernels search`")
    for name in names:
        folder = open_task(landscape, name)
        console.print(build_policies_table(name, len(read_evaluations(folder)), replay(folder, seeds)))
