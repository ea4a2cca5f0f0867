"""From a sealed folder to a verdict: all is read, every rule of the scope is asked once, a conclusion is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.conclusion import figures
from bankable.nodes.auditor.needs import missing
from bankable.nodes.auditor.reading.digests import hash_files
from bankable.nodes.auditor.reading.prefetch import prefetch_legs
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.rule import Outcome, Rule, Unverifiable
from bankable.nodes.auditor.rule_runner import SECONDS, RuleRun, VerdictFigures
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.verdict import Evidence, Verdict
from bankable.tools.errors import UserError

READ_SECONDS = 480.0
"""For opening and parsing all evidence, before the first rule."""
READING, CONCLUSION = "reading", "conclusion"
"""Names of the two steps that are no rules, in ``degraded``."""


def evaluate(
    folder: Path,
    rules: Sequence[Rule] = RULES,
    rule_seconds: float = SECONDS,
    read_seconds: float = READ_SECONDS,
    jobs: int = 1,
) -> Verdict:
    """Judge a sealed folder with ``jobs`` processes. Raises ``UserError`` when it holds no usable request."""
    view = SealedView(folder)
    request = view.request
    if request is None:
        raise UserError("no usable request.json", folder.name, "give a folder that the seal made")
    case = Case(view, request)
    rule_run = RuleRun()
    rule_run.attempt(READING, lambda: prefetch_legs(view, jobs), read_seconds)
    for rule in rules:
        if request.scope in rule.scopes:
            rule_run.run(rule.id, _asked(rule, case), modes=rule.modes, gate=rule.gate, seconds=rule_seconds)
    evidence = hash_files(folder, view.reader.digests)
    concluded: list[Verdict] = []

    def conclude() -> None:
        verdict = rule_run.to_verdict(request, evidence, figures(case, rule_run.verdict))
        verdict.to_bytes()  # a figure that is no number raises here already
        concluded.append(verdict)

    if rule_run.attempt(CONCLUSION, conclude, rule_seconds):
        return concluded[0]
    return rule_run.to_verdict(request, evidence, VerdictFigures())


def _asked(rule: Rule, case: Case) -> Callable[[], Iterable[Outcome]]:
    """The rule's own check, or what it lacks."""

    def check() -> Iterable[Outcome]:
        absent = missing(case, rule.needs)
        if not absent:
            return rule.check(case)
        files = tuple(Evidence(file=path) for path in absent[:5])
        return [Unverifiable(", ".join(absent[:5]), files, rule.missing)]

    return check
