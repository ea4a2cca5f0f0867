"""The command line. A user error is one line and exit code 2; heavy modules are imported only when needed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from typing import Annotated

import orjson
import typer
from pydantic import ValidationError

from bankable.graph.audit_commands import add_audit_commands
from bankable.graph.exit_codes import STOPPED, WAITING, Json
from bankable.graph.export_command import export
from bankable.graph.gate_command import gate
from bankable.graph.history_command import history
from bankable.graph.key_source import KEY_VARIABLE
from bankable.graph.keys import app as keys
from bankable.graph.optional_packages import explain_missing
from bankable.graph.other_commands import add_other_commands
from bankable.graph.recipe_command import recipe
from bankable.tools.errors import UserError

app = typer.Typer(
    name="bankable",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(keys, name="keys")


def _print_version(wanted: bool) -> None:
    if wanted:
        from bankable.graph.version import find_version

        print(f"bankable {find_version()}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Make a language model serve faster on sglang. Only what an independent auditor re-derived is banked."""


Out = Annotated[Path | None, typer.Option(help="Folder of the run; runs/<model name> by default, numbered if taken.")]

Trace = Annotated[
    list[str] | None,
    typer.Option(help="Trace to langsmith, langsmith=URL or otlp=URL; may be repeated. Without it nothing is sent."),
]

Key = Annotated[
    Path | None,
    typer.Option(envvar=KEY_VARIABLE, help="Ed25519 key (PEM, mode 0600) that signs verdicts; your own by default."),
]


