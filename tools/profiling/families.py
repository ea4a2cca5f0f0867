"""Operator names: which family an operator belongs to, and which symbols are one operator."""

from __future__ import annotations

import re

from bankable.tools.profiling.records import OperatorFamily

_EXACT: dict[OperatorFamily, frozenset[str]] = {
    OperatorFamily.MATMUL: frozenset(
        {"mm", "addmm", "bmm", "baddbmm", "matmul", "linear", "mv", "addmv", "dot", "einsum"}
    ),
    OperatorFamily.NORM: frozenset({"layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm", "group_norm"}),
    OperatorFamily.SAMPLING: frozenset(
        {"argmax", "multinomial", "sort", "topk", "cumsum", "exponential_", "searchsorted"}
    ),
    OperatorFamily.HOST: frozenset(
        {
            "as_strided",
            "slice",
            "select",
            "view",
            "_unsafe_view",
            "reshape",
            "_reshape_alias",
            "transpose",
            "t",
            "numpy_T",
            "permute",
            "movedim",
            "unsqueeze",
            "squeeze",
            "chunk",
            "split",
            "split_with_sizes",
            "narrow",
            "unbind",
            "flatten",
            "unflatten",
            "expand",
            "alias",
            "detach",
            "detach_",
            "lift_fresh",
            "resolve_conj",
            "resolve_neg",
            "result_type",
            "empty",
            "empty_strided",
            "empty_like",
            "new_empty",
            "resize_",
            "set_",
            "item",
            "_local_scalar_dense",
            "is_nonzero",
            "view_as",
            "expand_as",
            "type_as",
            "unfold",
            "pin_memory",
            "is_pinned",
        }
    ),
    OperatorFamily.COPY: frozenset(
        {
            "copy_",
            "to",
            "_to_copy",
            "clone",
            "contiguous",
            "cat",
            "stack",
            "fill_",
            "zero_",
            "zeros",
            "ones",
            "full",
            "zeros_like",
            "ones_like",
            "full_like",
            "new_zeros",
            "new_full",
            "index",
            "index_put_",
            "_index_put_impl_",
            "index_select",
            "index_copy_",
            "gather",
            "scatter",
            "scatter_",
            "embedding",
            "repeat",
            "repeat_interleave",
            "arange",
            "masked_fill_",
            "pad",
            "constant_pad_nd",
            "roll",
            "take",
            "nonzero",
        }
    ),
    OperatorFamily.ELEMENTWISE: frozenset(
        {
            "add",
            "sub",
            "rsub",
            "mul",
            "div",
            "pow",
            "neg",
            "abs",
            "exp",
            "log",
            "sqrt",
            "rsqrt",
            "sin",
            "cos",
            "tanh",
            "sigmoid",
            "relu",
            "silu",
            "gelu",
            "square",
            "reciprocal",
            "clamp",
            "minimum",
            "maximum",
            "where",
            "mean",
            "sum",
            "amax",
            "amin",
            "max",
            "min",
            "prod",
            "var",
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "logical_and",
            "logical_or",
            "logical_not",
            "bitwise_and",
            "bitwise_or",
            "bitwise_not",
            "remainder",
            "floor_divide",
            "any",
            "all",
            "cumprod",
            "softmax",
            "_softmax",
            "log_softmax",
            "addcmul",
            "lerp",
            "masked_fill",
            "isnan",
            "round",
            "floor",
            "ceil",
            "erf",
        }
    ),
}

_OWN = "sgl_kernel::"
_OWN_KERNELS: dict[OperatorFamily, frozenset[str]] = {
    OperatorFamily.MATMUL: frozenset(
        {
            "bmm_cpu",
            "fused_experts_cpu",
            "fused_input_proj_cpu",
            "fused_linear_sigmoid_mul",
            "fused_moe_router_cpu",
            "int8_scaled_mm_with_quant",
            "qkv_proj_with_rope",
            "qkv_proj_with_rope_fused_weight",
            "shared_expert_cpu",
            "weight_packed_linear",
        }
    ),
    OperatorFamily.NORM: frozenset({"l2norm_cpu"}),
    OperatorFamily.COPY: frozenset({"convert_scale_packed", "convert_weight_packed", "store_cache_cpu"}),
    OperatorFamily.ELEMENTWISE: frozenset(
        {
            "apply_rotary_pos_emb_cpu",
            "fused_sigmoid_mul_cpu",
            "multimodal_rotary_embedding_cpu",
            "rotary_embedding",
            "rotary_embedding_cpu",
        }
    ),
}
"""Operators of the engine's own kernel package whose names tell nothing, or too much."""

