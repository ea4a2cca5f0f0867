"""Decode attention: one query of each request against all tokens that it has in the cache.

    out[b, h] = Σ w[t] · v[slot(b, t)];   w = softmax over t < seq_lens[b] of scale · q[b, h] · k[slot(b, t)]

Query heads share key heads in groups. Slots are scattered: row ``req_pool_indices[b]`` of ``req_to_token`` names them.
sglang's torch backend gathers keys and values of one request after another and calls SDPA for each.
"""

from __future__ import annotations

from bankable.kernels.operators import ragged
from bankable.kernels.operators.family import (
    THREAD_ROWS,
    UNROLL,
    VECTOR_BITS,
    Allowed,
    Dims,
    Family,
    OwnPoint,
    Parameter,
    TensorSpec,
)

FREE_ROWS, FREE_TOKENS = 2, 8
"""By which the pool of requests, and each of its rows, is larger than what a batch uses."""
BF16 = Allowed(
    2.0**-6,
    "SDPA rounds each weight to bf16: up to 2⁻⁸ of either sign in each term, with a standard deviation of 0.4 · 2⁻⁸ of "
    "the output's rms, of which 3 · 2⁻⁸ is seven; and 2⁻⁸ for rounding the output",
)
FP32 = Allowed(
    2.0**-16,
    "as many terms as tokens, added in fp32: SDPA was seen 54 steps of 2⁻²³ off at 8000 tokens; 128 are allowed",
)


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    batch, heads, kv_heads, head, kv_len = dims
    rows, longest = batch + FREE_ROWS, kv_len + FREE_TOKENS
    slots, used = rows * longest, ragged.total(batch, kv_len)
    cache, touched = (slots, kv_heads, head), used * kv_heads * head
    return (
        TensorSpec("query", (batch, heads, head), outlier="none", special=()),
        TensorSpec("k_cache", cache, touched=touched, outlier="row", special=()),
        TensorSpec("v_cache", cache, touched=touched, outlier="row"),
        TensorSpec("req_to_token", (rows, longest), "distinct", "int32", touched=used, limit=slots),
        TensorSpec("req_pool_indices", (batch,), "distinct", "int64", limit=rows),
        TensorSpec("seq_lens", (batch,), "lengths", "int64", limit=kv_len),
    )


def _outputs(dims: Dims) -> tuple[TensorSpec, ...]:
    batch, heads, _, head, _ = dims
    return (TensorSpec("out", (batch, heads, head)),)


def _flops(dims: Dims) -> int:
    """The two products, of queries with keys and of weights with values; what a softmax takes is left out."""
    batch, heads, _, head, kv_len = dims
    return 4 * heads * head * ragged.total(batch, kv_len)


def _lacks(dims: Dims) -> str:
    _, heads, kv_heads, _, _ = dims
    return "heads that are a multiple of kv_heads" if heads % kv_heads else ""


FAMILY = Family(
    name="decode_attention",
    title="decode attention",
    axes=("batch", "heads", "kv_heads", "head", "kv_len"),
    module="sglang.srt.layers.attention.torch_native_backend",
    attribute="TorchNativeAttnBackend._run_sdpa_forward_decode",
    inputs=_inputs,
    outputs=_outputs,
    flops=_flops,
    allowed={"bfloat16": BF16, "float32": FP32},
    parameters=(
        VECTOR_BITS,
        UNROLL,
        THREAD_ROWS,
        Parameter("block", (64, 32, 128), "tokens whose scores stand before their values are added up"),
        Parameter("prefetch", (16, 0, 8, 32), "tokens ahead of which a key is asked for; 0: none"),
    ),
    specialised=("head",),
    phase="decode",
    contracted=True,
    lacks=_lacks,
    native_outputs={"out": "batch * heads * head"},
    own=OwnPoint(
        "sglang.srt.layers.attention.intel_amx_backend", "IntelAMXAttnBackend.forward_decode", "own_adapter.py"
    ),
)
