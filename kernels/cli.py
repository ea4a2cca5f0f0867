"""``python -m kernels``: families, a benchmark, a search, what holds a kernel back, the roof, Triton without a GPU."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bankable.kernels.benchmark.benchmark import BenchmarkSettings, measure_peaks, run_benchmark
from bankable.kernels.benchmark.candidate import Candidate, torch_candidate
from bankable.kernels.benchmark.cli import app as bench_app
from bankable.kernels.benchmark.gpu import REHEARSED, measure_gpu
from bankable.kernels.benchmark.gpu_table import build_gpu_table
from bankable.kernels.benchmark.table import build_table
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.build.offline import compile_offline, lines
from bankable.kernels.build.render import render
from bankable.kernels.diagnosis.command import diagnose
from bankable.kernels.diagnosis.diagnoser import Diagnoser
from bankable.kernels.flashinfer.cli import flashinfer
from bankable.kernels.kernelbench.cli import kernelbench
from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.operators.family import DTYPES, Family
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.search.policies import PolicyName
from bankable.kernels.search.search import Search, find_fastest, read_evaluations
from bankable.kernels.task.dtype import dtype_of
from bankable.kernels.task.folder import TaskFolder, open_task, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.kernels.task.sources import compile_candidate
from bankable.kernels.training.cli import export
from bankable.kernels.tritonbench.cli import tritonbench
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import seal as seal_run
from bankable.tools.measurement.executor import ExecutorName
from bankable.tools.serving.engine import engine_python

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(diagnose)
app.command()(kernelbench)
app.command()(export)
app.command()(tritonbench)
app.command()(flashinfer)
app.add_typer(bench_app, name="bench")
console = Console(soft_wrap=True, highlight=False)
BACKENDS = ("torch", "torch_compile", "cpp")

Out = Annotated[Path, typer.Option(help="run folder; made where it is missing")]
Engine = Annotated[Path | None, typer.Option("--engine-python", help="interpreter with sglang and torch")]
Shapes = Annotated[str, typer.Option(help="served shapes with their calls: 4x256:9000,128x256:500")]
HeldOut = Annotated[str, typer.Option(help="shapes that no search sees: 5x256")]
Dtype = Annotated[str, typer.Option(help=" or ".join(DTYPES))]
OfFamily = Annotated[str, typer.Option("--dtype", help=f"{' or '.join(DTYPES)}; the family's usual one if left out")]
Threads = Annotated[int, typer.Option(min=1, help="of each process; as the server's OMP_NUM_THREADS")]


@app.command()
def families() -> None:
    """List the operator families, their shapes, patch points and parameters."""
    for family in FAMILIES.values():
        console.print(f"{family.name}: {family.title}, {'x'.join(family.axes)}")
        console.print(f"  patched at {family.module}, {family.attribute}")
        for parameter in family.parameters:
            console.print(f"  parameter  {parameter.name} {'|'.join(map(str, parameter.values))}: {parameter.meaning}")
        for axis in family.specialised:
            console.print(f"  parameter  fixed_{axis} 0|size: compiled for one size, right at all others")
        for dtype, allowed in family.allowed.items():
            console.print(f"  tolerance  {dtype} {allowed.relative_error:.3g}: {allowed.reason}")


@app.command("bakeoff", hidden=True)
@app.command()
def benchmark(
    family: str,
    out: Out,
    shapes: Shapes = "",
    held_out: HeldOut = "",
    dtype: OfFamily = "",
    backends: Annotated[str, typer.Option(help="which of torch, torch_compile, cpp")] = "torch,cpp",
    rounds: Annotated[int, typer.Option(min=1, help="fresh processes of each implementation")] = 6,
    samples: Annotated[int, typer.Option(min=3, max=1000, help="timed calls of each")] = 12,
    threads: Threads = 1,
    engine_python_: Engine = None,
    seal: Annotated[Path | None, typer.Option(help="new folder for a sealed copy, to be audited")] = None,
) -> None:
    """Measure every backend of an operator against what the live server runs."""
    python = engine_python(engine_python_)
    chosen = _find_family(family)
    folder = _open_task(chosen, out, shapes, held_out, dtype, python, threads)
    result = run_benchmark(
        folder,
        _choose_candidates(folder, backends),
        python,
        BenchmarkSettings(rounds=rounds, samples=samples, threads=threads, every_round=True),
        console.print,
    )
    console.print(build_table(result))
    console.print(f"roof: {result.peaks.copy_bandwidth / 1e9:.3g} GB/s, {result.peaks.flop_rate / 1e9:.3g} GFLOP/s")
    console.print(result.claim.headline)
    console.print(f"records in {result.folder}")
    if seal is not None:
        seal_run(out, "harness", chosen.name, result.attempt, seal)
        console.print(f"sealed; `python -m bankable.nodes.auditor {seal}` judges it")


@app.command()
def search(
    family: str,
    out: Out,
    shapes: Shapes = "",
    held_out: HeldOut = "",
    dtype: OfFamily = "",
    budget: Annotated[int, typer.Option(min=1, help="sources to evaluate, earlier ones counted in")] = 12,
    policy: Annotated[PolicyName, typer.Option(help="what chooses the next one")] = "uct",
    seed: Annotated[int, typer.Option(help="of what the policy draws")] = 0,
    on: Annotated[ExecutorName, typer.Option("--executor", help="where candidates run")] = "local",
    workers: Annotated[int, typer.Option(min=0, help="candidates tried at a time; 0: as many as cores")] = 1,
    diagnosed: Annotated[bool, typer.Option("--diagnose/--no-diagnose", help="steer by what holds each back")] = True,
    threads: Threads = 1,
    engine_python_: Engine = None,
) -> None:
    """Search the parameters of a family's C++ template; the same command again goes on."""
    python = engine_python(engine_python_)
    folder = _open_task(_find_family(family), out, shapes, held_out, dtype, python, threads)
    compiler, main_shape = Compiler(), max(folder.task.shapes, key=lambda shape: shape.calls).key
    with Diagnoser(folder, python, threads, compiler.cache) as diagnoser:
        searched = Search(
            folder,
            compiler,
            python,
            threads,
            policy=policy,
            seed=seed,
            on=on,
            workers=workers,
            diagnose=(lambda candidate, _: diagnoser.of(candidate.source, main_shape)) if diagnosed else None,
        )
        best = searched.run(budget, console.print)
    console.print(f"{searched.fresh} evaluated now, {len(searched.done)} in all")
    if best is None or best.log_ratio is None:
        console.print("no candidate is right")
        return
    console.print(f"best {best.implementation}, {100 * best.log_ratio:+.1f} log-% against live: {best.choices}")


