"""Guards of the plan are recomputed, each with an interval of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.edits import candidates, reclaim, rows
from bankable.evals.fixtures.build.files import edit, read
from bankable.nodes.auditor.verdict import Action, Severity, Word
from bankable.tools.evidence.records import Guard
from tests.nodes.auditor.builders import hits, judge, standard_run

RULE = "guards_held"
CLAIM = "comparisons/patch-stream_interval/claim.json"
GUARDS = (Guard(metric="median_ttft_ms", margin=0.10), Guard(metric="request_throughput", margin=0.02))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A patch that is 30 % faster throughout, with a guard on a latency and one on a rate."""
    return standard_run(tmp_path / "run", control={"guards": GUARDS}, guards=GUARDS)


def test_a_claimed_bound_is_recomputed(run: Path) -> None:
    edit(run / CLAIM, lambda claim: claim["guards"][0].update(interval=[-0.9, -0.5]))
    found = hits(judge(run), RULE, Severity.FAIL)
    assert [hit.observed for hit in found] == ["claimed -90.00%", "claimed -50.00%"]


def later_first_tokens(run: Path, factor: float) -> None:
    for leg in candidates(run):
        rows(leg, lambda row: row.update(ttfts=[factor * value for value in row["ttfts"]]))
    reclaim(run)


def test_guards_that_hold_are_shown_with_their_intervals(run: Path) -> None:
    verdict = judge(run)
    assert verdict.verdict is Word.PASS
    shown = hits(verdict, RULE, Severity.INFO)
    assert [hit.code for hit in shown] == ["guard_held", "guard_held"]
    assert shown[0].observed.startswith("median_ttft_ms -23")
    assert shown[0].observed.endswith("worse, at most +10%: held")
    assert "guards median_ttft_ms held, request_throughput held" in verdict.headline


def test_a_broken_guard_withholds_the_gain(run: Path) -> None:
    later_first_tokens(run, 1.8)
    verdict = judge(run)
    assert [(hit.code, hit.action) for hit in hits(verdict, RULE)] == [("guard_broken", Action.EJECT)]
    assert {hit.code for hit in hits(verdict, "real_delta")} == {"not_real"}
    assert read(run / CLAIM)["decision"] == "not_real"


def test_an_undecided_guard_asks_for_more_blocks(run: Path) -> None:
    later_first_tokens(run, 1.3 * 1.10)
    verdict = judge(run)
    (hit,) = hits(verdict, RULE)
    assert (hit.code, hit.action) == ("guard_undecided", Action.REMEASURE)
    assert "more blocks would" in hit.advice or "no feasible number" in hit.advice
    assert {hit.code for hit in hits(verdict, "real_delta")} == {"undecided"}


def test_a_claim_may_not_round_a_guard_in_its_favour(run: Path) -> None:
    edit(run / CLAIM, lambda claim: claim["guards"][0].update(harm=-0.60))
    assert {hit.code for hit in hits(judge(run), RULE)} == {"reported_differs"}


def test_a_wider_margin_in_the_claim_is_another_guard(run: Path) -> None:
    edit(run / CLAIM, lambda claim: claim["guards"][0].update(margin=0.5))
    assert {hit.code for hit in hits(judge(run), RULE)} == {"guards_not_planned"}


def test_guards_of_the_claim_alone_are_none(tmp_path: Path) -> None:
    run = standard_run(tmp_path / "run")
    guard = {"metric": "median_ttft_ms", "margin": 0.1, "harm": -0.2, "interval": None, "outcome": "held"}
    edit(run / CLAIM, lambda claim: claim.update(guards=[guard]))
    assert {hit.code for hit in hits(judge(run), RULE)} == {"guards_not_planned"}