@app.command()
def run(
    model: Annotated[
        Path | None,
        typer.Option(help="Model folder (config.json, tokenizer, safetensors weights), or Hugging Face id."),
    ] = None,
    out: Out = None,
    budget: Annotated[float | None, typer.Option(help="Minutes of wall time for the whole run; 19 by default.")] = None,
    quick: Annotated[bool, typer.Option(help="Short rounds and few trials; decides large effects only.")] = False,
    seed: Annotated[
        int | None, typer.Option(help="Seed of plans and searches; a live run draws its prompts' seeds itself.")
    ] = None,
    no_auditor: Annotated[
        bool, typer.Option("--no-auditor", help="Same producers, no audits; nothing counts as verified.")
    ] = False,
    executor: Annotated[str, typer.Option(help="Where candidate kernels are evaluated: local, or ray.")] = "local",
    engine_python: Annotated[Path | None, typer.Option(help="Interpreter of an environment with sglang.")] = None,
    server: Annotated[
        str | None, typer.Option(help="URL of a running server: only the read-only parts are run.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="A recorded run (folder or .tar.xz) answers every launch.")
    ] = None,
    draw: Annotated[
        int | None, typer.Option(help="With --replay: draw recorded launches at random with this seed.")
    ] = None,
    concurrency: Annotated[
        str | None, typer.Option(help="Requests in flight; several make a load ladder: 1,2,4,8.")
    ] = None,
    request_rate: Annotated[
        str | None, typer.Option(help="Requests per second (Poisson), or several; all at once by default.")
    ] = None,
    contender: Annotated[
        list[str] | None,
        typer.Option(help="Another configuration on the load ladder, name=value,name=value; may be repeated."),
    ] = None,
    num_prompts: Annotated[int | None, typer.Option(help="Requests per round.")] = None,
    input_len: Annotated[int | None, typer.Option(help="Prompt tokens (random-ids).")] = None,
    output_len: Annotated[int | None, typer.Option(help="Answer tokens.")] = None,
    dataset: Annotated[str | None, typer.Option(help="random-ids, questions or sharegpt.")] = None,
    dataset_path: Annotated[Path | None, typer.Option(help="Local file for questions or sharegpt.")] = None,
    workload: Annotated[
        str | None, typer.Option(help="A workload by name (see `workloads`), NAME/N with lengths divided by N.")
    ] = None,
    questions: Annotated[Path | None, typer.Option(help="GSM8K JSONL for the accuracy probe.")] = None,
    flag: Annotated[
        list[str] | None, typer.Option(help="Engine flag of the baseline, name=value; may be repeated.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Try just this lever, name=value; may be repeated.")] = None,
    tracks: Annotated[
        list[str] | None, typer.Option("--track", help="kernels or config; may be repeated. Both, unless --quick.")
    ] = None,
    launch_plan: Annotated[
        str | None, typer.Option(help="Servers of a block: coresident, alternating, or auto by the device.")
    ] = None,
    allow_pickle: Annotated[bool, typer.Option("--allow-pickle", help="Load weights in a pickle format.")] = False,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that comes with the model.")
    ] = False,
    llm: Annotated[
        str | None, typer.Option(help="Language model that judges and proposes beside the code: openai:NAME, or NAME.")
    ] = None,
    llm_base_url: Annotated[
        str | None, typer.Option(help="Its address, if it speaks OpenAI's chat completions.")
    ] = None,
    llm_role: Annotated[
        list[str] | None, typer.Option(help="Another model for a role: judge=NAME or judge=NAME@URL; may be repeated.")
    ] = None,
    llm_budget: Annotated[
        list[str] | None, typer.Option(help="tokens=200000, calls=50, usd=1.5, or judge.calls=20; may be repeated.")
    ] = None,
    llm_price: Annotated[
        list[str] | None, typer.Option(help="Dollars a million tokens, NAME=IN,OUT; may be repeated.")
    ] = None,
    judge_votes: Annotated[int | None, typer.Option(help="Votes of the judge for each audit; 3 by default.")] = None,
    approve: Annotated[
        str | None,
        typer.Option(help="Wait for your approval before each lever is banked, or the bundle: bank, bundle."),
    ] = None,
    slo: Annotated[
        str | None,
        typer.Option(help="Latency limits in ms, per request (ttft=500,tpot=20) or of a round (p99_e2e=2000)."),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="What decides: throughput, goodput (with --slo; then the default), or latency."),
    ] = None,
    guard: Annotated[
        list[str] | None,
        typer.Option(help="How much another figure may get worse: median_tpot=+5%, throughput=-2%; may be repeated."),
    ] = None,
    price: Annotated[
        float | None, typer.Option(help="Dollars for an hour of one device: the report states costs.")
    ] = None,
    memory: Annotated[
        Path | None, typer.Option(help="Store of what runs verified: settings banked here before are tried first.")
    ] = None,
    trace: Trace = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Measure, profile, tune, confirm, validate: ends in a verdict, a bundle and a report.

    python -m graph run --model tools/model/shipped
    """
    from bankable.graph.request import RunOptions, build_config, free_folder

    run_options = RunOptions(
        **{name: value for name, value in locals().items() if name in RunOptions.__dataclass_fields__}
    )
    config = build_config(run_options)
    _execute(config, out or free_folder(config.out()), resume=False, key=key, json=json, trace=trace)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="Folder of an interrupted run.")],
    approve: Annotated[str | None, typer.Option(help="The answer to what the run waits for: yes or no.")] = None,
    trace: Trace = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Go on with an interrupted run; finished launches are not repeated."""
    from bankable.graph.session import read_stored_config

    if approve not in (None, "yes", "no"):
        raise UserError(f"invalid value {approve!r} for --approve", "", "use yes or no")
    _execute(read_stored_config(run), run, resume=True, key=key, json=json, approve=approve, trace=trace)


