"""The ledger is cut at a line, so that what was declared by then can be sealed again."""

from __future__ import annotations

from pathlib import Path

from bankable.evals.fixtures.build.run import LEVER, RunRecipe, comparison, enter_all, standard_run
from bankable.tools.evidence.records import ComparisonKind
from bankable.tools.evidence.seal import seal
from bankable.tools.evidence.trials import cut_ledger


def test_a_cut_names_plans_and_claims_in_order(tmp_path: Path) -> None:
    run = standard_run(tmp_path / "run")
    cut = cut_ledger(run)
    assert cut is not None
    names = ["control", "patch-stream_interval"]
    assert list(cut.files()) == [(name, file) for name in names for file in ("claim.json", "plan.json")]
    assert cut.has("run.json")
    assert not cut.has("profile/profile.json")


def test_a_torn_line_and_rubbish_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b'[1]\n{"path": 4}\nnot json\n{"path": "comparisons/a/plan.json"}\n{"path"')
    cut = cut_ledger(tmp_path)
    assert cut is not None
    assert (len(cut.lines), list(cut.files())) == (4, [("a", "plan.json")])
    assert cut_ledger(tmp_path / "nowhere") is None


def test_what_came_later_does_not_change_the_seal(tmp_path: Path) -> None:
    run = standard_run(tmp_path / "run")
    before = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "before")
    lines = (run / "ledger.jsonl").read_bytes()
    later = RunRecipe(name="patch-later", kind=ComparisonKind.PATCH, lever=LEVER, gain=0.1, seed=77, start=2_000_000.0)
    comparison(run / "comparisons/patch-later", later)
    enter_all(run)
    assert (run / "ledger.jsonl").read_bytes().startswith(lines[:2000])
    again = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "again", ledger=before.request.ledger)
    assert again.digests == before.digests
    grown = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "grown")
    assert "trials/patch-later/plan.json" in grown.digests
    for made in (before, again, grown):
        made.discard()
