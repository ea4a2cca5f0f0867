"""Amdahl decides which operators are worth a kernel."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from bankable.kernels.operators import FAMILIES
from bankable.nodes.kernel_extractor import LIKELY, WORTH, rank_operators
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.share import promised_gain


def profile(**shares: float) -> Profile:
    """As far as shares are read from it: chains of so much of 100 µs."""
    chains = [SimpleNamespace(name=name, share=share, phases=()) for name, share in shares.items()]
    return cast(Profile, SimpleNamespace(chains=chains, ops=(), operator_us=100.0, wall_us=100.0))


def test_the_most_promising_comes_first_and_the_small_are_skipped_with_the_figure() -> None:
    found = rank_operators(profile(fused_add_rms_norm=0.08, rms_norm=0.12, silu_and_mul=0.006))
    assert {item.operator for item in found} == set(FAMILIES)
    assert [element.operator for element in found if not element.reason] == ["rms_norm", "fused_add_rms_norm"]
    skipped = {entry.operator: entry.reason for entry in found if entry.reason}
    assert skipped["silu_and_mul"] == "0.6% of the time: at most +0.5% at 4×"
    assert skipped["decode_attention"].startswith("0.0% of the time")


def test_the_border_is_the_promised_gain() -> None:
    share = 1 - 1 / (1 + WORTH)
    at = share / (1 - 1 / LIKELY)
    assert promised_gain(at, LIKELY) == pytest.approx(WORTH)
    assert [operator.operator for operator in rank_operators(profile(rms_norm=1.01 * at)) if not operator.reason] == [
        "rms_norm"
    ]
    assert [entry.operator for entry in rank_operators(profile(rms_norm=0.99 * at)) if not entry.reason] == []
