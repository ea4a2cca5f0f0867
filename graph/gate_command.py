"""The command ``gate``: holds tonight's measurement against a rolling baseline of earlier nights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bankable.graph.exit_codes import GATE_CODES, Json
from bankable.tools.errors import UserError


def gate(
    baseline: Annotated[Path, typer.Option(help="Store of the baseline, a SQLite file; --enter begins one.")],
    candidate: Annotated[
        Path, typer.Option(help="Result file, or folder of launches, of any format that `audit` reads.")
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Further files or folders of the candidate.")
    ] = None,
    margin: Annotated[
        str, typer.Option(help="Largest harm of each figure: throughput=2%,ttft=5%. The first one may be better.")
    ] = "throughput=2%",
    slo: Annotated[
        str | None,
        typer.Option(help="Latency limits of a good request in ms, for goodput: ttft=500,tpot=20."),
    ] = None,
    enter: Annotated[bool, typer.Option("--enter", help="Enter the candidate unless it is worse.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="With --enter: begin the baseline anew; earlier nights no longer count.")
    ] = False,
    series: Annotated[str, typer.Option(help="Name of the baseline in the store.")] = "main",
    window: Annotated[int, typer.Option(min=2, max=400, help="Latest nights that are compared with.")] = 20,
    label: Annotated[
        list[str] | None,
        typer.Option(help="What the files do not say and has to be equal, device=h200; may be repeated."),
    ] = None,
    measured_at: Annotated[
        str | None, typer.Option(help="When it was measured, 2026-11-30T03:00+00:00, where the files do not say.")
    ] = None,
    one_server: Annotated[
        bool, typer.Option("--one-server", help="All files are runs of one server: one launch.")
    ] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write a comment for a pull request to this file.")] = None,
    json: Json = False,
) -> None:
    """Better, no worse, worse or inconclusive against a rolling baseline of nights.

    Not `evals gate`, which judges this project's own fixtures. Exit code 0 better, no worse or begun, 20 FAIL finding,
    23 worse, 24 inconclusive, 25 not comparable, 26 the baseline drifted, 2 usage.
    """
    from bankable.graph.gate.candidate import read_candidate
    from bankable.graph.gate.judgment import GateOptions, judge_candidate
    from bankable.graph.gate.render import render_gate_markdown, render_gate_text
    from bankable.nodes.auditor.options import parse_margins
    from bankable.nodes.auditor.reading.rows import FURTHER
    from bankable.tools.evidence.records import GOODPUT
    from bankable.tools.slo import SLO_FIX, parse_limits

    limits = parse_limits(slo) if slo is not None else ()
    margins = parse_margins(margin, "--margin", (*FURTHER, GOODPUT))
    if any(name == GOODPUT for name, _ in margins) and not limits:
        raise UserError("Cannot gate goodput: no latency limits", "--slo", SLO_FIX)
    loads = read_candidate(
        [candidate, *(more or ())],
        one_server=one_server,
        limits=limits,
        stated=_parse_labels(label or ()),
        measured_at=_parse_time(measured_at),
    )
    options = GateOptions(margins, series, window, enter, restart)
    result = judge_candidate(baseline, loads, options)
    if markdown is not None:
        _write(markdown, render_gate_markdown(result))
    if json:
        sys.stdout.buffer.write(orjson.dumps(result, default=str) + b"\n")
    else:
        sys.stdout.buffer.write(render_gate_text(result).encode())
    raise typer.Exit(GATE_CODES[result.outcome])


def _parse_labels(texts: list[str] | tuple[str, ...]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name.isidentifier() or not value or name in labels:
            raise UserError(f"invalid value {text!r} for --label", "", "write it as device=h200, each name once")
        labels[name] = value
    return labels


def _parse_time(text: str | None) -> float | None:
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fix = "write it as 2026-11-30T03:00+00:00"
        raise UserError(f"invalid value {text!r} for --measured-at", "", fix) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise UserError(
            f"Cannot write the comment: {problem.strerror}", str(path), "name a file that can be written"
        ) from problem
