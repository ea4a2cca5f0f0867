"""The audit engine: runs every rule of the scope on the evidence and draws the conclusion.

A sealed run and another tool's files are handled alike: the same rules, budgets and error handling. Only the weight of
a missing record depends on the origin of the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.conclusion import figures
from bankable.nodes.auditor.needs import MOST, NEEDS, absence, missing, run_records
from bankable.nodes.auditor.reading.digests import hash_files
from bankable.nodes.auditor.reading.prefetch import prefetch_legs
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.rule import NotApplicable, Outcome, Rule, Unverifiable
from bankable.nodes.auditor.rule_runner import SECONDS, RuleRun, VerdictFigures
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.verdict import Evidence, Verdict
from bankable.tools.errors import UserError

READ_SECONDS = 480.0
"""Time budget, in seconds, for opening and parsing all evidence before the first rule."""
READING, CONCLUSION = "reading", "conclusion"
"""Names in ``degraded`` of the two steps that are no rules."""


def evaluate(
    folder: Path,
    rules: Sequence[Rule] = RULES,
    rule_seconds: float = SECONDS,
    read_seconds: float = READ_SECONDS,
    jobs: int = 1,
    hashed: Mapping[str, str] | None = None,
) -> Verdict:
    """Judge a sealed folder with ``jobs`` processes. Raises ``UserError`` when it holds no usable request.

    ``hashed``: the digests of the seal, where this process made it: then no file is hashed again.
    """
    view = SealedView(folder, hashed)
    request = view.request
    if request is None:
        raise UserError("Cannot audit the evidence: no usable request.json", folder.name, "give a sealed folder")
    rule_run = RuleRun()
    rule_run.attempt(READING, lambda: prefetch_legs(view, jobs), read_seconds)
    return judge(Case(view, request), rule_run, rules, rule_seconds)


def judge(case: Case, rule_run: RuleRun, rules: Sequence[Rule] = RULES, rule_seconds: float = SECONDS) -> Verdict:
    """Run the rules on parsed evidence, and conclude; ``rule_run`` may hold findings of the reading."""
    for rule in rules:
        if case.scope in rule.scopes:
            rule_run.run(rule.id, _question(rule, case), modes=rule.modes, gate=rule.gate, seconds=rule_seconds)
    evidence = hash_files(case.view.folder, case.view.reader.digests)
    concluded: list[Verdict] = []

    def conclude() -> None:
        verdict = rule_run.to_verdict(case.request, evidence, figures(case, rule_run.verdict))
        verdict.to_bytes()  # a figure that is not a number raises here already
        concluded.append(verdict)

    if rule_run.attempt(CONCLUSION, conclude, rule_seconds):
        return concluded[0]
    return rule_run.to_verdict(case.request, evidence, VerdictFigures())


def _question(rule: Rule, case: Case) -> Callable[[], Iterable[Outcome]]:
    """The rule's own check, or the outcome for missing evidence."""
    return (lambda: _of_files(rule, case)) if case.imported else (lambda: _of_run(rule, case))


def _of_run(rule: Rule, case: Case) -> Iterable[Outcome]:
    absent = missing(case, rule.needs)
    if not absent:
        return rule.check(case)
    files = tuple(Evidence(file=path) for path in absent[:MOST])
    return [Unverifiable(", ".join(absent[:MOST]), files, rule.missing)]


def _of_files(rule: Rule, case: Case) -> Iterator[Outcome]:
    """One note for records that the tool does not write; rules that need a run's own records are skipped."""
    if records := run_records(rule.needs):
        yield NotApplicable(f"needs {' and '.join(records)}, which only a run of this project has")
        return
    for what, fix, decides, places in _absent(case, rule.id):
        yield Unverifiable(what, places, fix=fix, own_runs_only=not decides)
    lacking = {need: outcome for need in rule.needs if (outcome := absence(case, need, rule.missing)) is not None}
    yield from (outcome for need, outcome in lacking.items() if NEEDS[need].rule == rule.id)
    if not lacking:
        yield from rule.check(case)


def _absent(case: Case, rule: str) -> Iterator[tuple[str, str, bool, tuple[Evidence, ...]]]:
    """One outcome for each record that the tools behind the legs do not write and that this rule would judge."""
    by_need: dict[str, tuple[str, bool, list[Evidence]]] = {}
    for leg in case.comparison.legs:
        for record in leg.absent:
            if record.rule == rule:
                what = f"{record.what} ({leg.format})"
                by_need.setdefault(what, (record.fix, record.decides, []))[2].append(
                    Evidence(file=leg.path("bench_runs.jsonl"))
                )
    for what, (fix, decides, places) in by_need.items():
        yield what, fix, decides, tuple(places[:MOST])