# Order matters: all_reduce_rms_norm waits for others, flash_fwd_splitkv_gemm is attention.
_PATTERNS: tuple[tuple[OperatorFamily, re.Pattern[str]], ...] = (
    (
        OperatorFamily.COMMUNICATION,
        re.compile(
            r"nccl|rccl|gloo|c10d::|all_?reduce|all_?gather|reduce_?scatter|all_?to_?all|broadcast_kernel|cross_device"
        ),
    ),
    (OperatorFamily.NORM, re.compile(r"rms_?norm|layer_?norm|_norm_|batch_?norm|group_?norm")),
    (
        OperatorFamily.ATTENTION,
        re.compile(
            r"scaled_dot_product|flash_|flash::|flashattn|fmha|attention|attn|paged|mla_|_fwd_kernel_stage|merge_state|prefill.*kv|decode.*kv"
        ),
    ),
    (
        OperatorFamily.SAMPLING,
        re.compile(r"sampl|top_?k|top_?p|argmax|arg_max|multinomial|radixsort|bitonicsort|gumbel"),
    ),
    (
        OperatorFamily.MATMUL,
        re.compile(
            r"gemm|gemv|cutlass|cublas|nvjet|hipblas|tensile|^cijk|splitk|matmul|_mm\b|scaled_mm|\bmm_|moe_kernel|fused_moe"
        ),
    ),
    (
        OperatorFamily.COPY,
        re.compile(
            r"memcpy|memset|copy|_cast|cat(array|_batch)|index(_|select|ing)|gather|scatter|embedding|fill|store_kv|set_kv"
        ),
    ),
    (
        OperatorFamily.ELEMENTWISE,
        re.compile(
            r"elementwise|silu|gelu|act_and_mul|rotary|rope|reduce_kernel|softmax|pointwise|triton_poi|triton_red|_mul_"
        ),
    ),
)

_GENERIC = re.compile(r"elementwise_kernel|reduce_kernel|elementwise_kernel_impl|index_elementwise|CatArray")
_FUNCTOR = re.compile(r"([A-Za-z_][A-Za-z0-9_]*(?:Functor|Ops|Op|_kernel_cuda|_kernel_impl))\b")
_TRITON_TAIL = re.compile(r"(_\d+[cd](?:\d+[cde]*)*|_\d+)$")


def family_of(op: str) -> OperatorFamily:
    """Family of an operator or kernel by its name; ``other`` when the name tells nothing."""
    if op.startswith(_OWN):
        for family, names in _OWN_KERNELS.items():
            if op.removeprefix(_OWN) in names:
                return family
    base = op.removeprefix("aten::")
    # add_ does what add does; the exceptions that end in an underscore are listed as they are.
    for family, names in _EXACT.items():
        if base in names or base.rstrip("_") in names:
            return family
    lowered = op.lower()
    return next((family for family, pattern in _PATTERNS if pattern.search(lowered)), OperatorFamily.OTHER)


def operator_of(symbol: str, launched_by: str | None = None) -> str:
    """Name under which a symbol is added up.

    The framework operator that launched a kernel where the trace says so: sixteen tile variants of one matrix
    product are then one operator (P01). Otherwise the kernel's name without template and call arguments, except for
    the framework's generic kernels, whose only telling part is the functor in the template (P06).
    """
    if launched_by is not None:
        return launched_by
    if "::" in symbol and "(" not in symbol and "<" not in symbol:
        return symbol
    name = symbol.removeprefix("void ")
    bare = _strip(name)
    if _GENERIC.search(bare):
        functor = _FUNCTOR.search(name.removeprefix(bare))
        return f"{bare}<{functor.group(1)}>" if functor else name
    return _TRITON_TAIL.sub("", bare) or name


def _strip(name: str) -> str:
    """``ns::f<A<B>>(x)`` → ``ns::f``; the anonymous namespace is not a call."""
    name = name.replace("(anonymous namespace)::", "")
    cut = min((at for at in (name.find("<"), name.find("(")) if at > 0), default=len(name))
    return name[:cut].strip()
