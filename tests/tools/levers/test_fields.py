"""Classes of server-information fields: what may differ between two legs, and on what grounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bankable.tools.levers import classify_field, find_explained, knob, server_arguments

NAMES = Path(__file__).parents[2] / "data" / "server_info_fields.json"
"""Field names that a real server of sglang 0.5.23 answered, outer ones and those of ``internal_states``."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model_path", "identity"),
        ("version", "identity"),
        ("skip_tokenizer_init", "identity"),
        ("port", "volatile"),
        ("startup_time", "volatile"),
        ("random_seed", "volatile"),
        ("launch_command", "volatile"),
        ("memory_usage", "volatile"),
        ("last_gen_throughput", "volatile"),
        ("max_total_num_tokens", "derived"),
        ("cuda_graph_config", "derived"),
        ("world_size", "derived"),
        ("stream_interval", "lever"),
        ("tp_size", "lever"),
        ("mem_fraction_static", "lever"),
        ("enable_hierarchical_cache", "lever"),
        ("a_field_of_the_future", "unknown"),
    ],
)
def test_class_of_a_field(name: str, expected: str) -> None:
    assert classify_field(name) == expected


def test_every_field_of_a_real_server_has_a_class() -> None:
    names = json.loads(NAMES.read_text())
    assert len(names) > 550
    assert [n for n in names if classify_field(n) == "unknown"] == []


def test_no_knob_may_be_declared_over_an_identity() -> None:
    assert [n for n in server_arguments() if classify_field(n) == "identity" and knob(n) is not None] == []


def test_a_derived_field_names_the_knobs_that_explain_it() -> None:
    assert "max_running_requests" in find_explained("pp_max_micro_batch_size")
    assert "mem_fraction_static" in find_explained("max_total_num_tokens")
    assert "stream_interval" not in find_explained("max_total_num_tokens")
    assert find_explained("model_path") == []
