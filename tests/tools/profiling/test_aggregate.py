"""From traces to shares."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from bankable.tools.errors import UserError
from bankable.tools.profiling.aggregate import aggregate
from bankable.tools.profiling.records import OperatorFamily, Profile, StepPhase
from tests.tools.profiling.traces import kernel, launch, op, span, write

REAL = Path(__file__).parents[2] / "data" / "steps-cut-TP-0.trace.json.gz"
"""One prefill and two decode steps of Qwen3 (hidden 256, 4 layers, bf16) on sglang 0.5.23, CPU, cut from 80 steps."""


@pytest.fixture(scope="module")
def real() -> Profile:
    return aggregate([REAL])


def _profile(tmp_path: Path, events: list[Any], **options: Any) -> Profile:
    return aggregate([write(tmp_path / "t.gz", events, **options)])


class TestRealTrace:
    def test_steps_and_phases(self, real: Profile) -> None:
        mix = [(m.phase, m.steps, m.requests, m.tokens) for m in real.phases]
        assert mix == [(StepPhase.PREFILL, 1, 1, 766), (StepPhase.DECODE, 2, 16, 16)]
        assert (real.phase_source, real.steps, real.first_phase) == ("markers", 3, StepPhase.DECODE)
        assert real.tokens_per_decoded == 766 / 16

    def test_times_add_up(self, real: Profile) -> None:
        assert math.isclose(sum(o.us for o in real.ops), real.operator_us, rel_tol=1e-9)
        assert math.isclose(sum(o.share for o in real.ops), 1.0, rel_tol=1e-9)
        assert math.isclose(sum(f.share for f in real.families), 1.0, rel_tol=1e-9)
        assert math.isclose(real.operator_us, real.covered_us, rel_tol=1e-6), "one thread: nothing may count twice"
        assert math.isclose(sum(m.wall_us for m in real.phases), real.wall_us, rel_tol=1e-9)
        assert math.isclose(real.wall_us + real.idle_us, real.window_us, rel_tol=1e-9)
        assert 0.2 < real.host_share < 0.6

    def test_every_matrix_product_is_found_with_its_shapes(self, real: Profile) -> None:
        products = next(o for o in real.ops if o.op == "aten::mm")
        # 4 layers × 4 projections + the logits, three steps
        assert (products.count, products.family) == (3 * (4 * 4 + 1), OperatorFamily.MATMUL)
        assert [(p.phase, p.count) for p in products.phases] == [(StepPhase.PREFILL, 17), (StepPhase.DECODE, 34)]
        assert any(
            s.dims == "[[8,256],[256,1024]]" and s.phases == {StepPhase.DECODE: 2 * (4 + 1)} for s in products.shapes
        )
        assert real.blank_shape_share == 0.0

    def test_norms_and_attention_are_found_as_logical_operators(self, real: Profile) -> None:
        chains = {c.name: c for c in real.chains}
        # per layer: q, k and the post-attention norm; input norms of layers 2-4 and the last one are fused with the add
        assert chains["rms_norm"].count == 3 * (4 * 2 + 1)
        assert chains["fused_add_rms_norm"].count == 3 * 8
        assert chains["rotary_embedding"].count == 3 * 4 * 2
        assert chains["silu_and_mul"].count == 3 * 4
        assert chains["attention_per_request"].count == 4 * (1 + 8 + 8)
        assert chains["rms_norm"].example[1:7] == tuple(
            f"aten::{n}" for n in ("pow", "mean", "add", "rsqrt", "mul", "mul")
        )
        assert sum(c.share for c in real.chains) < 1.0
        # P01: no single call of the norms comes near what the norms cost together
        assert chains["rms_norm"].share + chains["fused_add_rms_norm"].share > 0.25

    def test_the_record_survives_a_round_trip(self, real: Profile) -> None:
        assert Profile.model_validate_json(real.model_dump_json()) == real


def test_self_time_and_host_share(tmp_path: Path) -> None:
    profile = _profile(
        tmp_path,
        [
            span("step[EXTEND bs=2 toks=60]", 0, 100),
            op("aten::linear", 10, 40, [[60, 8]]),
            op("aten::mm", 20, 30, [[60, 8], [8, 8]]),
            span("step[DECODE bs=2]", 100, 50),
            op("aten::mm", 110, 10, [[2, 8], [8, 8]]),
            op("aten::add", 130, 10),
            op("aten::mul", 500, 10, [[1]]),
        ],
    )
    assert {o.op: (o.us, o.count) for o in profile.ops} == {
        "aten::mm": (40, 2),
        "aten::linear": (10, 1),
        "aten::add": (10, 1),
    }
    assert (profile.operator_us, profile.wall_us, profile.covered_us, profile.outside_us) == (60, 150, 60, 10)
    assert profile.host_share == pytest.approx(0.6)
    assert profile.blank_shape_share == pytest.approx(10 / 60)
    assert profile.ops[0].share == pytest.approx(40 / 60)
    assert profile.ops[0].wall_share == pytest.approx(40 / 150)
    assert {p.phase: p.share for p in profile.ops[0].phases} == pytest.approx(
        {StepPhase.PREFILL: 0.75, StepPhase.DECODE: 0.5}
    )
    assert profile.notes == ()


def test_what_runs_while_idle_is_outside(tmp_path: Path) -> None:
    profile = _profile(
        tmp_path,
        [
            span("step[DECODE bs=1]", 0, 10),
            op("aten::mm", 0, 10, [[1]]),
            span("scheduler.idle", 20, 60),
            op("aten::add", 30, 5, [[1]]),
            span("step[DECODE bs=1]", 100, 10),
        ],
    )
    assert (profile.wall_us, profile.idle_us, profile.outside_us, profile.operator_us) == (50, 60, 5, 10)
    assert profile.host_share == pytest.approx(0.8)
    assert any("idle for 55%" in note for note in profile.notes)


def test_a_window_without_decode_or_without_prefill_says_so(tmp_path: Path) -> None:
    ramp = _profile(tmp_path, [span("step[EXTEND bs=1 toks=9]", 0, 9), op("aten::mm", 0, 9, [[1]])])
    assert any("prefill ramp" in note for note in ramp.notes)
    assert ramp.tokens_per_decoded is None
    steady = _profile(tmp_path, [span("step[DECODE bs=1]", 0, 9), op("aten::mm", 0, 9, [[1]])])
    assert any("no prefill step" in note for note in steady.notes)


def test_prompts_out_of_the_prefix_cache_are_called_out(tmp_path: Path) -> None:
    cached = _profile(
        tmp_path,
        [span("step[EXTEND bs=7 toks=7]", 0, 9), op("aten::mm", 0, 9, [[1]]), span("step[DECODE bs=7]", 10, 9)],
    )
    assert any("prefix cache" in note for note in cached.notes)


def test_without_steps_everything_counts_and_nothing_is_claimed(tmp_path: Path) -> None:
    profile = _profile(tmp_path, [op("aten::mm", 5, 10, [[1]]), op("aten::add", 25, 5, [[1]])])
    assert (profile.phase_source, profile.steps, profile.phases, profile.first_phase) == ("none", 0, (), None)
    assert (profile.wall_us, profile.operator_us, profile.unphased_share) == (25, 15, 1.0)


class TestGpu:
    def test_kernels_replace_operators_and_borrow_shapes_from_their_launcher(self, tmp_path: Path) -> None:
        profile = _profile(
            tmp_path,
            [
                span("step[EXTEND bs=1 toks=60]", 0, 10),
                op("aten::mm", 1, 2, [[60, 8], [8, 8]], external=5),
                launch(1.5, 100),
                span("step[DECODE bs=1]", 10, 40),
                kernel("void cutlass::Kernel2<big>(P)", 20, 20, correlation=100, external=5),
                launch(11, 101),
                kernel("void cutlass::Kernel2<small>(P)", 42, 5, correlation=101),
            ],
        )
        assert profile.device == "gpu"
        assert [(o.op, o.us, o.launched_by) for o in profile.ops] == [
            ("aten::mm", 20, ("aten::mm",)),
            ("cutlass::Kernel2", 5, ()),
        ]
        assert profile.ops[0].shapes[0].dims == "[[60,8],[8,8]]"
        # launched during prefill, ran while the host had gone on to decode
        assert [p.phase for p in profile.ops[0].phases] == [StepPhase.PREFILL]
        assert profile.blank_shape_share == pytest.approx(0.2)
        assert profile.host_share == pytest.approx(0.5)

    def test_spans_on_the_device_clock_decide_where_they_exist(self, tmp_path: Path) -> None:
        profile = _profile(
            tmp_path,
            [
                span("step[EXTEND bs=1 toks=60]", 0, 1),
                span("step[DECODE bs=1]", 1, 1),
                span("step[EXTEND bs=1 toks=60]", 50, 30, category="gpu_user_annotation"),
                span("step[DECODE bs=1]", 90, 10, category="gpu_user_annotation"),
                kernel("k1", 55, 20),
                kernel("k2", 91, 9),
            ],
        )
        assert {o.op: o.phases[0].phase for o in profile.ops} == {"k1": StepPhase.PREFILL, "k2": StepPhase.DECODE}
        assert profile.wall_us == 50

    def test_a_waiting_collective_is_settled_at_its_median(self, tmp_path: Path) -> None:
        reduce = "ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgs)"
        events = [span("step[DECODE bs=1]", 0, 1000), *[kernel(reduce, i * 10, 1) for i in range(9)]]
        profile = _profile(tmp_path, [*events, kernel(reduce, 100, 91), kernel("gemm", 300, 90)])
        top = profile.ops[0]
        assert (top.family, top.us) == (OperatorFamily.COMMUNICATION, 100)
        assert top.share == pytest.approx(100 / 190)
        assert (top.mean_us, top.median_us, top.skew) == (10, 1, 10)
        assert top.settled_share == pytest.approx(10 / 100)
        assert profile.ops[1].settled_share == pytest.approx(90 / 100)
        assert any("waits for other ranks" in note for note in profile.notes)


def test_ranks_are_summed(tmp_path: Path) -> None:
    events = [span("step[DECODE bs=1]", 0, 10), op("aten::mm", 0, 4, [[1]])]
    paths = [write(tmp_path / f"{rank}.gz", events) for rank in range(2)]
    profile = aggregate(paths)
    assert (len(profile.traces), profile.operator_us, profile.wall_us, profile.steps) == (2, 8, 20, 2)
    assert profile.host_share == pytest.approx(0.6)


def test_a_torn_trace_is_used_and_reported(tmp_path: Path) -> None:
    events = [span("step[DECODE bs=1]", 0, 10), op("aten::mm", 0, 4, [[1]]), op("aten::lost", 5, 1)]
    profile = _profile(tmp_path, events, cut=60)
    assert profile.traces[0].torn
    assert any("ends early" in note for note in profile.notes)


def test_nothing_to_add_up_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no trace to read"):
        aggregate([])
    with pytest.raises(UserError, match="no operator inside a step"):
        _profile(tmp_path, [span("step[DECODE bs=1]", 0, 10)])