def _execute(
    config: object,
    out: Path,
    *,
    resume: bool,
    key: Path | None,
    json: bool,
    approve: str | None = None,
    trace: list[str] | None = None,
) -> None:
    from bankable.graph.approval import ApprovalNeeded
    from bankable.graph.config import RunConfig
    from bankable.graph.progress import watching
    from bankable.graph.run import execute
    from bankable.tools.serving.driver import StopRequested
    from bankable.tools.tracing.target import targets

    assert isinstance(config, RunConfig)
    traced_to = targets(trace or ())
    stream = sys.stderr if json else sys.stdout
    with _stoppable() as stop:
        try:
            with watching(stream, config.budget_minutes) as watch:
                outcome = execute(
                    config,
                    out,
                    resume=resume,
                    watch=watch,
                    stop=stop,
                    key_path=key,
                    answer=None if approve is None else approve == "yes",
                    trace=traced_to,
                )
        except StopRequested:
            print(f"stopped; nothing measured is lost. Go on with: python -m graph resume {out}", file=sys.stderr)
            raise typer.Exit(STOPPED) from None
        except ApprovalNeeded as question:
            print(f"waiting: {question}\nAnswer with: python -m graph resume {out} --approve yes|no", file=sys.stderr)
            raise typer.Exit(WAITING) from None
    usage = _describe_llm_use(config.llm is not None, out)
    if json:
        fields = {"run": str(out), **outcome.model_dump(mode="json")} | ({"llm": usage} if usage else {})
        sys.stdout.buffer.write(orjson.dumps(fields) + b"\n")
        return
    print(f"\nVERDICT  {outcome.verdict}\n         {outcome.headline}")
    if outcome.reference:
        print(f"over     {outcome.reference}")
    print(f"bundle   {out / 'bundle'}\nreport   {out / 'report.html'}")
    if usage:
        print("\n".join(["", *usage]))


def _describe_llm_use(anyone: bool, out: Path) -> list[str]:
    """What language models were asked, per role, as lines."""
    if not anyone:
        return []
    from bankable.tools.report.reading import ReportReader
    from bankable.tools.report.requests import requests_text

    return requests_text(ReportReader(out)).splitlines()


add_audit_commands(app)
app.command()(gate)
app.command()(history)
app.command()(export)
app.command()(recipe)


@app.command()
def workloads(json: Json = False) -> None:
    """Workloads that have a name: lengths, requests, and who defined them."""
    from dataclasses import asdict

    from bankable.tools.workloads import WORKLOADS

    if json:
        sys.stdout.buffer.write(orjson.dumps([asdict(entry) for entry in WORKLOADS.values()]) + b"\n")
    else:
        print("\n".join(entry.describe() for entry in WORKLOADS.values()))
        print("NAME/N divides the lengths by N; results carry that name: do not compare them with full-length ones.")


@app.command()
def draw() -> None:
    """The state machine as a Mermaid diagram."""
    from bankable.graph.machine import build

    print(build().get_graph().draw_mermaid())


@app.command()
def report(run: Annotated[Path, typer.Argument(help="Folder of a run, finished or not.")], out: Out = None) -> None:
    """Write the run's HTML report again, also for a run that is not finished."""
    from bankable.tools.evidence.folder import read_run
    from bankable.tools.report import collect, render

    read_run(run)
    target = out or run / "report.html"
    target.write_text(render(collect(run)), encoding="utf-8")
    print(target)


@app.command()
def doctor(
    engine_python: Annotated[Path | None, typer.Option(help="Interpreter of an environment with sglang.")] = None,
) -> None:
    """What this machine can and cannot do, and what to do about it. Exit code 1 when a run is not possible."""
    from bankable.graph.doctor import examine

    findings = examine(engine_python)
    for finding in findings:
        print(finding.line())
    raise typer.Exit(1 if any(finding.fatal for finding in findings) else 0)


add_other_commands(app)


@contextmanager
def _stoppable() -> Iterator[Flag]:
    """A flag that SIGINT and SIGTERM set; a second signal terminates the process."""
    flag = Flag()
    before: dict[signal.Signals, Callable[..., object] | int | None] = {}

    def ask(number: int, _: object) -> None:
        if flag.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        flag.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, ask)
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> None:
    """Entry point: a user error is one line on standard error and exit code 2."""
    try:
        app()
    except UserError as problem:
        print(f"bankable: {problem}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as problem:
        missing = explain_missing(problem)
        if missing is None:
            raise
        print(f"bankable: {missing}", file=sys.stderr)
        sys.exit(2)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        print(f"bankable: invalid value {first.get('input')!r} for {where}: {first['msg']}", file=sys.stderr)
        sys.exit(2)
