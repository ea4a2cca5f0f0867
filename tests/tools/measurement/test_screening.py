"""Screening: one launch beside a reference that stays up, loaded in turns; it chooses and never banks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bankable.tools.evidence.records import Failure, LegRecord, Lever, Side
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.measurement.screening import Screening, read_trials
from bankable.tools.serving.driver import LaunchFailed
from tests.tools.measurement.recordings import (
    BASE,
    CHANGED,
    LEVER,
    ROUND_S,
    START_S,
    lines,
    plan_of,
    record_leg,
    replaying,
)


def screened(
    tmp_path: Path, rates: Sequence[float], **changes: Any
) -> tuple[Screening, RunContext, list[ProgressEvent]]:
    """A session whose reference serves 100 tokens per second and whose trial 0 serves ``rates``, round by round."""
    recorded = tmp_path / "recorded"
    record_leg(recorded, "search", "reference-0", BASE, [100.0] * 6)
    record_leg(recorded, "search", "trial-000", CHANGED, rates, **changes)
    context, events = replaying(recorded, tmp_path / "run")
    plan = plan_of().model_copy(update={"lever": Lever()})
    return Screening(context, plan, "first"), context, events


def leg(tmp_path: Path, name: str) -> LegRecord:
    return LegRecord.model_validate_json((tmp_path / "run" / "search" / "legs" / name / "leg.json").read_bytes())


def test_the_score_is_the_median_log_ratio_over_two_pairs(tmp_path: Path) -> None:
    screening, context, events = screened(tmp_path, [110.0, 112.0, 150.0])
    with screening:
        result = screening.measure(0, LEVER)
    assert result.score == pytest.approx((math.log(1.10) + math.log(1.12)) / 2)
    assert (result.trial, result.search, result.flags, result.rounds, result.failure) == (
        "trial-000",
        "first",
        {"chunked_prefill_size": 64},
        2,
        None,
    )
    assert result.cost_s == START_S + 5 * ROUND_S, "a launch, a warm-up, two pairs"
    assert [event.text for event in events if event.kind == "round"] == [
        "trial-000 pair 0: +10.0%",
        "trial-000 pair 1: +12.0%",
    ]
    assert [event.text for event in events if event.kind == "trial"] == ["trial-000: chunked_prefill_size=64: +11.0%"]
    assert read_trials(context) == [result]


def test_sides_change_places_from_pair_to_pair_and_share_their_seed(tmp_path: Path) -> None:
    screening, _, _ = screened(tmp_path, [110.0, 112.0])
    with screening:
        screening.measure(0, LEVER)
    legs = tmp_path / "run" / "search" / "legs"
    stamps = [
        (run["bankable"]["started"], name, run["bankable"]["seed"])
        for name in ("reference-0", "trial-000")
        for run in lines(legs / name / "bench_runs.jsonl")
    ]
    assert [name for _, name, _ in sorted(stamps)] == ["reference-0", "trial-000", "trial-000", "reference-0"]
    seeds = [seed for _, _, seed in sorted(stamps)]
    assert seeds == [1_000_004, 1_000_004, 2_000_007, 2_000_007]


def test_a_third_pair_settles_two_that_disagree(tmp_path: Path) -> None:
    screening, _, _ = screened(tmp_path, [110.0, 130.0, 112.0])
    with screening:
        result = screening.measure(0, LEVER)
    assert result.rounds == 3
    assert result.score == pytest.approx(math.log(1.12))


def test_a_hopeless_candidate_is_given_up_after_one_pair(tmp_path: Path) -> None:
    screening, _, _ = screened(tmp_path, [92.0, 120.0])
    with screening:
        result = screening.measure(0, LEVER)
    assert result.rounds == 1
    assert result.score == pytest.approx(math.log(0.92))


def test_a_launch_that_fails_is_a_trial_without_a_score(tmp_path: Path) -> None:
    failure = Failure(kind="out_of_memory", line="MemoryError")
    screening, context, events = screened(tmp_path, [], failure=failure)
    with screening:
        result = screening.measure(0, LEVER)
    assert (result.score, result.rounds, result.failure) == (None, 0, failure)
    assert leg(tmp_path, "trial-000").status == "failed"
    assert [event.text for event in events if event.kind == "trial"] == [
        "trial-000: chunked_prefill_size=64: out_of_memory"
    ]
    assert read_trials(context) == [result]


def test_a_server_that_dies_in_a_round_has_no_score(tmp_path: Path) -> None:
    failure = Failure(kind="died_in_round", line="Killed")
    screening, _, _ = screened(tmp_path, [110.0], failure=failure)
    with screening:
        result = screening.measure(0, LEVER)
    assert (result.score, result.rounds, result.failure) == (None, 1, failure)
    assert leg(tmp_path, "trial-000").failure == failure


def test_a_flag_that_did_not_take_effect_is_not_loaded(tmp_path: Path) -> None:
    screening, _, _ = screened(tmp_path, [110.0], resolved={"chunked_prefill_size": 512})
    with screening:
        result = screening.measure(0, LEVER)
    assert result.failure == Failure(
        kind="unsupported", line="chunked_prefill_size=64 did not take effect: the server has 512"
    )
    assert (result.rounds, leg(tmp_path, "trial-000").warmups) == (0, 0)


def test_the_reference_stays_up_over_trials_and_is_closed_on_leaving(tmp_path: Path) -> None:
    screening, context, _ = screened(tmp_path, [110.0, 112.0])
    record_leg(tmp_path / "recorded", "search", "trial-001", CHANGED, [105.0, 106.0])
    context, _ = replaying(tmp_path / "recorded", tmp_path / "second")
    with Screening(context, screening.plan, "first") as session:
        scores = [session.measure(number, LEVER).score for number in (0, 1)]
        assert not (tmp_path / "second" / "search" / "legs" / "reference-0" / "leg.json").exists()
    assert [round(math.expm1(score or 0), 3) for score in scores] == [0.11, 0.055]
    closed = tmp_path / "second" / "search" / "legs" / "reference-0" / "leg.json"
    record = LegRecord.model_validate_json(closed.read_bytes())
    assert (record.side, record.status, record.timed_rounds, record.warmups) == (Side.REFERENCE, "complete", 4, 1)


def test_a_finished_trial_is_recalled_and_not_launched(tmp_path: Path) -> None:
    screening, context, events = screened(tmp_path, [110.0, 112.0])
    with screening:
        result = screening.measure(0, LEVER, "llm")
    before, told = context.driver.clock(), len(events)
    assert Screening(context, screening.plan, "first").measure(0, LEVER) == result
    assert (context.driver.clock(), len(events)) == (before, told)


def test_a_trial_whose_line_was_never_written_counts_as_unseen(tmp_path: Path) -> None:
    screening, context, _ = screened(tmp_path, [110.0, 112.0])
    with screening:
        screening.measure(0, LEVER)
    (tmp_path / "run" / "search" / "trials.jsonl").unlink()
    result = Screening(context, screening.plan, "first").measure(0, LEVER)
    assert (result.score, result.rounds) == (None, 2)
    assert result.failure == Failure(kind="unsupported", line="interrupted before the result was written")


def test_a_resumed_search_starts_a_reference_of_its_own(tmp_path: Path) -> None:
    screening, context, _ = screened(tmp_path, [110.0, 112.0])
    with screening:
        screening.measure(0, LEVER)
    with Screening(context, screening.plan, "first") as resumed:
        resumed.measure(1, LEVER)
    assert resumed.session == 1
    assert leg(tmp_path, "reference-1").block == 1


def test_without_a_reference_there_is_no_search(tmp_path: Path) -> None:
    record_leg(tmp_path / "recorded", "search", "trial-000", CHANGED, [110.0])
    context, _ = replaying(tmp_path / "recorded", tmp_path / "run")
    with (
        pytest.raises(LaunchFailed, match="not_recorded"),
        Screening(context, plan_of().model_copy(update={"lever": Lever()}), "first") as screening,
    ):
        screening.measure(0, LEVER)
    assert leg(tmp_path, "reference-0").status == "failed"


@pytest.mark.parametrize(("source", "written"), [(None, False), ("policy", True), ("llm", True)])
def test_whose_idea_it_was_is_written_only_where_a_model_took_part(source: Any, written: bool, tmp_path: Path) -> None:
    screening, _, _ = screened(tmp_path, [110.0, 112.0])
    with screening:
        result = screening.measure(0, LEVER, source)
    (line,) = lines(tmp_path / "run" / "search" / "trials.jsonl")
    assert result.source == source
    assert ("source" in line, line.get("source")) == (written, source)
