"""The knob registry: every name is real, and every entry says what the auditor and the search need."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.levers import ALL_KNOBS, Knob, Situation, Touches, knob, knobs_for, server_arguments

SITUATIONS = st.builds(
    Situation,
    device=st.sampled_from(["cpu", "cuda", "rocm"]),
    cores=st.integers(1, 128),
    accelerators=st.integers(0, 8),
    input_len=st.integers(1, 8192),
    output_len=st.integers(1, 4096),
    concurrency=st.integers(1, 512),
    model_dtype=st.sampled_from(["bfloat16", "float16", "float32"]),
    kv_tokens=st.integers(256, 1 << 20),
)
FIELDS_OF_THE_ENGINE = """
import json
from sglang.srt.server_args import ServerArgs
print(json.dumps(ServerArgs.__struct_fields__))
"""


def engine_python() -> Path | None:
    given = os.environ.get("BANKABLE_ENGINE_PYTHON")
    path = Path(given) if given else Path(__file__).parents[3] / ".venv-engine" / "bin" / "python"
    return path if path.exists() else None


@pytest.mark.live
@pytest.mark.skipif(engine_python() is None, reason="no engine installed")
def test_the_list_of_server_arguments_is_the_engines(tmp_path: Path) -> None:
    answer = subprocess.run(
        [str(engine_python()), "-c", FIELDS_OF_THE_ENGINE],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        check=True,
    )
    assert set(json.loads(answer.stdout.splitlines()[-1])) == server_arguments()


def test_every_flag_is_a_server_argument() -> None:
    assert [k.name for k in ALL_KNOBS if not k.env and k.name not in server_arguments()] == []
    assert len(ALL_KNOBS) == len({k.name for k in ALL_KNOBS}) >= 30


def test_every_condition_names_a_knob() -> None:
    assert [(k.name, n) for k in ALL_KNOBS for n in (k.condition or {}) if knob(n) is None] == []


def test_lookup_by_name() -> None:
    found = knob("stream_interval")
    assert found is not None
    assert found.touches == (Touches.STREAMING, Touches.PROCESS)
    assert knob("no_such_flag") is None


@given(SITUATIONS)
def test_candidates_never_hold_the_default_or_a_repeat(situation: Situation) -> None:
    for k in ALL_KNOBS:
        values = k.candidates(situation)
        assert k.default not in values
        assert len(set(values)) == len(values)


@given(SITUATIONS)
def test_numbers_stay_in_the_range_that_can_matter(situation: Situation) -> None:
    def numbers(name: str) -> list[float]:
        found = knob(name)
        assert found is not None
        return [float(str(v)) for v in found.candidates(situation)]

    assert all(v <= situation.output_len for v in numbers("stream_interval"))
    assert all(v <= max(64, situation.input_len * situation.concurrency) for v in numbers("chunked_prefill_size"))
    assert all(v <= situation.concurrency for v in numbers("max_running_requests"))
    assert all(v < situation.concurrency for v in numbers("prefill_max_requests"))
    assert all(v <= situation.cores for v in numbers("OMP_NUM_THREADS"))
    assert all(v <= situation.accelerators for v in numbers("tp_size"))


def test_what_changes_numbers_or_memory_says_so() -> None:
    def named(test: str) -> set[str]:
        return {k.name for k in ALL_KNOBS if getattr(k, test)}

    assert {"dtype", "kv_cache_dtype", "quantization", "speculative_algorithm"} <= named("changes_numerics")
    assert {"mem_fraction_static", "max_total_tokens", "kv_cache_dtype", "dtype"} <= named("capacity")
    assert not {"stream_interval", "log_level", "schedule_policy"} & (named("changes_numerics") | named("capacity"))


def test_only_implementations_are_class_a() -> None:
    assert {k.name for k in ALL_KNOBS if k.lever_class == "A"} == {
        "attention_backend",
        "sampling_backend",
        "enable_torch_compile",
        "cuda_graph_max_bs_decode",
        "disable_cuda_graph_padding",
        "triton_attention_num_kv_splits",
    }


def test_knobs_for_a_cpu_keep_what_works_there_and_say_why_not() -> None:
    kept, dropped = knobs_for("cpu", server_arguments(), Situation())
    names, notes = {k.name for k in kept}, {d.name: d.note for d in dropped}
    assert {"stream_interval", "dtype", "disable_overlap_schedule", "OMP_NUM_THREADS"} <= names
    assert "read nowhere" in notes["num_continuous_decode_steps"]
    assert notes["enable_torch_compile"].startswith("only for cuda, rocm")
    assert notes["tokenizer_worker_num"].startswith("no value other than the default")
    assert names.isdisjoint(notes)
    assert len(kept) + len(dropped) == len(ALL_KNOBS)


def test_an_unknown_flag_is_dropped_with_a_note() -> None:
    kept, dropped = knobs_for("cuda", {"stream_interval"})
    assert [k.name for k in kept] == ["stream_interval"]
    assert {d.note for d in dropped if d.name == "dtype"} == {"this engine does not know the flag"}


def test_a_conditional_knob_applies_only_under_its_condition() -> None:
    eviction = knob("radix_eviction_policy")
    assert isinstance(eviction, Knob)
    assert eviction.applies({})
    assert eviction.applies({"disable_radix_cache": False})
    assert not eviction.applies({"disable_radix_cache": True})


def test_every_knob_has_a_class_and_a_reason_for_it() -> None:
    for entry in ALL_KNOBS:
        assert entry.lever_class in ("A", "B")
        assert len(entry.reason.split()) >= 6, entry.name
    assert len({item.reason for item in ALL_KNOBS}) == len(ALL_KNOBS)
