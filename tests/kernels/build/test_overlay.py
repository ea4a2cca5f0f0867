"""The overlay of an operator's default kernel, as its source is read by the auditor."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.kernels.build.overlay import _kernel, patch_of
from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES
from bankable.tools.levers.overlay import read_overlay
from bankable.tools.overlay.folder import write_overlay
from bankable.tools.profiling.replaced import replaced_work

SERVING = {"qk_norm_rotary", "top_k_sampling"}
"""Their patch points are in the engine's models and in its sampler, which decide about more than an operator."""


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_an_operators_overlay_is_the_same_work_by_its_source(name: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    dtype = "bfloat16" if "bfloat16" in family.allowed else "float32"
    source = render(family, dtype)
    kernel = _kernel(family, dtype, source.implementation, source.text, dict(source.choices))
    write_overlay(tmp_path / "overlay", [patch_of(family, dtype, "replace")], {name: kernel})
    folder = tmp_path / "overlay"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    reading = read_overlay(files)
    assert reading.lever_class == ("B" if name in SERVING else "A"), reading.reasons


def test_operators_that_share_a_patch_point_hand_calls_on() -> None:
    """So that nobody takes the other's calls for calls that a kernel did not answer."""
    points = {name: (family.module, family.attribute) for name, family in FAMILIES.items()}
    sharing = {name for name, point in points.items() if list(points.values()).count(point) > 1}
    assert sharing == {"linear", "prefill_linear", "rms_norm", "fused_add_rms_norm"}
    assert sharing == {name for name, work in replaced_work().items() if work.shared}


def test_dimensions_that_vary_start_with_rows() -> None:
    assert {name: work.free for name, work in replaced_work().items() if work.free != (0,)} == {
        "decode_attention": (0, 4),
        "top_k_sampling": (0, 2),
    }
