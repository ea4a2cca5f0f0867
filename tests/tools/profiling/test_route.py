"""Origins follow from symbols, and the route from origins and corrected shares."""

from __future__ import annotations

import pytest

from bankable.evals.fixtures.build.profile import operator
from bankable.tools.profiling.records import OpShare, Profile
from bankable.tools.profiling.route import origin_of, route_of, settled_wall_share


def _op(symbol: str, family: str = "matmul", share: float = 0.5, skew: float = 1.0) -> OpShare:
    return OpShare.model_validate(operator(symbol, family, share, wall=1.0, skew=skew))


@pytest.mark.parametrize(
    ("symbol", "origin"),
    [
        ("aten::mm", "framework"),
        ("void at::native::vectorized_elementwise_kernel<4>", "framework"),
        ("ampere_bf16_s16816gemm_bf16_128x64_ldg8_f2f_stages_64x4_tn", "library"),
        ("Cijk_Ailk_Bljk_BBS_BH_MT128x128x32", "library"),
        ("void flash_fwd_splitkv_kernel<Flash_fwd>", "library"),
        ("sgl_kernel::rmsnorm", "engine"),
        ("_fwd_grouped_kernel_stage1", "triton"),
        ("ncclDevKernel_AllReduce_Sum_bf16_RING_LL", "runtime"),
        ("Memcpy DtoH (Device -> Pinned)", "runtime"),
        ("something else entirely", "unknown"),
    ],
)
def test_origins(symbol: str, origin: str) -> None:
    if symbol.startswith("_fwd_grouped"):
        symbol = "_fwd_grouped_kernel"
    assert origin_of(_op(symbol)) == origin


def test_a_waiting_collective_is_routed_by_what_it_costs() -> None:
    assert settled_wall_share(_op("ncclDevKernel_AllReduce", "communication", 0.5, skew=5.0)) == pytest.approx(0.1)


def test_the_route_holds_everything_above_a_hundredth_largest_first() -> None:
    ops = [_op("aten::copy_", "copy", 0.3), _op("aten::mm", share=0.6), _op("aten::view", "host", 0.095)]
    ops.append(_op("aten::small", share=0.005))
    route = route_of(Profile.model_construct(ops=tuple(ops)))
    assert [entry.op for entry in route.ops] == ["aten::mm", "aten::copy_", "aten::view"]
    assert [item.target for item in route.ops] == ["operator", "operator", "configuration"]
