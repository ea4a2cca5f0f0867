"""The frontier is derived again from the requests; frauds are fixtures, too (``evals/fixtures/cases/ladders.py``)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.files import edit, edit_each, legs, read, write
from bankable.evals.fixtures.build.ladder import EQUAL, FASTER, LADDER, LadderRecipe, ladder_run, reclaim_ladder
from bankable.evals.fixtures.judge import judge
from bankable.nodes.auditor.verdict import Severity, Verdict, Word
from tests.nodes.auditor.builders import hits

RULE = "frontier"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ladder_run(tmp_path_factory.mktemp("honest") / "run", LadderRecipe())


@pytest.fixture
def run(honest: Path, tmp_path: Path) -> Path:
    """A reference, a configuration that is 40 % faster and an equal one, at three loads."""
    return Path(shutil.copytree(honest, tmp_path / "run"))


def folder(run: Path) -> Path:
    return run / "comparisons" / LADDER


def judged(run: Path) -> Verdict:
    return judge(run, "frontier")


def codes(run: Path) -> set[str]:
    return {hit.code for hit in hits(judged(run), RULE)}


def test_an_honest_frontier_passes_and_its_points_are_shown(run: Path) -> None:
    verdict = judged(run)
    assert verdict.verdict is Word.PASS, [finding.observed for finding in verdict.findings]
    (shown,) = [hit for hit in hits(verdict, RULE, Severity.INFO) if hit.code == "frontier"]
    assert f"c4: {FASTER}" in shown.observed
    assert verdict.headline == shown.observed
    claim = read(folder(run) / "claim.json")
    dominated = {(point["contender"], point["load"]) for point in claim["points"] if point["dominated_by"]}
    assert dominated >= {("reference", "c4"), (EQUAL, "c4")}
    assert {point["contender"] for point in claim["operating_points"]} == {FASTER}


def test_same_evidence_gives_the_same_bytes(run: Path) -> None:
    assert judged(run).to_bytes() == judged(run).to_bytes()


@pytest.mark.parametrize("name", ["throughput", "interactivity"])
def test_each_figure_of_a_point_is_held_against_the_requests(run: Path, name: str) -> None:
    edit(folder(run) / "claim.json", lambda claim: claim["points"][0].update({name: 1.01 * claim["points"][0][name]}))
    assert codes(run) == {"reported_differs"}


def test_a_narrower_interval_is_found(run: Path) -> None:
    def narrower(claim: dict[str, list[dict[str, list[float]]]]) -> None:
        low, high = claim["points"][0]["throughput_interval"]
        claim["points"][0]["throughput_interval"] = [low + 0.4 * (high - low), high]

    edit(folder(run) / "claim.json", narrower)
    assert codes(run) == {"reported_differs"}


def test_a_plan_with_one_load_twice_carries_no_frontier(run: Path) -> None:
    def twice(plan: dict[str, dict[str, list[dict[str, object]]]]) -> None:
        plan["ladder"]["loads"][1]["workload"] = plan["ladder"]["loads"][0]["workload"]

    edit(folder(run) / "plan.json", twice)
    verdict = judged(run)
    assert verdict.verdict is Word.FAIL
    assert any("is there twice" in hit.observed for hit in hits(verdict, RULE))


def test_another_seed_than_the_planned_one_is_found(run: Path) -> None:
    leg = legs(run, LADDER, FASTER)[0]
    edit_each(leg / "bench_runs.jsonl", lambda row: row["bankable"].update(seed=row["bankable"]["seed"] + 1))
    assert codes(run) == {"ladder_rounds"}


def test_a_launch_that_is_gone_leaves_a_gap(run: Path) -> None:
    shutil.rmtree(legs(run, LADDER, EQUAL)[1])
    reclaim_ladder(folder(run))
    assert "point_left_out" in codes(run)


def test_a_setting_that_the_server_does_not_have_is_found(run: Path) -> None:
    for leg in legs(run, LADDER, FASTER):
        edit(leg / "server_info.json", lambda info: info.update(stream_interval=1))
    assert codes(run) == {"not_engaged"}


def test_a_configuration_with_fewer_right_answers_is_found(run: Path) -> None:
    leg = legs(run, LADDER, FASTER)[0]
    edit_each(leg / "outputs.jsonl", lambda line: line.update(token_ids=[*line["token_ids"][:-1], 7]))
    edit_each(leg / "accuracy.jsonl", lambda line: line.update(correct=False, predicted="x", text="The answer is x."))
    assert "accuracy_loss" in codes(run)


def test_a_claim_that_is_gone_is_no_pass(run: Path) -> None:
    (folder(run) / "claim.json").unlink()
    assert judged(run).verdict is Word.FAIL


def test_a_claim_of_nonsense_is_no_pass_and_no_crash(run: Path) -> None:
    write(folder(run) / "claim.json", {"points": [{"contender": 3}], "operating_points": "x"})
    verdict = judged(run)
    assert verdict.verdict is Word.FAIL
    assert not verdict.degraded