@app.command()
def offline(
    family: str,
    target: Annotated[str, typer.Option(help="GPUs that need not be there: sm_90,gfx942")] = "sm_90,gfx942",
    shapes: Annotated[str, typer.Option(help="such as 4x256,128x256; one of a larger model if left out")] = "",
    dtype: OfFamily = "",
    engine_python_: Engine = None,
) -> None:
    """Compile a family's Triton kernel without a GPU: registers, spills, shared memory, instructions."""
    chosen = _find_family(family)
    wanted = parse_shapes(chosen, shapes or SHAPES[family].compiled, "")
    targets = [name.strip() for name in target.split(",") if name.strip()]
    figures = compile_offline(chosen, wanted, dtype_of(chosen, dtype), targets, engine_python(engine_python_))
    for line in lines(figures):
        console.print(line)
    console.print("compiled, not run: there are no times")


@app.command()
def gpu(
    out: Annotated[Path, typer.Option(help="file of results, new: provenance, then raw samples")],
    family: Annotated[list[str] | None, typer.Option(help="may be given again; all without")] = None,
    shapes: Annotated[str, typer.Option(help="of one family, such as 64x4096,4096x4096; large ones if left out")] = "",
    dtype: OfFamily = "",
    rounds: Annotated[int, typer.Option(min=1, help="turns of each implementation")] = 10,
    samples: Annotated[int, typer.Option(min=1, max=1000, help="of a turn")] = 20,
    rehearse: Annotated[bool, typer.Option(help="run everything in Triton's interpreter; nothing is timed")] = False,
    engine_python_: Engine = None,
) -> None:
    """Measure the Triton kernels on this machine's GPU, against torch, torch.compile, the engine and copies."""
    names = list(family or FAMILIES)
    if shapes and len(names) != 1:
        raise UserError("Cannot use --shapes without a family", "--shapes", "give one --family with it")
    resolved = {name: dtype_of(_find_family(name), dtype) for name in names}
    dtypes = dict.fromkeys(names, REHEARSED) if rehearse else resolved
    if dtypes != resolved:
        console.print(f"rehearsed in {REHEARSED}: Triton's interpreter does not round bfloat16 as a GPU does")
    wanted = {
        name: [shape.dims for shape in parse_shapes(_find_family(name), shapes or SHAPES[name].large, "")]
        for name in names
    }
    python = engine_python(engine_python_)
    about, timings = measure_gpu(wanted, dtypes, python, out, rounds=rounds, samples=samples, rehearse=rehearse)
    console.print(build_gpu_table(about, timings))
    bandwidth = "not measured" if about.copy_bandwidth is None else f"{about.copy_bandwidth / 1e9:.0f} GB/s"
    console.print(f"{about.device}, copies {bandwidth}; results in {out}")
    if rehearse:
        console.print("a rehearsal: every kernel ran and was compared with float64, nothing was timed")


