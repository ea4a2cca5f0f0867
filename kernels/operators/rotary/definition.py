"""Rotary embedding of queries and keys: pairs of elements turn by the angle of the token's position.

The halves of a head are the pairs (NeoX style). sglang's ``forward_native`` rounds both products and their sum to the
dtype; the kernels here do the same, so outputs are equal bits in bf16 and in fp32.
"""

from __future__ import annotations

from bankable.kernels.operators.family import Allowed, Dims, Family, TensorSpec

POSITIONS = 4096
"""Rows of the table of cosines and sines."""


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    tokens, heads, kv_heads, head = dims
    return (
        TensorSpec("positions", (tokens,), "positions", "int64", limit=POSITIONS),
        TensorSpec("query", (tokens, heads * head)),
        TensorSpec("key", (tokens, kv_heads * head)),
        TensorSpec("table", (POSITIONS, head), "table", touched=tokens * head),
    )


def _outputs(dims: Dims) -> tuple[TensorSpec, ...]:
    tokens, heads, kv_heads, head = dims
    return TensorSpec("query_out", (tokens, heads * head)), TensorSpec("key_out", (tokens, kv_heads * head))


def _flops(dims: Dims) -> int:
    tokens, heads, kv_heads, head = dims
    return 3 * tokens * (heads + kv_heads) * head


def _lacks(dims: Dims) -> str:
    return "even heads" if dims[-1] % 2 else ""


FAMILY = Family(
    name="rotary",
    title="rotary embedding",
    axes=("tokens", "heads", "kv_heads", "head"),
    module="sglang.srt.layers.rotary_embedding.base",
    attribute="RotaryEmbedding.forward_native",
    inputs=_inputs,
    outputs=_outputs,
    flops=_flops,
    allowed={
        "bfloat16": Allowed(
            2.0**-5, "two products and their sum are rounded to bf16, of terms up to five times the rms"
        ),
        "float32": Allowed(2.0**-20, "two products and their sum are rounded to fp32: eight steps of 2⁻²³"),
    },
    specialised=("head",),
    lacks=_lacks,
    native_outputs={"query_out": "tokens * heads * head", "key_out": "tokens * kv_heads * head"},
    own_lacks="the engine's own kernel writes to its inputs, which an isolated benchmark has to leave alone",
)
