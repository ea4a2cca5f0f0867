"""Every rule behind its own guard; the same evidence gives the same bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.nodes.auditor import engine
from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.needs import NEEDS
from bankable.nodes.auditor.rule import ALL, Check, NotApplicable, Outcome, Rule, fail, flag
from bankable.nodes.auditor.rule_runner import MAX_FINDINGS, VerdictFigures
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.verdict import Verdict, Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import Seal, seal
from tests.nodes.auditor.builders import edit, judge


@pytest.fixture
def sealed(run: Path, tmp_path: Path) -> Iterator[Seal]:
    made = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    yield made
    made.discard()


def _raises(_: Case) -> Iterator[Outcome]:
    raise RecursionError


def _hangs(_: Case) -> Iterator[Outcome]:
    time.sleep(30)
    yield NotApplicable("never")


def test_the_same_evidence_gives_the_same_bytes(run: Path) -> None:
    assert judge(run).to_bytes() == judge(run).to_bytes()


def test_a_verdict_survives_a_round_trip(run: Path) -> None:
    verdict = judge(run)
    assert Verdict.model_validate_json(verdict.to_bytes()).to_bytes() == verdict.to_bytes()


def test_a_verdict_names_every_file(sealed: Seal) -> None:
    verdict = evaluate(sealed.folder)
    assert {entry.file: entry.sha256 for entry in verdict.evidence} == sealed.digests
    assert b"/tmp" not in verdict.to_bytes()


def test_a_rule_that_raises_degrades_and_the_rest_goes_on(sealed: Seal) -> None:
    verdict = evaluate(sealed.folder, [Rule("broken", ALL, (), (), _raises), *RULES])
    assert verdict.degraded == ("broken",)
    assert verdict.verdict is Word.FLAG
    assert [finding.code for finding in verdict.findings if finding.rule == "broken"] == ["degraded"]
    assert verdict.metrics == evaluate(sealed.folder).metrics


def test_a_gate_that_raises_signs_nothing_off(sealed: Seal) -> None:
    verdict = evaluate(sealed.folder, [Rule("gate", ALL, (), (), _raises, gate=True)])
    assert verdict.verdict is Word.FAIL


def test_a_rule_that_hangs_is_cut_off(sealed: Seal) -> None:
    started = time.monotonic()
    verdict = evaluate(sealed.folder, [Rule("slow", ALL, (), (), _hangs)], rule_seconds=0.2)
    assert verdict.degraded == ("slow",)
    assert time.monotonic() - started < 20


def _swallows(_: Case) -> Iterator[Outcome]:
    while True:
        try:
            time.sleep(30)
        except Exception:
            yield NotApplicable("the guard is too broad")


def _rambles(_: Case) -> Iterator[Outcome]:
    while True:
        yield NotApplicable("and another thing")


def _exits(_: Case) -> Iterator[Outcome]:
    raise SystemExit(0)


def _runs_out_of_memory(_: Case) -> Iterator[Outcome]:
    raise MemoryError


def _recurses(case: Case) -> Iterator[Outcome]:
    yield from _recurses(case)


def _says_nonsense(_: Case) -> list[Outcome]:
    return ["everything is fine"]


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (_swallows, "OutOfTime"),
        (_rambles, "TooManyOutcomes"),
        (_exits, "SystemExit"),
        (_runs_out_of_memory, "MemoryError"),
        (_recurses, "RecursionError"),
        (_says_nonsense, "TypeError"),
    ],
)
def test_whatever_a_rule_does_it_is_said_and_the_rest_goes_on(sealed: Seal, check: Check, why: str) -> None:
    after = Rule("after", ALL, (), (), lambda _: [flag("a", "b", "c")])
    seconds = 1.0 if why == "OutOfTime" else 30.0
    verdict = evaluate(sealed.folder, [Rule("broken", ALL, (), (), check), after], rule_seconds=seconds)
    assert verdict.degraded == ("broken",)
    assert [(finding.rule, finding.code) for finding in verdict.findings] == [("broken", "degraded"), ("after", "")]
    assert why in verdict.findings[0].observed
    assert verdict.verdict is Word.FLAG


def test_a_rule_is_cut_off_in_any_thread(sealed: Seal) -> None:
    def spins(_: Case) -> Iterator[Outcome]:
        while True:
            sum(range(1000))

    found: list[Verdict] = []
    slow = Rule("slow", ALL, (), (), spins)
    thread = threading.Thread(target=lambda: found.append(evaluate(sealed.folder, [slow], rule_seconds=0.2)))
    thread.start()
    thread.join(60)
    assert [entry.degraded for entry in found] == [("slow",)]


def test_reading_that_takes_too_long_withholds(sealed: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "prefetch_legs", lambda *_: time.sleep(30))
    verdict = evaluate(sealed.folder, [], read_seconds=0.2)
    assert (verdict.degraded, verdict.verdict) == (("reading",), Word.FAIL)


def test_a_conclusion_that_cannot_be_drawn_withholds(sealed: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> VerdictFigures:
        raise OverflowError

    monkeypatch.setattr(engine, "figures", breaks)
    verdict = evaluate(sealed.folder, RULES)
    assert (verdict.degraded, verdict.verdict) == (("conclusion",), Word.FAIL)
    assert len(verdict.evidence) == len(sealed.digests)


def test_a_fail_is_never_the_finding_that_is_left_out(sealed: Seal) -> None:
    many = [flag(f"a{index}", "b", "c") for index in range(3 * MAX_FINDINGS)]
    verdict = evaluate(sealed.folder, [Rule("many", ALL, (), (), lambda _: [*many, fail("last", "b", "c")])])
    assert verdict.verdict is Word.FAIL
    assert len(verdict.findings) == MAX_FINDINGS
    assert [finding.expected for finding in verdict.findings][-2:] == [f"a{MAX_FINDINGS - 2}", "last"]
    assert any("more outcomes not listed" in note.text for note in verdict.notes)


def test_not_applicable_is_no_finding(sealed: Seal) -> None:
    verdict = evaluate(sealed.folder, [Rule("na", ALL, (), (), lambda _: [NotApplicable("nothing here")])])
    assert (verdict.verdict, [note.kind for note in verdict.notes]) == (Word.PASS, ["not_applicable"])


def test_a_flag_never_outweighs_a_fail(sealed: Seal) -> None:
    flagged = Rule("f", ALL, (), (), lambda _: [flag("a", "b", "c")])
    verdict = evaluate(sealed.folder, [flagged, Rule("gate", ALL, (), (), _raises, gate=True)])
    assert (verdict.verdict, verdict.action.value) == (Word.FAIL, "remeasure")


def test_a_folder_without_a_request_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="request"):
        evaluate(tmp_path)


def test_rules_have_distinct_names_and_known_needs() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert {need for rule in RULES for need in rule.needs} <= NEEDS.keys()
    assert all(rule.modes for rule in RULES)


@pytest.mark.parametrize(
    "change", [{"alpha": 0.9}, {"looks": []}, {"looks": [6, 6]}, {"metric": "speed"}, {"blocks": []}]
)
def test_a_senseless_plan_is_a_finding_not_a_crash(run: Path, change: dict[str, object]) -> None:
    for name in ("control", "patch-stream_interval"):
        edit(run / f"comparisons/{name}/plan.json", lambda plan: plan.update(change))
    verdict = judge(run)
    assert verdict.degraded == ()
    assert verdict.verdict is Word.FAIL
    assert judge(run, "baseline").degraded == ()
