"""Names of operators: what family, and which are the same."""

from __future__ import annotations

import pytest

from bankable.tools.profiling.families import family_of, operator_of
from bankable.tools.profiling.records import OperatorFamily


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("aten::mm", OperatorFamily.MATMUL),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", OperatorFamily.ATTENTION),
        ("aten::div_", OperatorFamily.ELEMENTWISE),
        ("aten::silu", OperatorFamily.ELEMENTWISE),
        ("aten::_to_copy", OperatorFamily.COPY),
        ("aten::copy_", OperatorFamily.COPY),
        ("aten::_index_put_impl_", OperatorFamily.COPY),
        ("aten::as_strided", OperatorFamily.HOST),
        ("aten::item", OperatorFamily.HOST),
        ("aten::argmax", OperatorFamily.SAMPLING),
        ("aten::native_layer_norm", OperatorFamily.NORM),
        ("nvjet_tst_64x8_64x16_4x1_v_bz_TNT", OperatorFamily.MATMUL),
        ("void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm>(Params)", OperatorFamily.MATMUL),
        ("Cijk_Alik_Bljk_BBS_BH_Bias_HAS", OperatorFamily.MATMUL),
        ("flash::FlashAttnFwdSm90<x>", OperatorFamily.ATTENTION),
        ("ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgs)", OperatorFamily.COMMUNICATION),
        ("void sgl_hip::cross_device_reduce_1stage<bf16, 8>(x)", OperatorFamily.COMMUNICATION),
        ("void flashinfer::norm::FusedAddRMSNormKernel<8u, bf16>(x)", OperatorFamily.NORM),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::silu>(int)", OperatorFamily.ELEMENTWISE),
        ("Memcpy DtoH (Device -> Pageable)", OperatorFamily.COPY),
        ("sgl_kernel::weight_packed_linear", OperatorFamily.MATMUL),
        ("sgl_kernel::fused_experts_cpu", OperatorFamily.MATMUL),
        ("sgl_kernel::fp8_scaled_mm_cpu", OperatorFamily.MATMUL),
        ("sgl_kernel::rmsnorm_cpu", OperatorFamily.NORM),
        ("sgl_kernel::fused_add_rmsnorm_cpu", OperatorFamily.NORM),
        ("sgl_kernel::fused_qk_norm_cpu", OperatorFamily.NORM),
        ("sgl_kernel::rotary_embedding_cpu", OperatorFamily.ELEMENTWISE),
        ("sgl_kernel::silu_and_mul_cpu", OperatorFamily.ELEMENTWISE),
        ("sgl_kernel::decode_attention_cpu", OperatorFamily.ATTENTION),
        ("sgl_kernel::extend_attention_cpu", OperatorFamily.ATTENTION),
        ("sgl_kernel::shm_allreduce", OperatorFamily.COMMUNICATION),
        ("sgl_kernel::store_cache_cpu", OperatorFamily.COPY),
        ("something_new", OperatorFamily.OTHER),
    ],
)
def test_family(name: str, family: OperatorFamily) -> None:
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
