"""The search policies: no repeats, deterministic, within budget, resumable, and hard to fool."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.tools.search.baselines import PlainTPE, RandomSearch
from bankable.tools.search.policy import SearchPolicy, SearchSettings
from bankable.tools.search.records import FinishedTrial, Trial, TrialOutcome
from bankable.tools.search.space import Dimension, SearchSpace
from bankable.tools.search.trial_log import Searcher

Maker = Callable[..., Searcher]
MAKERS: list[Maker] = [SearchPolicy, PlainTPE, RandomSearch]

SPACE = SearchSpace(
    (
        Dimension("stream_interval", (1, 8, 32), importance=0.5),
        Dimension("dtype", ("bfloat16", "float32"), importance=0.9),
        Dimension("disable_overlap_schedule", (None, True), importance=0.3),
        Dimension("max_running_requests", (None, 8, 4), importance=0.3),
        Dimension("OMP_NUM_THREADS", ("1", "2"), env=True, importance=0.2),
    )
)
EFFECT: dict[str, float] = {
    "stream_interval=8": 0.12,
    "stream_interval=32": 0.17,
    "dtype=float32": -0.1,
    "disable_overlap_schedule=True": 0.06,
    "max_running_requests=4": -0.3,
    "OMP_NUM_THREADS=2": -0.08,
}


def truth(trial: Trial) -> float:
    """Additive, with one interaction: threads pay off once the overlap is off."""
    names = {f"{k}={v}" for k, v in {**trial.flags, **trial.env}.items()}
    both = {"disable_overlap_schedule=True", "OMP_NUM_THREADS=2"} <= names
    return sum(EFFECT.get(n, 0.0) for n in names) + (0.12 if both else 0.0)


def measured(trial: Trial, seed: int = 0, sd: float = 0.02) -> TrialOutcome:
    rng = np.random.default_rng((seed, trial.id))
    return TrialOutcome(score=truth(trial) + float(rng.normal(0, sd)), cost_s=30.0)


def run(searcher: Searcher, answer: Callable[[Trial], TrialOutcome]) -> list[FinishedTrial]:
    told = []
    while (trial := searcher.ask()) is not None:
        outcome = answer(trial)
        searcher.tell(trial.id, outcome)
        told.append(FinishedTrial(trial=trial, outcome=outcome))
    return told


@pytest.mark.parametrize("make", MAKERS)
def test_never_asks_twice_and_stays_in_budget(make: Maker) -> None:
    told = run(make(SPACE, 600.0, 3), measured)
    settings_seen = [(tuple(sorted(t.trial.flags.items())), tuple(sorted(t.trial.env.items()))) for t in told]
    assert len(set(settings_seen)) == len(settings_seen)
    assert all(any(s) for s in settings_seen), "the reference itself is never a trial"
    assert sum(t.outcome.cost_s for t in told) <= 600.0
    assert [t.trial.id for t in told] == list(range(len(told)))


@pytest.mark.parametrize("make", MAKERS)
def test_same_seed_same_search(make: Maker) -> None:
    assert run(make(SPACE, 450.0, 7), measured) == run(make(SPACE, 450.0, 7), measured)


@pytest.mark.parametrize("make", [PlainTPE, RandomSearch])
def test_baselines_depend_on_the_seed(make: Maker) -> None:
    assert run(make(SPACE, 450.0, 7), measured) != run(make(SPACE, 450.0, 8), measured)


@pytest.mark.parametrize("make", MAKERS)
@given(cut=st.integers(0, 12), seed=st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_replaying_trials_continues_the_search(make: Maker, cut: int, seed: int) -> None:
    whole = run(make(SPACE, 480.0, seed), measured)
    head = whole[:cut]
    resumed = make(SPACE, 480.0, seed, history=head)
    assert head + run(resumed, measured) == whole


def test_tpe_learns_from_what_it_is_told() -> None:
    def later(make: Maker) -> float:
        runs = [
            run(make(SPACE, 25 * 30.0, seed), lambda t: TrialOutcome(score=truth(t), cost_s=30.0)) for seed in range(6)
        ]
        return float(np.mean([t.outcome.score for told in runs for t in told[12:]]))

    assert later(PlainTPE) > later(RandomSearch) + 0.015


@pytest.mark.parametrize("make", MAKERS)
def test_no_money_no_trial(make: Maker) -> None:
    assert make(SPACE, 0.0, 1).ask() is None


@pytest.mark.parametrize("make", MAKERS)
def test_a_trial_that_is_not_open_is_refused(make: Maker) -> None:
    searcher = make(SPACE, 100.0, 1)
    with pytest.raises(KeyError):
        searcher.tell(5, TrialOutcome(score=0.1, cost_s=1))


def test_screens_the_most_important_knob_first_and_builds_on_winners() -> None:
    told = run(SearchPolicy(SPACE, 600.0, 1), lambda t: TrialOutcome(score=truth(t), cost_s=30.0))
    screens = [t.trial for t in told if t.trial.stage == "screen"]
    assert screens[0].flags == {"dtype": "float32"}
    assert screens[1].flags == {"stream_interval": 8}, "float32 lost, so it is not the base"
    assert screens[2].flags == {"stream_interval": 8, "disable_overlap_schedule": True}


def test_finds_the_best_of_a_grid_with_an_interaction() -> None:
    hits = 0
    for seed in range(8):
        policy = SearchPolicy(SPACE, 40 * 30.0, seed)
        run(policy, partial(measured, seed=seed, sd=0.015))
        best = policy.best()
        assert best is not None
        hits += truth(best.trial) > math.log(0.99) + 0.17 + 0.06 + 0.04
    assert hits >= 7


def test_stops_by_itself_when_nothing_promises_a_gain() -> None:
    told = run(SearchPolicy(SPACE, 1e9, 1), lambda t: TrialOutcome(score=-0.2, cost_s=30.0))
    assert len(told) < SPACE.size() - 1


def test_recommends_nothing_when_nothing_beats_the_reference() -> None:
    policy = SearchPolicy(SPACE, 600.0, 1)
    run(policy, lambda t: TrialOutcome(score=-0.05, cost_s=30.0))
    assert policy.best() is None


def test_failed_settings_are_never_part_of_a_later_trial() -> None:
    def answer(trial: Trial) -> TrialOutcome:
        if trial.flags.get("dtype") == "float32":
            return TrialOutcome(failure="died_early", cost_s=50.0)
        return measured(trial)

    told = run(SearchPolicy(SPACE, 1200.0, 2), answer)
    assert [t.trial.flags for t in told if t.outcome.failure] == [{"dtype": "float32"}]


def test_a_failure_that_is_not_the_settings_fault_rules_nothing_out() -> None:
    def answer(trial: Trial) -> TrialOutcome:
        if trial.id == 0:
            return TrialOutcome(failure="port_taken", cost_s=5.0)
        return TrialOutcome(score=0.2 if "dtype" in trial.flags else 0.0, cost_s=30.0)

    told = run(SearchPolicy(SPACE, 1200.0, 2), answer)
    assert "dtype" in told[0].trial.flags
    assert any("dtype" in t.trial.flags for t in told[1:])


def test_a_batch_of_open_trials_spreads_out() -> None:
    policy = SearchPolicy(SPACE, 1e9, 1)
    asked = [policy.ask() for _ in range(8)]
    assert len({repr((a.flags, a.env)) for a in asked if a}) == 8


def test_a_lucky_score_is_shrunk() -> None:
    policy = SearchPolicy(SPACE, 600.0, 1)
    trial = policy.ask()
    assert trial is not None
    policy.tell(trial.id, TrialOutcome(score=0.2, cost_s=30.0))
    best = policy.best()
    assert best is not None
    assert 0.15 < best.score < 0.197
    assert best.sd is not None
    assert 0 < best.sd < 0.03


def test_a_bigger_space_than_can_be_enumerated_is_searched_too() -> None:
    wide = SearchSpace(tuple(Dimension(f"k{i}", (0, 1, 2, 3)) for i in range(8)))

    def answer(trial: Trial) -> TrialOutcome:
        return TrialOutcome(score=sum(0.02 * int(v) for v in trial.flags.values()), cost_s=10.0)

    policy = SearchPolicy(wide, 600.0, 4)
    run(policy, answer)
    best = policy.best()
    assert best is not None
    assert sum(int(v) for v in best.trial.flags.values()) >= 22, "24 is the top"


@pytest.mark.parametrize("width", [4, 8])
def test_trials_can_be_held_to_one_change_each(width: int) -> None:
    wide = SearchSpace(tuple(Dimension(f"k{i}", (0, 1, 2, 3)) for i in range(width)))
    told = run(
        SearchPolicy(wide, 1e9, 1, SearchSettings(max_changes=1)), lambda t: TrialOutcome(score=0.05, cost_s=30.0)
    )
    assert len(told) >= width
    assert {len(t.trial.flags) for t in told} == {1}


def test_the_stop_line_rises_with_the_best() -> None:
    told = run(SearchPolicy(SPACE, 600.0, 1), lambda t: TrialOutcome(score=truth(t), cost_s=30.0))
    lines = [t.trial.stop_below for t in told]
    assert lines[0] == pytest.approx(-0.09)
    assert lines[-1] is not None
    assert lines[-1] > 0.05


def test_an_outcome_is_a_score_or_a_failure() -> None:
    with pytest.raises(ValueError, match="either a score or a failure"):
        TrialOutcome(cost_s=1.0)
    with pytest.raises(ValueError, match="either a score or a failure"):
        TrialOutcome(cost_s=1.0, score=0.1, failure="stalled")