@app.command()
def roofline(dtype: Dtype = "bfloat16", threads: Threads = 1, engine_python_: Engine = None) -> None:
    """Measure the machine's roof in the engine's interpreter."""
    if dtype not in DTYPES:
        raise UserError(f"Cannot use dtype {dtype}", "--dtype", f"use one of {', '.join(DTYPES)}")
    with ForkServer(engine_python(engine_python_), threads) as fork_server:
        peaks = measure_peaks(fork_server, dtype, threads)
    console.print(f"copy    {peaks.copy_bandwidth / 1e9:.3g} GB/s, read and written")
    console.print(f"matrix  {peaks.flop_rate / 1e9:.3g} GFLOP/s in {dtype} or fp32, whichever is faster")
    console.print(f"cache   {peaks.cache_bytes >> 20} MiB, the largest that the system reports")


def main() -> None:
    """A user error is one line and exit code 2."""
    try:
        app()
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(2)


def _find_family(name: str) -> Family:
    if name not in FAMILIES:
        raise UserError(f"Cannot find family {name!r}", "", f"use one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def _open_task(
    family: Family, out: Path, shapes: str, held_out: str, dtype: str, python: Path, threads: int
) -> TaskFolder:
    """The task of a folder: opened where it is, written where it is not."""
    if (out / "ops" / family.name).exists():
        if shapes or held_out:
            raise UserError(
                "Cannot change the shapes of a task", str(out), "leave out --shapes and --held-out, or give a new --out"
            )
        return open_task(out, family.name)
    dtype = dtype_of(family, dtype)
    wanted = parse_shapes(family, shapes, held_out)
    with ForkServer(python, threads) as fork_server:
        return write_task(out, family, dtype, wanted, fork_server, threads)


def _choose_candidates(folder: TaskFolder, backends: str) -> list[Candidate]:
    names = [name.strip() for name in backends.split(",") if name.strip()]
    unknown = sorted(set(names) - set(BACKENDS))
    if unknown or not names:
        raise UserError(f"Cannot use backend {', '.join(unknown)}", "--backends", f"use any of {', '.join(BACKENDS)}")
    candidates = [torch_candidate(folder.family, name) for name in names if name != "cpp"]
    return candidates + (compile_kernels(folder) if "cpp" in names else [])


def compile_kernels(folder: TaskFolder) -> list[Candidate]:
    """C++ kernels of a task: the unmodified template, and the best that a search found."""
    best = find_fastest(read_evaluations(folder).values())
    chosen = [folder.family.defaults(), *([best.choices] if best else [])]
    sources = {
        source.implementation: source for source in (render(folder.family, folder.task.dtype, each) for each in chosen)
    }
    compiler = Compiler()
    return [compile_candidate(folder, source, compiler) for source in sources.values()]
