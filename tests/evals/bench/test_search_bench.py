"""The search bench on a made-up landscape whose truth is known."""

from __future__ import annotations

import math

import pytest

from bankable.evals.bench.effects import effects
from bankable.evals.bench.search import bench, draw_outcome, search_once, table
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Scalar
from bankable.tools.search.baselines import RandomSearch
from bankable.tools.search.policy import SearchPolicy
from bankable.tools.search.records import BestTrial, Trial
from bankable.tools.search.space import SearchSpace
from tests.evals.bench.builders import GRID, landscape, true_log


def space() -> SearchSpace:
    return landscape().space()


def test_drift_between_batches_is_taken_out() -> None:
    seen = effects(landscape(noise=0.0, drift=0.3))
    for point, recorded in seen.recorded.items():
        assert recorded.truth == pytest.approx(true_log(*space().settings(point)), abs=1e-9)
    assert seen.noise_sd < 1e-9
    assert seen.batch_sd == pytest.approx(0.3, rel=0.35)


def test_noise_is_estimated_without_the_fits_flattery() -> None:
    estimates = [effects(landscape(noise=0.02, drift=d)).noise_sd for d in (0.0, 0.3)]
    assert estimates == pytest.approx([0.02, 0.02], rel=0.3)


def test_best_and_cost_of_a_pass() -> None:
    seen = effects(landscape(noise=0.0))
    assert space().settings(seen.best()) == (
        {"stream_interval": 32, "disable_overlap_schedule": True},
        {"OMP_NUM_THREADS": "2"},
    )
    assert seen.pass_s() == pytest.approx(23 * (80 / 4 + 12))


def test_a_launch_is_the_same_for_every_policy_and_another_for_another_seed() -> None:
    seen = effects(landscape())
    trial = Trial(id=0, flags={"stream_interval": 8}, stage="screen")
    later = Trial(id=9, flags={"stream_interval": 8}, stage="sample")
    assert draw_outcome(seen, space(), trial, 3) == draw_outcome(seen, space(), later, 3)
    assert len({draw_outcome(seen, space(), trial, s).score for s in range(30)}) > 3


def test_scores_average_to_the_truth() -> None:
    seen = effects(landscape(noise=0.02))
    trial = Trial(id=0, flags={"stream_interval": 32}, stage="screen")
    scores = [draw_outcome(seen, space(), trial, s).score or 0.0 for s in range(300)]
    deviations = [x.deviation for x in seen.recorded[(2, 0, 0, 0)].launches]
    expected = seen.recorded[(2, 0, 0, 0)].truth + sum(deviations) / 3 - sum(seen.reference_deviations) / 3
    assert sum(scores) / 300 == pytest.approx(expected, abs=0.005)


def test_a_launch_that_failed_fails_in_the_search() -> None:
    seen = effects(landscape(fails="float32"))
    trial = Trial(id=0, flags={"dtype": "float32"}, stage="screen")
    assert {draw_outcome(seen, space(), trial, s).failure for s in range(5)} == {"died_early"}
    assert seen.recorded[(0, 0, 1, 0)].truth == -math.inf
    run = search_once(SearchPolicy, seen, space(), 1)
    assert math.isfinite(run.regret)


def test_settled_means_stays_settled() -> None:
    run = search_once(SearchPolicy, effects(landscape(noise=0.0)), space(), 0)
    assert run.regret <= -math.log(0.99)
    assert run.settled_s <= run.spent_s
    assert run.trials <= 23


def test_a_recommendation_that_is_left_again_does_not_count() -> None:
    top: dict[str, Scalar] = {"stream_interval": 32, "disable_overlap_schedule": True}

    class Wavering(RandomSearch):
        """Recommends the best, then the reference, then the best again, then stops."""

        def __init__(self, space: SearchSpace, budget_s: float, seed: int) -> None:
            super().__init__(space, budget_s, seed)
            self.said = 0

        def ask(self) -> Trial | None:
            return None if self.said == 3 else super().ask()

        def best(self) -> BestTrial | None:
            self.said += 1
            best = Trial(id=0, flags=top, env={"OMP_NUM_THREADS": "2"}, stage="sample")
            return None if self.said == 2 else BestTrial(trial=best, score=0.25, sd=None)

    run = search_once(Wavering, effects(landscape(noise=0.0)), space(), 0)
    assert run.trials == 3
    assert run.settled_s == run.spent_s == pytest.approx(3 * 32)


def test_a_search_that_ends_elsewhere_never_settled() -> None:
    class Never(RandomSearch):
        def best(self) -> None:
            return None

    run = search_once(Never, effects(landscape(noise=0.0)), space(), 0)
    assert math.isinf(run.settled_s)
    assert run.regret == pytest.approx(0.25, abs=1e-6)


def test_ours_needs_less_than_random_here() -> None:
    seen = effects(landscape(noise=0.01))
    scores = {s.policy: s for s in bench(seen, space(), seeds=6)}
    assert set(scores) == {"ours", "no stop", "plain TPE", "random"}
    assert scores["ours"].spent_minutes < scores["random"].spent_minutes
    assert scores["ours"].minutes[1] <= scores["random"].minutes[1]
    assert scores["ours"].reached >= 0.75
    text = table(list(scores.values()), seen)
    assert "24 configurations" in text
    assert seen.standard_error() == pytest.approx(seen.noise_sd / math.sqrt(3))
    assert f"known to ±{100 * seen.standard_error():.1f} %" in text
    assert len(text.splitlines()) == 10


def test_how_near_counts_is_asked_for() -> None:
    """Every search that settles within 1 % has settled within 30 % no later."""
    seen = effects(landscape(noise=0.01))
    strict, lenient = (search_once(SearchPolicy, seen, space(), 3, within=within) for within in (0.01, 0.30))
    assert lenient.settled_s <= strict.settled_s
    assert lenient.regret == strict.regret
    assert search_once(SearchPolicy, seen, space(), 3, within=0.0).settled_s >= strict.settled_s


def test_an_unfinished_landscape_is_refused() -> None:
    whole = landscape()
    part = whole.model_copy(update={"launches": [r for r in whole.launches if r.point != [0, 1, 0, 0]]})
    with pytest.raises(UserError, match="1 of 24 configurations are not recorded"):
        effects(part)
    with pytest.raises(UserError, match="too few launches"):
        effects(landscape(launches=1))
    assert len(GRID) == 4
