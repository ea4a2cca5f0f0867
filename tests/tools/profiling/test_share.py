"""Shares of operators that a kernel can replace, and what Amdahl's law promises of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.profiling.aggregate import aggregate
from bankable.tools.profiling.records import PhaseShare, Profile, StepPhase
from bankable.tools.profiling.share import operator_share, promised_gain


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """One step of 100 µs with one matrix product of 40."""
    path = tmp_path_factory.mktemp("trace") / "a.trace.json.gz"
    event = {"ph": "X", "pid": 1, "tid": 1, "cat": "cpu_op", "args": {}}
    events = [{**event, "name": "aten::mm", "ts": 10, "dur": 40}, {**event, "name": "aten::mul", "ts": 60, "dur": 40}]
    path.write_bytes(gzip.compress(json.dumps({"traceEvents": events}).encode()))
    return aggregate([path])


def test_an_operator_is_found_by_its_name(profile: Profile) -> None:
    mm = next(op for op in profile.ops if op.op == "aten::mm")
    assert operator_share(profile, "aten::mm") == pytest.approx(mm.wall_share)
    assert operator_share(profile, "nowhere") is None


def test_decode_attention_is_the_decode_part_of_its_chain(profile: Profile) -> None:
    phases = tuple(
        PhaseShare(phase=phase, us=us, count=1, share=0.5)
        for phase, us in ((StepPhase.PREFILL, 10.0), (StepPhase.DECODE, 30.0))
    )
    chain = {
        "name": "attention_per_request",
        "family": "attention",
        "us": 40.0,
        "count": 2,
        "share": 0.5,
        "calls_each": 7.0,
        "example": (),
        "phases": phases,
        "shapes": (),
    }
    seen = Profile.model_validate({**dict(profile), "chains": [chain], "operator_us": 80.0, "wall_us": 100.0})
    assert operator_share(seen, "decode_attention") == pytest.approx(0.30)
    assert operator_share(seen, "attention_per_request") == pytest.approx(0.40)


def test_sampling_is_there_where_something_is_selected(profile: Profile, tmp_path: Path) -> None:
    assert operator_share(profile, "top_k_sampling") is None
    event = {"ph": "X", "pid": 1, "tid": 1, "cat": "cpu_op", "args": {}}
    events = [{**event, "name": "aten::topk", "ts": 10, "dur": 20}, {**event, "name": "aten::mm", "ts": 60, "dur": 60}]
    path = tmp_path / "b.trace.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"traceEvents": events}).encode()))
    seen = aggregate([path])
    assert operator_share(seen, "top_k_sampling") == pytest.approx(operator_share(seen, "aten::topk"))
    assert operator_share(seen, "top_k_sampling") == pytest.approx(20 / 110)


def test_operators_of_the_engines_own_package_are_added_up(tmp_path: Path) -> None:
    event = {"ph": "X", "pid": 1, "tid": 1, "cat": "cpu_op", "args": {}}
    times = {"weight_packed_linear": 40, "fused_qk_norm_cpu": 10, "rotary_embedding_cpu": 20, "rmsnorm_cpu": 30}
    events, start = [], 0
    for name, duration in times.items():
        events.append({**event, "name": f"sgl_kernel::{name}", "ts": start, "dur": duration})
        start += duration
    path = tmp_path / "c.trace.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"traceEvents": events}).encode()))
    seen = aggregate([path])
    shares = {name: operator_share(seen, name) for name in ("qk_norm_rotary", "rotary", "rms_norm", "silu_and_mul")}
    assert shares == {
        "qk_norm_rotary": pytest.approx(0.3),
        "rotary": pytest.approx(0.2),
        "rms_norm": pytest.approx(0.3),
        "silu_and_mul": None,
    }
    assert next(op for op in seen.ops if "linear" in op.op).family.value == "matmul"


@given(st.floats(0, 1), st.floats(1, 1e6))
def test_the_promise_never_exceeds_the_share(share: float, speedup: float) -> None:
    gain = promised_gain(share, speedup)
    assert gain >= -1e-12
    assert 1 - 1 / (1 + gain) <= share + 1e-9


def test_the_promise_by_hand() -> None:
    assert promised_gain(0.5, 2.0) == pytest.approx(1 / 0.75 - 1)
    assert promised_gain(0.0, 9.0) == 0.0
