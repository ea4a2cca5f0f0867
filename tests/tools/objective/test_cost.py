"""Costs follow from a price, the devices of a server and its rate; without a rate there is none."""

from __future__ import annotations

import pytest

from bankable.tools.evidence.devices import count_devices
from bankable.tools.objective.cost import cost_of_million_tokens, cost_of_thousand_requests


def test_a_million_tokens_at_a_rate() -> None:
    assert cost_of_million_tokens(3.6, 1, 1000.0) == pytest.approx(1.0)
    assert cost_of_million_tokens(3.6, 8, 1000.0) == pytest.approx(8.0)
    assert cost_of_million_tokens(3.6, 1, 0.0) is None


def test_a_thousand_good_requests() -> None:
    assert cost_of_thousand_requests(3.6, 1, 10.0) == pytest.approx(0.1)
    assert cost_of_thousand_requests(3.6, 1, 0.0) is None


def test_devices_are_the_product_of_the_degrees_of_parallelism() -> None:
    assert count_devices({}) == 1
    assert count_devices({"tp_size": 4, "dp_size": 2, "chunked_prefill_size": 64}) == 8
    assert count_devices({"tp_size": "many"}) == 1
    assert count_devices({"tp_size": 8, "dp_size": 2, "enable_dp_attention": True}) == 8, (
        "inside the tensor-parallel group"
    )
