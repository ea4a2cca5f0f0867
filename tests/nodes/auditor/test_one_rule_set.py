"""The same legs, sealed in a run and given as bare folders, get the same findings wherever both have the records."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bankable.evals.fixtures.cases import FIXTURES
from bankable.evals.fixtures.judge import SUBJECTS, judge
from bankable.nodes.auditor.needs import run_records
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.verdict import Severity, Verdict, Word
from tests.nodes.auditor.builders import hits

CASES = {case.id: case for case in FIXTURES if case.scope == "patch"}
SHARED = {rule.id for rule in RULES if "patch" in rule.scopes and not run_records(rule.needs)}
"""Rules that ask nothing that only a run has."""
PLAN_DECIDES = {
    ("real_delta", "level"),
    ("real_delta", "undecided"),
    ("interleaving", "one_order"),
    ("interleaving", "not_interleaved"),
    ("same_conditions", "ignored_flag"),
    ("reference_strength", "few_threads"),
    ("reference_strength", "lowered_default"),
}
"""Findings that need the plan: its looks, its order, the reference that it declares, the cores of the machine."""
MISSING = {"unverifiable", "not_shown", "nothing_compared"}
"""One absent record, as it is called in a run and in another tool's files."""

EQUAL = (
    "plain-gain-alternating",
    "c01-starved-reference",
    "c01-false-condition",
    "c02-inert-pool",
    "c03-cold-reference",
    "c04-undeclared-argument",
    "c05-hours-apart",
    "c07-attached-reference",
    "c08-other-prompts",
    "c09-flag-twice",
    "c11-rounds-overlap",
    "c11-idle-server-spins",
    "c12-edited-engine",
    "c12-no-digest",
    "c13-whole-pages-of-a-full-pool",
    "c15-tenant-on-the-reference",
    "c15-throttled-reference",
    "c16-other-host",
    "c16-reboot-inside-a-block",
    "c17-not-flushed",
    "c18-other-torch",
    "c18-another-kernel-package",
    "c18-kernels-on-one-leg",
    "c19-own-kernels",
    "c19-native-attention",
    "c19-fallback-not-declared",
    "d05-failed-requests",
    "d13-first-token-doubled",
    "d14-record-edited",
    "a01-serving-lever-as-kernel",
    "a02-names-the-device",
    "a03-two-levers",
    "a06-no-lever",
    "q01-gibberish-reference",
    "q02-tokens-differ",
    "q07-same-answer-to-all",
    "q08-requested-credited",
    "q10-other-checkpoint",
    "e01-read-nowhere",
    "e02-engagement-log-lies",
    "e08-both-legs-changed",
    "h17-fault-after-ready",
    "c02-graphs-that-ran",
    "c02-forced-along-and-said",
    "e05-variable",
)
NEEDS_PLAN = {
    "c05-one-order": {("interleaving", "one_order")},
    "c19-one-thread-of-many-cores": {("reference_strength", "few_threads")},
    "c19-cap-below-the-load": {("reference_strength", "lowered_default")},
    "c10-ignored-base-flag": {("same_conditions", "ignored_flag")},
    "d03-four-launches": {("real_delta", "undecided")},
    "d10-level-ignores-looks": {("real_delta", "level")},
    "r03-copied-rounds": {("interleaving", "not_interleaved")},
}


def both(name: str, folder: Path) -> tuple[Verdict, Verdict]:
    """The verdict on the sealed run, and on its legs alone."""
    case = CASES[name]
    run, subject = case.make(folder / "run", 0), case.subject or SUBJECTS["patch"]
    comparison = run / "comparisons" / subject
    for leg in sorted((comparison / "legs").iterdir()):
        shutil.copytree(leg, folder / "bare" / leg.name.split("-")[1] / leg.name)
    bare = audit_pair(folder / "bare/reference", folder / "bare/candidate", comparison / "claim.json")
    return judge(run, "patch", subject, enter=case.entered), bare


def found(verdict: Verdict) -> set[tuple[str, str, bool]]:
    """(rule, code, whether it is a FAIL) of what was found; a missing record weighs by where the evidence is from."""
    return {
        (finding.rule, "missing", False)
        if finding.code in MISSING
        else (finding.rule, finding.code, finding.severity is Severity.FAIL)
        for finding in verdict.findings
        if finding.rule in SHARED and finding.severity is not Severity.INFO
    }


@pytest.mark.parametrize("name", EQUAL)
def test_legs_of_a_run_and_bare_legs_get_the_same_findings(tmp_path: Path, name: str) -> None:
    sealed, bare = both(name, tmp_path)
    assert found(sealed) == found(bare)
    assert bare.degraded == ()


@pytest.mark.parametrize("name", sorted(NEEDS_PLAN))
def test_only_what_the_plan_declares_is_found_in_the_run_alone(tmp_path: Path, name: str) -> None:
    sealed, bare = both(name, tmp_path)
    lacking = {(rule, code) for rule, code, _ in found(sealed) - found(bare)}
    assert lacking == NEEDS_PLAN[name] <= PLAN_DECIDES
    assert found(bare) <= found(sealed)


def test_a_missing_record_weighs_by_where_it_is_missing(tmp_path: Path) -> None:
    sealed, bare = both("r04-no-probes", tmp_path)
    assert [hit.severity for hit in hits(sealed, "output_correctness")] == [Severity.FAIL]
    assert [(entry.severity, entry.code) for entry in hits(bare, "output_correctness")] == [
        (Severity.FLAG, "not_shown")
    ]
    assert bare.verdict is not Word.PASS


def test_rules_that_need_a_run_say_so_for_bare_legs(tmp_path: Path) -> None:
    _, bare = both("plain-gain-alternating", tmp_path)
    unasked = {note.rule for note in bare.notes if "only a run of this project has" in note.text}
    assert unasked == {rule.id for rule in RULES if "patch" in rule.scopes and rule.id not in SHARED}, (
        "a rule is asked of bare legs, or a note says which records it needs"
    )
