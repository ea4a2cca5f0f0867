"""Generated frauds over a recorded run are counted by group, held-out kinds without their names."""

from __future__ import annotations

from bankable.evals.cli.redteam import render_campaign
from bankable.evals.redteam.campaign import SUBJECTS, MutationResult, run_campaign
from bankable.evals.redteam.mutations import MUTATIONS


def test_half_of_the_frauds_are_held_out_and_names_are_unique() -> None:
    groups = [mutation.group for mutation in MUTATIONS]
    assert abs(groups.count("told") - groups.count("held_out")) <= 1
    assert groups.count("honest") >= 5
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


def test_a_campaign_catches_frauds_and_accuses_no_honest_change() -> None:
    told = list(run_campaign(0, 2, 60.0, ["told"], SUBJECTS[:1]))
    honest = list(run_campaign(0, 3, 60.0, ["honest"], SUBJECTS[:1]))
    assert [attempt.mutation.name for attempt in told] == ["scale_candidate", "drop_requests"]
    assert all(attempt.added for attempt in told)
    assert [attempt.added for attempt in honest] == [(), (), ()]
    assert "told       2 of 2" in render_campaign([*told, *honest], show=False)


def test_held_out_kinds_are_named_on_request_only() -> None:
    mutation = next(mutation for mutation in MUTATIONS if mutation.group == "held_out")
    attempts = [MutationResult(mutation, SUBJECTS[0], 0, ())]
    assert mutation.name not in render_campaign(attempts, show=False)
    assert f"{mutation.name}" in render_campaign(attempts, show=True)
