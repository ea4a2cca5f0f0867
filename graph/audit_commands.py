"""Commands that judge evidence or tell how it is judged: ``audit``, ``schema``, ``verify``, ``rules``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bankable.graph.exit_codes import EXIT_CODES, OUTCOME_CODES, Json
from bankable.tools.errors import UserError


def add_audit_commands(app: typer.Typer) -> None:
    """Add what judges evidence, or tells how it is judged."""
    for command in (audit, schema, verify, rules):
        app.command()(command)


def audit(
    ref: Annotated[
        Path, typer.Argument(help="Reference: result file, leg folder, or a GEAK run folder with both legs.")
    ],
    cand: Annotated[Path | None, typer.Argument(help="Candidate: result file or leg folder.")] = None,
    claim: Annotated[Path | None, typer.Option(help="claim.json to hold against the raw records.")] = None,
    scope: Annotated[
        str, typer.Option(help="patch (one change), bundle (several), baseline (the reference alone).")
    ] = ("patch"),
    one_server: Annotated[
        bool, typer.Option("--one-server", help="All files of a leg are runs of one server: one launch.")
    ] = False,
    metric: Annotated[
        str, typer.Option(help="Deciding rate: throughput (output tokens), requests, or goodput (with --slo).")
    ] = "throughput",
    slo: Annotated[
        str | None, typer.Option(help="Latency limits of a good request, ms: ttft=500,tpot=20,p99_e2e=2000.")
    ] = None,
    no_worse: Annotated[
        str | None,
        typer.Option(
            "--no-worse", help="Require no gain, but that nothing gets worse by more than: throughput=2%,ttft=5%."
        ),
    ] = None,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print GitHub-flavoured Markdown.")] = False,
) -> None:
    """Audit benchmark files of sglang, vLLM, AIPerf, GuideLLM and other tools.

    Exit code 0 PASS, 10 FLAG, 20 FAIL, 21 disproved, 22 slower, 23 worse than allowed, 24 undecided, 2 usage.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # finding them takes longer than a small audit
    from bankable.nodes.auditor.options import AuditOptions, parse_margins, parse_metric
    from bankable.nodes.auditor.pair import SCOPES, audit_loads
    from bankable.nodes.auditor.render import render_markdown, render_text
    from bankable.tools.slo import parse_limits

    chosen = next((scope_name for scope_name in SCOPES if scope_name == scope), None)
    if chosen is None:
        raise UserError(f"invalid value {scope!r} for --scope", "", f"use one of {', '.join(SCOPES)}")
    if json and markdown:
        raise UserError("Cannot print two formats at once", "--json --markdown", "choose one")
    origins: dict[str, str] = {}
    limits = parse_limits(slo) if slo is not None else ()
    margins = parse_margins(no_worse) if no_worse is not None else ()
    options = AuditOptions(parse_metric(metric, limits), margins, limits)
    worst = 0
    for load, verdict in audit_loads(ref, cand, claim, chosen, one_server=one_server, options=options, origins=origins):
        if json:
            shown = verdict.to_bytes()
        elif markdown:
            shown = (f"## {load}\n\n" if load else "").encode() + render_markdown(verdict, origins).encode()
        else:
            shown = (f"== {load}\n" if load else "").encode() + (render_text(verdict, origins=origins) + "\n").encode()
        # Bytes, because the encoding of a Windows console may lack the arrows.
        sys.stdout.buffer.write(shown)
        reasons = {finding.code for finding in verdict.findings if finding.severity.value == "FAIL"}
        only = next(iter(reasons)) if len(reasons) == 1 else ""
        code = OUTCOME_CODES.get(only, EXIT_CODES[verdict.verdict.value])
        # Of several loads that fail for different reasons: a FAIL.
        worst = 20 if min(worst, code) >= 20 and worst != code else max(worst, code)
    raise typer.Exit(worst)


def schema(
    name: Annotated[str, typer.Argument(help="verdict, claim, request, plan, leg or round.")] = "verdict",
) -> None:
    """Print the JSON Schema of a record: what an audit says, and what it reads."""
    from bankable.nodes.auditor.schema import json_schema

    sys.stdout.buffer.write(json_schema(name))


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or a whole run folder.")],
    public_key: Annotated[
        Path | None, typer.Option(help="PEM file of the key that must have signed; see `keys show`.")
    ] = None,
    json: Json = False,
) -> None:
    """Re-derive every verdict from its evidence, compare byte for byte, and check who signed it.

    Names the first file that changed. Without --public-key a signature shows only that the key beside it was used.
    Exit code 0 when all agrees, 20 when not.
    """
    from bankable.graph.verification import verify_folder

    result = verify_folder(bundle, public_key)
    if json:
        fields = {"checked": result.same, "problems": result.problems, "signed": result.signed, "notes": result.notes}
        sys.stdout.buffer.write(orjson.dumps(fields) + b"\n")
    else:
        print("\n".join(result.lines()))
    raise typer.Exit(0 if result.ok else EXIT_CODES["FAIL"])


def rules(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print two tables for a page.")] = False,
    invariants: Annotated[
        bool, typer.Option("--invariants", help="List the relations between records and how far honest launches come.")
    ] = False,
) -> None:
    """The auditor's rules: scopes, failure modes decided, evidence needed, verdicts; and modes that none decides."""
    from bankable.nodes.auditor.index import build_index, render_markdown, render_text

    if invariants:
        _print_invariants(json=json, markdown=markdown)
        return
    index = build_index()
    if json:
        sys.stdout.buffer.write(index.model_dump_json(indent=2).encode() + b"\n")
    else:
        print(render_markdown(index) if markdown else render_text(index))


def _print_invariants(*, json: bool, markdown: bool) -> None:
    from bankable.nodes.auditor.invariants.listing import (
        list_invariants,
        render_invariants_markdown,
        render_invariants_text,
    )

    entries = list_invariants()
    if json:
        sys.stdout.buffer.write(orjson.dumps([entry.model_dump() for entry in entries]) + b"\n")
    else:
        print(render_invariants_markdown(entries) if markdown else render_invariants_text(entries))
