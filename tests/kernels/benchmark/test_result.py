"""The claim is what the rows say, and says no more than they do."""

from __future__ import annotations

import math

import pytest

from bankable.kernels.benchmark.result import derive_claim, find_slow_peers, is_sound, score_candidates
from bankable.tools.evidence.harness import (
    Correctness,
    Intact,
    OpRun,
    PatchPoint,
    ServedShape,
    SourceFile,
    Task,
    Tolerance,
)

DIGESTS = {"live": "a" * 64, "fast": "b" * 64, "slow": "c" * 64}
RIGHT = Correctness(
    pid=9,
    checked_calls=4,
    secret_seeds=4,
    elements=100,
    relative_error=0.001,
    mismatch_share=0.0,
    poison_intact=True,
    ran_before_expected=True,
    changes_with_input=True,
    same_pointer_recheck=True,
)
TASK = Task(
    run_id="r",
    operator="rms_norm",
    family="rms_norm",
    seam=PatchPoint(module="m", attribute="a"),
    live_backend="native",
    live_source=SourceFile(path="sglang/x.py", digest=DIGESTS["live"]),
    launch_mode="eager",
    device="cpu",
    dtype="bfloat16",
    tolerance=Tolerance(relative_error=0.005, reason="why"),
    captured_at=0.0,
    shapes=tuple(
        ServedShape(key=key, dims=((4, 4),), dtypes=("bfloat16",), phase="decode", calls=calls, held_out=not calls)
        for key, calls in (("4x4", 900), ("8x4", 100), ("5x4", 0))
    ),
)
TIMES = {
    "live": {"4x4": 40.0, "8x4": 80.0, "5x4": 40.0},
    "fast": {"4x4": 10.0, "8x4": 80.0, "5x4": 20.0},
    "slow": {"4x4": 50.0, "8x4": 90.0, "5x4": 50.0},
}


def row(name: str, key: str, index: int, **changes: object) -> OpRun:
    source = SourceFile(path=f"{name}.cpp", digest=DIGESTS[name])
    base = OpRun(
        run_id="r",
        operator="rms_norm",
        role="reference" if name == "live" else "candidate",
        backend=f"{name}-backend",
        implementation=name,
        source=source,
        resolved=source,
        executed=name,
        shape=key,
        round=index,
        pid=1,
        started=0,
        ended=1,
        launch_mode="eager",
        timer="t",
        warmup_calls=1,
        timed_calls=3,
        cache="rotated",
        samples_ns=(1e9, TIMES[name][key] * 1.01**index, 1.0),
        intact=Intact(clock=True, synchronize=True, checker=True),
        correctness=None if name == "live" else RIGHT,
    )
    return base.model_copy(update=changes)


def rows(*names: str, rounds: int = 6) -> list[OpRun]:
    return [row(name, key, index) for index in range(rounds) for name in names for key in TIMES[name]]


def test_the_winner_is_weighted_by_served_calls_and_medians():
    said = derive_claim(TASK, rows("live", "fast", "slow"), "native", 0.01)
    assert (said.outcome, said.winner, said.winner_backend) == ("winner", "fast", "fast-backend")
    assert said.speedup == pytest.approx((900 * 40 + 100 * 80) / (900 * 10 + 100 * 80))
    assert said.shapes == pytest.approx({"4x4": 4.0, "8x4": 1.0, "5x4": 2.0})
    assert said.interval == pytest.approx((said.speedup, said.speedup))


def test_nothing_faster_is_no_win_and_nothing_measured_is_an_error():
    assert derive_claim(TASK, rows("live", "slow"), "native", 0.01).outcome == "no_win"
    broken = [entry.model_copy(update={"raised": "crashed"}) for entry in rows("fast")]
    assert derive_claim(TASK, rows("live") + broken, "native", 0.01).outcome == "harness_error"


def test_slow_peers_are_torchs_own_only_and_slow_beside_a_sound_best():
    first = rows("live", "fast", "slow", rounds=1)  # in all 53 and 17 µs a call
    ratio = (900 * 50 + 100 * 90) / (900 * 10 + 100 * 80)
    peers = [
        entry.model_copy(update={"backend": "torch"}) if entry.implementation == "slow" else entry for entry in first
    ]
    assert find_slow_peers(TASK, peers, 2.0, 0.01) == {"slow": pytest.approx(ratio)}
    assert find_slow_peers(TASK, peers, 1.01 * ratio, 0.01) == {}
    assert find_slow_peers(TASK, first, 2.0, 0.01) == {}, "a kernel of ours stays"
    broken = [
        entry.model_copy(update={"executed": None}) if entry.implementation == "fast" else entry for entry in peers
    ]
    assert find_slow_peers(TASK, broken, 2.0, 0.01) == {}, "what is not right is not what another is slow beside"


def test_a_peer_that_left_after_one_round_wins_nothing():
    left = [entry for entry in rows("live", "fast", "slow") if entry.implementation != "fast" or entry.round == 0]
    assert derive_claim(TASK, left, "native", 0.01).winner is None


def test_few_rounds_win_nothing():
    said = derive_claim(TASK, rows("live", "fast", rounds=2), "native", 0.01)
    assert (said.outcome, said.winner, said.speedup) == ("no_win", None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"raised": "crashed: SIGSEGV"},
        {"samples_ns": ()},
        {"executed": None},
        {"correctness": None},
        {"intact": None},
        {"resolved": SourceFile(path="other.cpp", digest="d" * 64)},
        {"intact": Intact(clock=False, synchronize=True, checker=True)},
        {"correctness": RIGHT.model_copy(update={"poison_intact": False})},
        {"correctness": RIGHT.model_copy(update={"changes_with_input": False})},
        {"correctness": RIGHT.model_copy(update={"same_pointer_recheck": False})},
        {"correctness": RIGHT.model_copy(update={"relative_error": None})},
        {"correctness": RIGHT.model_copy(update={"mismatch_share": 0.01})},
    ],
)
def test_one_unsound_row_puts_a_candidate_out(changes):
    taken = rows("live", "fast", "slow")
    taken[-4] = taken[-4].model_copy(update=changes)
    assert not is_sound(TASK, taken[-4])
    assert [score.implementation for score in score_candidates(TASK, taken, 0.01)] == ["slow"]
    assert math.exp(score_candidates(TASK, taken, 0.01)[0].decision.mean) < 1
