"""The command ``export``: writes one side of a comparison in the format of another project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bankable.tools.errors import UserError

FORMATS = ("inferencex", "llm-d")


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or of one of its comparisons.")],
    form: Annotated[
        str, typer.Option("--as", help="inferencex (aggregate of one configuration) or llm-d (BenchmarkReport 0.2.1).")
    ] = "inferencex",
    comparison: Annotated[
        str | None, typer.Option(help="Comparison of the run: what proved the bundle by default, else the control.")
    ] = None,
    side: Annotated[str, typer.Option(help="candidate or reference.")] = "candidate",
    hw: Annotated[str | None, typer.Option(help="Name of the hardware, such as h200.")] = None,
    image: Annotated[str | None, typer.Option(help="Container image that was served from.")] = None,
    model_prefix: Annotated[str | None, typer.Option(help="InferenceX's short name of the model.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output by default.")] = None,
) -> None:
    """Write what was measured as InferenceX's or llm-d's JSON, with a label of what a leaderboard would admit.

    Rates and latencies are over all timed rounds of all launches of the side. What nobody recorded is null.
    """
    from bankable.tools.evidence.records import Side
    from bankable.tools.exchange.benchmark_report import build_report
    from bankable.tools.exchange.inferencex import StatedFacts, build_aggregate
    from bankable.tools.exchange.side import read_side

    if form not in FORMATS:
        raise UserError(f"invalid value {form!r} for --as", "", f"use one of {', '.join(FORMATS)}")
    chosen = next((each for each in Side if each.value == side), None)
    if chosen is None:
        raise UserError(f"invalid value {side!r} for --side", "", "use candidate or reference")
    measured = read_side(_find_comparison(run, comparison), chosen)
    facts = StatedFacts(hw, image, model_prefix)
    built = build_aggregate(measured, facts) if form == "inferencex" else build_report(measured, facts)
    content = orjson.dumps(built, option=orjson.OPT_INDENT_2) + b"\n"
    if out is None:
        sys.stdout.buffer.write(content)
        return
    try:
        out.write_bytes(content)
    except OSError as problem:
        raise UserError(f"Cannot export: {problem.strerror}", str(out), "name a file that can be written") from problem


def _find_comparison(run: Path, name: str | None) -> Path:
    if (run / "plan.json").is_file():
        return run
    names = [name] if name is not None else ["bundle", *_list_accepted(run), "control"]
    for each in names:
        if (run / "comparisons" / each / "plan.json").is_file():
            return run / "comparisons" / each
    raise UserError(
        f"Cannot export: no comparison {' or '.join(names)}"[:200],
        str(run),
        "give a run, and --comparison with its name",
    )


def _list_accepted(run: Path) -> list[str]:
    """Comparisons of the accepted levers, the last one first: it was measured on top of the others."""
    try:
        outcome = orjson.loads((run / "outcome.json").read_bytes())
        return [str(entry["name"]) for entry in reversed(outcome["accepted"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []
