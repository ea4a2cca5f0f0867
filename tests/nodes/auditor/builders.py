"""The builders of the shared fixtures, under one roof for the tests of the rules."""

from __future__ import annotations

from pathlib import Path

from bankable.evals.fixtures.build.files import (
    Json,
    edit,
    edit_each,
    edit_lines,
    legs,
    read,
    read_lines,
    setting,
    stamp_rounds,
    write,
    write_lines,
)
from bankable.evals.fixtures.build.leg import (
    CONCURRENCY,
    INPUT,
    OUTPUT,
    PROMPTS,
    TEXTS,
    TOLD,
    add_summary,
    answer,
    bench_record,
    generation,
    resolve_arguments,
    server_log,
)
from bankable.evals.fixtures.build.run import (
    LEVER,
    REFERENCE,
    ROUNDS,
    RUN_ID,
    RunRecipe,
    comparison,
    enter_all,
    honest_claim,
    plan_of,
    run_folder,
    standard_run,
)
from bankable.evals.fixtures.judge import judge
from bankable.nodes.auditor.verdict import Finding, Severity, Verdict

__all__ = [
    "CONCURRENCY",
    "INPUT",
    "LEVER",
    "OUTPUT",
    "PROMPTS",
    "REFERENCE",
    "ROUNDS",
    "RUN_ID",
    "TEXTS",
    "TOLD",
    "Json",
    "RunRecipe",
    "add_summary",
    "answer",
    "bench_record",
    "comparison",
    "edit",
    "edit_each",
    "edit_lines",
    "enter_all",
    "generation",
    "hits",
    "honest_claim",
    "judge",
    "legs",
    "plan_of",
    "read",
    "read_lines",
    "rename_leg",
    "resolve_arguments",
    "run_folder",
    "server_log",
    "standard_run",
    "write",
    "write_lines",
]


def hits(verdict: Verdict, rule: str, severity: Severity | None = None) -> list[Finding]:
    """Findings of one rule, INFO left out unless asked for."""
    wanted = {severity} if severity else {Severity.FAIL, Severity.FLAG}
    return [finding for finding in verdict.findings if finding.rule == rule and finding.severity in wanted]


def rename_leg(leg: Path, name: str) -> None:
    """Give a leg another name, in its records too."""
    edit(leg / "leg.json", setting(leg_id=name))
    edit_each(leg / "bench_runs.jsonl", stamp_rounds(leg_id=name))
    leg.rename(leg.with_name(name))
