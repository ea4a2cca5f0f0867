"""RMSNorm of every head of queries and keys, and then their rotary embedding, in one pass: as Qwen3 has it.

sglang's ``Qwen3Attention.forward_prepare_native`` norms queries, norms keys and turns both, each a call of its own with
what lies between in memory. Rounded here where it is rounded there: after the norm, and at both products and their sum.
"""

from __future__ import annotations

from bankable.kernels.operators.family import Allowed, Dims, Family, TensorSpec
from bankable.kernels.operators.rms_norm import definition as rms_norm
from bankable.kernels.operators.rotary import definition as rotary


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    tokens, heads, kv_heads, head = dims
    return (
        TensorSpec("positions", (tokens,), "positions", "int64", limit=rotary.POSITIONS),
        TensorSpec("query", (tokens, heads * head)),
        TensorSpec("key", (tokens, kv_heads * head)),
        TensorSpec("query_weight", (head,), "weight"),
        TensorSpec("key_weight", (head,), "weight"),
        TensorSpec("table", (rotary.POSITIONS, head), "table", touched=tokens * head),
    )


def _flops(dims: Dims) -> int:
    tokens, heads, kv_heads, head = dims
    return 7 * tokens * (heads + kv_heads) * head


FAMILY = Family(
    name="qk_norm_rotary",
    title="QK norm + rotary embedding",
    axes=rotary.FAMILY.axes,
    module="sglang.srt.models.qwen3",
    attribute="Qwen3Attention.forward_prepare_native",
    branch="after the projection",
    inputs=_inputs,
    outputs=rotary.FAMILY.outputs,
    flops=_flops,
    allowed={
        "bfloat16": Allowed(
            2.0**-5,
            "the norm, two products and their sum are rounded to bf16, of terms up to five times the rms; more than "
            "four steps of bf16 would let a cut of precision through",
        ),
        "float32": Allowed(2.0**-17, "the sum of a norm in any order, two products and their sum, of such terms"),
    },
    specialised=("head",),
    scalars=rms_norm.FAMILY.scalars,
    lacks=rotary.FAMILY.lacks,
    native_outputs=rotary.FAMILY.native_outputs,
    own_lacks="the engine's own kernel writes to its inputs, which an isolated benchmark has to leave alone",
)
