"""Sizes at which the operators are tested: a new operator has a line in each table.

Imports nothing: scripts under the engine's interpreter read it, too.
"""

from __future__ import annotations

SERVED: dict[str, tuple[int, ...]] = {
    "rms_norm": (4, 256),
    "fused_add_rms_norm": (4, 256),
    "silu_and_mul": (4, 768),
    "rotary": (4, 4, 2, 64),
    "decode_attention": (4, 4, 2, 64, 144),
    "linear": (4, 768, 256),
    "prefill_linear": (128, 768, 256),
    "qk_norm_rotary": (4, 4, 2, 64),
    "top_k_sampling": (4, 1024, 20),
}
"""One served shape."""
CHECKED: dict[str, list[tuple[int, ...]]] = {
    "rms_norm": [(1, 1), (4, 256), (3, 37), (130, 72)],
    "fused_add_rms_norm": [(1, 2), (4, 256), (3, 37), (130, 72)],
    "silu_and_mul": [(1, 1), (4, 768), (3, 37), (130, 72)],
    "rotary": [(1, 1, 1, 2), (4, 4, 2, 64), (7, 3, 1, 46), (130, 2, 1, 32)],
    "decode_attention": [
        (1, 1, 1, 1, 1),
        (12, 4, 2, 64, 144),
        (3, 7, 1, 46, 37),
        (130, 2, 2, 16, 20),
        (2, 8, 1, 200, 1000),
        (5, 6, 6, 33, 65),
        (3, 3, 1, 128, 1),
    ],
    "qk_norm_rotary": [(1, 1, 1, 2), (4, 4, 2, 64), (7, 3, 1, 46), (130, 2, 1, 32)],
    "linear": [
        (1, 1, 1),
        (4, 768, 256),
        (3, 37, 67),
        (17, 100, 36),
        (16, 64, 32),
        (5, 1030, 130),
        (1, 16, 31),
        (33, 65, 260),
    ],
    "prefill_linear": [
        (65, 1, 1),
        (128, 512, 256),
        (70, 37, 67),
        (130, 100, 36),
        (97, 64, 32),
        (200, 300, 130),
        (100, 16, 31),
        (67, 65, 260),
    ],
    "top_k_sampling": [
        (1, 1, 1),
        (12, 1024, 20),
        (3, 37, 37),
        (130, 333, 7),
        (5, 4096, 50),
        (2, 40000, 600),
        (4, 600, 1),
        (3, 999, 500),
    ],
}
"""One element, a served shape, no multiple of a vector, and more rows than the threads' threshold. For attention also
all query heads with one key head, as many key heads as query heads, many tokens, and a single one. For linear more
rows than a tile has; where columns are no multiple of 32, torch's library lets what lies behind a row into its sums,
and is not asked. For sampling the whole vocabulary, a single token, and more of them than are ranked."""
INTERPRETED: dict[str, list[tuple[int, ...]]] = {
    "rms_norm": [(1, 1), (4, 256), (3, 37)],
    "fused_add_rms_norm": [(1, 2), (3, 37)],
    "silu_and_mul": [(1, 1), (3, 37), (2, 1100)],
    "rotary": [(1, 1, 1, 2), (4, 4, 2, 64), (5, 3, 1, 46)],
    "qk_norm_rotary": [(1, 1, 1, 2), (4, 4, 2, 64), (5, 3, 1, 46)],
    "decode_attention": [(1, 1, 1, 16, 1), (3, 4, 2, 64, 70), (2, 6, 2, 46, 300)],
    "linear": [(1, 1, 1), (4, 96, 64), (5, 37, 301), (64, 48, 40)],
    "prefill_linear": [(65, 1, 1), (70, 37, 67), (130, 96, 64)],
    "top_k_sampling": [(1, 1, 1), (2, 40, 7), (1, 2500, 50)],
}
"""For Triton's interpreter: one element, whole blocks, tails, and rows of more than one block or piece."""
REHEARSED: dict[str, list[tuple[int, ...]]] = {
    "rms_norm": [(3, 37)],
    "fused_add_rms_norm": [(2, 64)],
    "silu_and_mul": [(3, 37)],
    "rotary": [(4, 4, 2, 64)],
    "qk_norm_rotary": [(4, 4, 2, 64)],
    "decode_attention": [(2, 4, 2, 64, 70)],
    "linear": [(3, 37, 64)],
    "prefill_linear": [(66, 37, 64)],
    "top_k_sampling": [(2, 300, 7)],
}
"""For the rehearsal of the GPU benchmark: small, and no whole blocks."""
