"""Generated frauds over any run are counted by group, held-out kinds without their names."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bankable.evals.cli.redteam import render_campaign
from bankable.evals.fixtures.build.files import legs, read, read_lines
from bankable.evals.fixtures.build.run import standard_run
from bankable.evals.redteam.campaign import Campaign, MutationResult, run_campaign
from bankable.evals.redteam.claims import claim_again, is_better
from bankable.evals.redteam.latencies import latency_fields
from bankable.evals.redteam.mutation import Mutation, compose
from bankable.evals.redteam.mutations import MUTATIONS, of_group
from bankable.evals.redteam.rows import replay_load
from bankable.evals.redteam.scene import Scene
from bankable.evals.redteam.subjects import RunSubject, find_subjects
from bankable.tools.errors import UserError

PATCH = "patch-stream_interval"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody recorded: the generator works on any."""
    return standard_run(tmp_path_factory.mktemp("redteam") / "run", block_sd=0.002, round_sd=0.002)


def named(name: str) -> Mutation:
    return next(mutation for mutation in MUTATIONS if mutation.name == name)


def attack(run: Path, scratch: Path, name: str, subject: str = PATCH) -> MutationResult:
    scope = "baseline" if subject == "control" else "patch"
    return Campaign(1, [RunSubject(run, scope, subject)], scratch).attack(named(name), 0)


def test_at_least_half_of_the_frauds_are_held_out_and_names_are_unique() -> None:
    groups = [mutation.group for mutation in MUTATIONS]
    assert groups.count("held_out") >= groups.count("told") >= 40
    assert groups.count("honest") >= 20
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    assert all(mutation.spoil is not None for mutation in MUTATIONS if mutation.kind == "hides")


def test_fields_of_seconds_come_from_the_schema() -> None:
    assert latency_fields() == ("ttfts", "itls")


def test_subjects_are_all_that_a_run_measured(run: Path, tmp_path: Path) -> None:
    subjects = find_subjects([run], tmp_path)
    assert [(subject.scope, subject.name) for subject in subjects] == [("baseline", "control"), ("patch", PATCH)]
    with pytest.raises(UserError, match="Cannot read the run"):
        find_subjects([tmp_path / "none"], tmp_path / "other")


def test_a_copy_has_the_legs_of_its_comparison_and_of_the_control_only(run: Path, tmp_path: Path) -> None:
    copied = RunSubject(run, "patch", PATCH).copy(tmp_path / "copy")
    assert len(legs(copied, PATCH)) == len(legs(run, PATCH)) == len(legs(copied, "control"))
    lean = RunSubject(run, "baseline", "control").copy(tmp_path / "copy")
    assert legs(lean, PATCH) == []
    assert (lean / "comparisons" / PATCH / "claim.json").is_file()


def test_a_moved_claim_counts_and_is_caught(run: Path, tmp_path: Path) -> None:
    result = attack(run, tmp_path, "stretch_window")
    assert (result.outcome, result.counts) == ("found", True)
    assert "baseline_drift:drift" in result.added, "a longer window is a slower reference than the control's"


def test_a_fact_counts_only_where_it_was_hidden(run: Path, tmp_path: Path) -> None:
    """Hiding nothing is no fraud; and a fact that the auditor does not find has nothing to hide."""
    assert attack(run, tmp_path, "failures-forgotten").outcome == "found"
    visible = Mutation("visible", "hides", lambda _: None, named("failures-forgotten").spoil)
    campaign = Campaign(1, [RunSubject(run, "patch", PATCH)], tmp_path)
    left = campaign.attack(visible, 0)
    assert (left.outcome, bool(left.added)) == ("neutral", True)
    assert campaign.attack(Mutation("none", "hides", lambda _: None, lambda _: None), 0).outcome == "neutral"


def test_a_change_within_the_noise_is_no_fraud(run: Path) -> None:
    claim = read(run / "comparisons" / PATCH / "claim.json")
    assert not is_better(claim, claim)
    lower, upper = claim["interval"]
    assert not is_better(claim, {**claim, "delta": (claim["delta"] + upper) / 2})
    assert is_better(claim, {**claim, "delta": upper + 0.001})
    assert is_better(claim, {**claim, "interval": [claim["delta"] - 1e-6, claim["delta"] + 1e-6]})
    assert not is_better(claim, {**claim, "delta": lower})
    faster = {**claim["candidate"], "median_ttft_ms": 0.9 * claim["candidate"]["median_ttft_ms"]}
    assert is_better(claim, {**claim, "candidate": faster})


def test_a_claim_follows_from_the_mutated_rounds(run: Path, tmp_path: Path) -> None:
    copied = RunSubject(run, "patch", PATCH).copy(tmp_path / "copy")
    folder = copied / "comparisons" / PATCH
    before = read(folder / "claim.json")
    claim_again(folder)
    assert read(folder / "claim.json")["delta"] == pytest.approx(before["delta"])
    named("trim_window").apply(Scene(folder, random.Random(3)))
    claim_again(folder)
    assert read(folder / "claim.json")["delta"] > before["delta"] + 0.05


def test_rounds_are_replayed_by_the_slots_of_the_load_generator() -> None:
    row = {"ttfts": [1.0, 1.0, 1.0, 3.0], "itls": [[], [1.0], [], []]}
    assert replay_load(row, 4) == 3.0
    assert replay_load(row, 2) == 5.0
    assert replay_load(row, 1) == 7.0


def test_a_composition_is_of_the_group_of_its_parts(run: Path, tmp_path: Path) -> None:
    both = compose(named("trim_window"), named("stretch_window"))
    assert (both.name, both.group) == ("trim_window + stretch_window", named("trim_window").group)
    copied = RunSubject(run, "patch", PATCH).copy(tmp_path / "copy")
    folder = copied / "comparisons" / PATCH
    durations = {leg.name: read_lines(leg / "bench_runs.jsonl")[0]["duration"] for leg in legs(copied, PATCH)}
    both.apply(Scene(folder, random.Random(0)))
    for leg in legs(copied, PATCH):
        changed = read_lines(leg / "bench_runs.jsonl")[0]["duration"]
        assert changed < durations[leg.name] if leg.name.endswith("candidate") else changed > durations[leg.name]


def test_a_campaign_is_seeded_and_accuses_no_honest_change(run: Path) -> None:
    honest = list(run_campaign(0, 2, 60.0, ["honest"], [run]))
    assert [result.outcome for result in honest if result.counts] == ["missed"] * 2
    again = list(run_campaign(0, 2, 60.0, ["honest"], [run]))
    assert [(result.mutation.name, result.subject, result.added) for result in again] == [
        (result.mutation.name, result.subject, result.added) for result in honest
    ]
    assert "honest     0 of 2 = 0.0%" in render_campaign(honest, show=False)


def test_a_campaign_ends_at_its_budget(run: Path) -> None:
    assert list(run_campaign(0, 1000, 0.0, ["told"], [run])) == []


def test_held_out_kinds_are_named_on_request_only() -> None:
    mutation = next(mutation for mutation in MUTATIONS if mutation.group == "held_out")
    attempts = [MutationResult(mutation, "run/patch", 0, "missed")]
    hidden = render_campaign(attempts, show=False)
    assert mutation.name not in hidden
    assert "held_out   0 of 1 = 0.0%" in hidden
    assert mutation.name in render_campaign(attempts, show=True)


def test_every_kind_changes_something_or_says_that_it_cannot(run: Path) -> None:
    """Kinds of a group are a sequence without gaps: none is missing from both."""
    assert sum(len(of_group(group)) for group in ("told", "held_out", "honest")) == len(MUTATIONS)
