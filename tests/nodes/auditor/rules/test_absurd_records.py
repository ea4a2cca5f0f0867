"""Absurd plans and samples: one finding each, within a small time budget, and never a PASS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.edits import plan
from bankable.evals.fixtures.build.files import edit_lines, legs
from bankable.evals.fixtures.judge import seal_run
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import standard_run

Edit = Callable[[Path], object]
RULE_SECONDS = 5.0
"""Time budget of each rule: one that takes longer is degraded, which these tests do not allow."""


def _sample(**values: object) -> Edit:
    """One sample of a launch of the candidate says this."""
    return lambda run: edit_lines(legs(run, side="candidate")[1] / "host.jsonl", lambda lines: lines[2].update(values))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda run: plan(run, looks=list(range(3, 5003))), "impossible_plan", id="thousands-of-looks"),
        pytest.param(lambda run: plan(run, alpha=1e-300), "impossible_plan", id="level-of-1e-300"),
        pytest.param(_sample(cpu_mhz=1e17), "possible_clock", id="clock-of-1e17-MHz"),
        pytest.param(_sample(gpu=[{"sm_mhz": 1e17}]), "possible_clock", id="graphics-clock-of-1e17-MHz"),
        pytest.param(_sample(cpu_percent=-40.0), "cpu_share_not_negative", id="negative-share"),
        pytest.param(_sample(steal_percent=-1.0), "steal_not_negative", id="negative-steal"),
        pytest.param(_sample(gpu=[{"util_percent": -5.0}]), "device_not_negative", id="negative-share-of-a-gpu"),
        pytest.param(
            _sample(tenants=[{"pid": 1, "name": "x", "cpu_percent": -9e9}]), "tenant_not_negative", id="negative-tenant"
        ),
    ],
)
def test_one_finding_and_never_a_pass(tmp_path: Path, change: Edit, code: str) -> None:
    run = standard_run(tmp_path / "run")
    change(run)
    sealed = seal_run(run, "patch", "", 1, tmp_path / "sealed")
    verdict = evaluate(sealed.folder, RULES, RULE_SECONDS)
    sealed.discard()
    assert verdict.verdict is Word.FAIL
    assert verdict.degraded == ()
    assert [finding.code for finding in verdict.findings if finding.severity is Severity.FAIL] == [code]
