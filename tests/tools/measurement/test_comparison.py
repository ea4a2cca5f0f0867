"""A comparison: the plan first, then blocks until a declared look decides, then the claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.ledger import read_ledger
from bankable.tools.evidence.records import ComparisonKind, Failure, Plan, Side
from bankable.tools.evidence.store import EvidenceConflict
from bankable.tools.measurement.comparison import compare, declare, kv_tokens, read_claim
from bankable.tools.recorder.check import RecorderChain
from bankable.tools.recorder.client import Recorder
from bankable.tools.recorder.seeds import with_drawn_seeds
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

CLEAR = (0.20, 0.21, 0.19, 0.205, 0.195, 0.20, 0.20)
NOTHING = (0.004, -0.003, 0.002, -0.004, 0.001, 0.003, -0.002)
UNSURE = (0.05, -0.02, 0.07, -0.03, 0.06, 0.02, 0.04)
BLOCK_S = START_S + 6 * ROUND_S
"""Two launches at once, two warm-ups, four rounds, one at a time."""


def record_blocks(root: Path, gains: Sequence[float], comparison: str = "patch") -> Path:
    """Blocks whose candidate is faster by these fractions; the machine drifts from block to block."""
    for block, gain in enumerate(gains):
        rate = 100.0 + 3 * block
        record_leg(root, comparison, f"b{block:02d}-reference", BASE, [rate, rate])
        config = BASE if comparison == "control" else CHANGED
        record_leg(root, comparison, f"b{block:02d}-candidate", config, [rate * (1 + gain)] * 2)
    return root


def looking(looks: tuple[int, ...], kind: ComparisonKind = ComparisonKind.PATCH) -> Plan:
    return plan_of(kind, blocks=looks[-1]).model_copy(update={"looks": looks})


def test_the_plan_is_written_before_anything_is_launched(tmp_path: Path) -> None:
    context, events = replaying(record_blocks(tmp_path / "recorded", CLEAR[:1]), tmp_path / "run")
    plan = looking((1,))
    folder = declare(context, plan)
    assert Plan.model_validate_json((folder / "plan.json").read_bytes()) == plan
    assert [entry.path for entry in read_ledger(tmp_path / "run")] == ["run.json", "comparisons/patch/plan.json"]
    assert events == []
    assert declare(context, plan) == folder
    with pytest.raises(EvidenceConflict):
        declare(context, plan.model_copy(update={"alpha": 0.01}))


def test_a_clear_gain_is_claimed_at_the_first_look(tmp_path: Path) -> None:
    context, events = replaying(record_blocks(tmp_path / "recorded", CLEAR), tmp_path / "run")
    result = compare(context, looking((5, 7)), isolated={"rms_norm": 1.5})
    assert result.diffs == pytest.approx([math.log1p(gain) for gain in CLEAR[:5]])
    assert result.decision is not None
    assert (result.decision.verdict, result.decision.n, result.failure) == ("real", 5, None)
    claim = result.claim
    assert claim is not None
    mean = math.expm1(sum(math.log1p(gain) for gain in CLEAR[:5]) / 5)
    assert claim.delta == pytest.approx(mean)
    lower, upper = claim.interval
    assert 0.18 < lower < mean < upper < 0.22
    assert (claim.blocks, claim.decision, claim.lever, claim.isolated) == (5, "real", LEVER, {"rms_norm": 1.5})
    assert claim.reference.output_throughput == 106.0
    assert claim.candidate.output_throughput == pytest.approx(106.0 * 1.19), "the median over launches"
    assert claim.headline == (
        f"chunked_prefill_size=64: output throughput {mean:+.1%} [{lower:+.1%}, {upper:+.1%}] over 5 blocks"
    )
    assert read_claim(context, "patch") == claim
    assert next(event.text for event in events if event.kind == "block") == "patch block 0: +20.0%"
    assert not (tmp_path / "run" / "comparisons" / "patch" / "legs" / "b05-reference").exists()


def test_no_gain_is_claimed_as_none(tmp_path: Path) -> None:
    context, _ = replaying(record_blocks(tmp_path / "recorded", NOTHING), tmp_path / "run")
    result = compare(context, looking((5, 7)))
    assert result.decision is not None
    assert result.decision.verdict == "not_real"
    assert result.claim is not None
    assert (result.claim.decision, result.claim.interval[0] < 0.01) == ("not_real", True)


def test_an_undecided_comparison_goes_on_to_its_last_look(tmp_path: Path) -> None:
    context, _ = replaying(record_blocks(tmp_path / "recorded", UNSURE), tmp_path / "run")
    result = compare(context, looking((5, 7)))
    assert result.decision is not None
    assert (result.decision.n, result.decision.verdict, len(result.diffs)) == (7, "undecided", 7)


@pytest.mark.parametrize(("reserve_s", "blocks"), [(0.0, 7), (30.0, 5)])
def test_an_undecided_comparison_ends_when_the_time_is_up(reserve_s: float, blocks: int, tmp_path: Path) -> None:
    recorded = record_blocks(tmp_path / "recorded", UNSURE)
    context, events = replaying(recorded, tmp_path / "run", deadline=1000.0 + 7 * BLOCK_S)
    result = compare(context, looking((5, 7)), reserve_s)
    assert len(result.diffs) == blocks
    notes = [event.text for event in events if event.kind == "note"]
    assert notes == ([] if blocks == 7 else ["patch: undecided after 5 blocks; 2 more take 3 min, 3 are left"])


def test_a_launch_that_fails_ends_the_comparison_without_a_claim(tmp_path: Path) -> None:
    recorded, failure = record_blocks(tmp_path / "recorded", CLEAR[:1]), Failure(kind="bad_flag", line="no such option")
    record_leg(recorded, "patch", "b01-reference", BASE, [100.0, 100.0])
    record_leg(recorded, "patch", "b01-candidate", CHANGED, [], failure=failure)
    context, events = replaying(recorded, tmp_path / "run")
    result = compare(context, looking((5, 7)))
    assert (result.decision, result.claim, result.failure) == (None, None, failure)
    assert result.diffs == pytest.approx([math.log1p(CLEAR[0])])
    assert result.folder == "patch"
    assert [event.text for event in events if event.kind == "note"] == ["patch: bad_flag: no such option"]
    assert not (tmp_path / "run" / "comparisons" / "patch" / "claim.json").exists()


def test_a_control_has_no_lever_in_its_headline(tmp_path: Path) -> None:
    context, _ = replaying(record_blocks(tmp_path / "recorded", NOTHING, "control"), tmp_path / "run")
    claim = compare(context, looking((5,), ComparisonKind.CONTROL)).claim
    assert claim is not None
    assert claim.headline.startswith("no change: output throughput")


def test_the_kv_pool_is_read_from_the_reference(tmp_path: Path) -> None:
    context, _ = replaying(record_blocks(tmp_path / "recorded", CLEAR), tmp_path / "run")
    assert kv_tokens(context, "patch") is None
    compare(context, looking((5, 7)))
    assert kv_tokens(context, "patch") == 4096
    for side in Side:
        path = tmp_path / "run" / "comparisons" / "patch" / "legs" / f"b00-{side}" / "server_info.json"
        path.write_bytes(orjson.dumps({"max_total_num_tokens": "many" if side is Side.REFERENCE else 1}))
    assert kv_tokens(context, "patch") is None


def test_with_a_recorder_the_seeds_are_drawn_after_the_plan_and_a_resumed_run_goes_on_with_them(tmp_path: Path) -> None:
    context, _ = replaying(record_blocks(tmp_path / "recorded", CLEAR[:2]), tmp_path / "run")
    context.folder.close()
    plan = looking((2,))
    for _ in range(2):
        with RunFolder.open(tmp_path / "run", Recorder("live")) as folder:
            result = compare(replace(context, folder=folder), plan)
        assert result.plan == plan
    root = tmp_path / "run/comparisons/patch"
    assert Plan.model_validate_json((root / "plan.json").read_bytes()) == plan
    chain = RecorderChain((tmp_path / "run/recorder/chain.jsonl").read_bytes())
    assert len(chain.parts) == 1, "nothing was left to sign"
    drawn = with_drawn_seeds(plan, chain.nonces["comparisons/patch/plan.json"].nonce)
    for block in drawn.blocks:
        for side in Side:
            rounds = lines(root / f"legs/b{block.index:02d}-{side}/bench_runs.jsonl")
            assert tuple(row["bankable"]["seed"] for row in rounds) == block.seeds
