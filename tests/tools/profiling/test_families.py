"""Names of operators: what family, and which are the same."""

from __future__ import annotations

import pytest

from bankable.tools.profiling.families import family_of, operator_of
from bankable.tools.profiling.records import Family


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("aten::mm", Family.MATMUL),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", Family.ATTENTION),
        ("aten::div_", Family.ELEMENTWISE),
        ("aten::silu", Family.ELEMENTWISE),
        ("aten::_to_copy", Family.COPY),
        ("aten::copy_", Family.COPY),
        ("aten::_index_put_impl_", Family.COPY),
        ("aten::as_strided", Family.HOST),
        ("aten::item", Family.HOST),
        ("aten::argmax", Family.SAMPLING),
        ("aten::native_layer_norm", Family.NORM),
        ("nvjet_tst_64x8_64x16_4x1_v_bz_TNT", Family.MATMUL),
        ("void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm>(Params)", Family.MATMUL),
        ("Cijk_Alik_Bljk_BBS_BH_Bias_HAS", Family.MATMUL),
        ("flash::FlashAttnFwdSm90<x>", Family.ATTENTION),
        ("ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgs)", Family.COMMUNICATION),
        ("void sgl_hip::cross_device_reduce_1stage<bf16, 8>(x)", Family.COMMUNICATION),
        ("void flashinfer::norm::FusedAddRMSNormKernel<8u, bf16>(x)", Family.NORM),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::silu>(int)", Family.ELEMENTWISE),
        ("Memcpy DtoH (Device -> Pageable)", Family.COPY),
        ("something_new", Family.OTHER),
    ],
)
def test_family(name: str, family: Family) -> None:
    assert family_of(name) is family


def test_variants_of_one_kernel_are_one_operator() -> None:
    assert operator_of("void ns::gemm<128, 64>(Params)") == operator_of("void ns::gemm<64, 64>(Params)") == "ns::gemm"
    assert operator_of("_fwd_kernel_0d1d2d") == operator_of("_fwd_kernel_0d1d3c") == "_fwd_kernel"


def test_generic_kernels_with_different_functors_are_not_merged() -> None:
    kernel = "void at::native::vectorized_elementwise_kernel<4, at::native::{}, std::array<char*, 2> >(int)"
    add, fill = kernel.format("CUDAFunctor_add<float>"), kernel.format("FillFunctor<float>")
    assert operator_of(add) != operator_of(fill)
    assert operator_of(fill) == "at::native::vectorized_elementwise_kernel<FillFunctor>"


def test_a_framework_operator_names_its_kernels() -> None:
    assert operator_of("void cutlass::Kernel2<x>(P)", "aten::mm") == "aten::mm"


def test_the_anonymous_namespace_is_not_an_argument_list() -> None:
    assert operator_of("void (anonymous namespace)::softmax_warp<float>(float*)") == "softmax_warp"
