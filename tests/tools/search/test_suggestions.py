"""What somebody else suggests is asked first, and takes nothing from the search's own trials."""

from __future__ import annotations

import pytest

from bankable.tools.evidence.records import Scalar
from bankable.tools.search.policy import SearchPolicy, SearchSettings
from bankable.tools.search.records import SUGGESTED, FinishedTrial, Trial
from tests.tools.search.test_policy import SPACE, measured

ONE = SearchSettings(max_changes=1)


def asked(policy: SearchPolicy, count: int) -> list[Trial]:
    """So many trials, measured."""
    trials = []
    while len(trials) < count and (trial := policy.ask()) is not None:
        trials.append(trial)
        policy.tell(trial.id, measured(trial))
    return trials


def test_suggestions_come_first_in_their_order() -> None:
    policy = SearchPolicy(SPACE, 10_000, 0, ONE)
    assert policy.suggest({"max_running_requests": 4}, {})
    assert policy.suggest({}, {"OMP_NUM_THREADS": "2"})
    first, second, third = asked(policy, 3)
    assert (first.flags, first.stage) == ({"max_running_requests": 4}, SUGGESTED)
    assert (second.env, second.stage) == ({"OMP_NUM_THREADS": "2"}, SUGGESTED)
    assert third.stage == "screen"


@pytest.mark.parametrize(
    "flags", [{"go_faster": True}, {"stream_interval": 9}, {}, {"stream_interval": 8, "dtype": "float32"}]
)
def test_what_has_no_place_is_refused(flags: dict[str, Scalar]) -> None:
    policy = SearchPolicy(SPACE, 10_000, 0, ONE)
    plain = SearchPolicy(SPACE, 10_000, 0, ONE)
    assert not policy.suggest(flags, {})
    assert asked(policy, 20) == asked(plain, 20)


def test_nothing_is_asked_twice() -> None:
    policy = SearchPolicy(SPACE, 10_000, 0, ONE)
    assert policy.suggest({"stream_interval": 32}, {})
    assert not policy.suggest({"stream_interval": 32}, {})
    trials = asked(policy, 50)
    assert not policy.suggest({"stream_interval": 32}, {})
    shown = [(trial.flags, trial.env) for trial in trials]
    assert all(shown.count(entry) == 1 for entry in shown)


def test_a_bad_suggestion_takes_no_screening_trial_away() -> None:
    policy, plain = SearchPolicy(SPACE, 10_000, 0, ONE), SearchPolicy(SPACE, 10_000, 0, ONE)
    policy.suggest({"max_running_requests": 4}, {})
    own = [entry.flags or entry.env for entry in asked(policy, 50) if entry.stage == "screen"]
    assert own == [item.flags or item.env for item in asked(plain, 50) if item.stage == "screen"]
    assert {"max_running_requests": 8} in own


def test_no_money_no_suggestion() -> None:
    policy = SearchPolicy(SPACE, 0, 0, ONE)
    assert policy.suggest({"stream_interval": 8}, {})
    assert policy.ask() is None


def test_a_replayed_search_goes_on_with_its_suggestions() -> None:
    whole = SearchPolicy(SPACE, 10_000, 0, ONE)
    whole.suggest({"max_running_requests": 4}, {})
    trials = asked(whole, 50)
    history = [FinishedTrial(trial=trial, outcome=measured(trial)) for trial in trials[:3]]
    assert [entry.model_dump() for entry in asked(SearchPolicy(SPACE, 10_000, 0, ONE, history), 50)] == [
        item.model_dump() for item in trials[3:]
    ]
