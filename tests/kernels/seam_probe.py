"""Runs under the engine's interpreter: are the extracted live functions the ones that an imported sglang runs?

    seam_probe.py REPOSITORY

Prints a JSON line: for each family, whether outputs are equal bit by bit, called directly and through the dispatch.
"""

from __future__ import annotations

import json
import sys

sys.path.append(sys.argv[1])

import torch
from sglang.srt.layers.activation import SiluAndMul
from sglang.srt.layers.layernorm import RMSNorm
from sglang.srt.layers.rotary_embedding.base import RotaryEmbedding

from kernels.engine_side.buffers import same_bits
from kernels.engine_side.measure import inputs_of
from kernels.engine_side.operators import OPERATORS
from kernels.engine_side.seam import live_names

DIMS = {"rms_norm": (4, 256), "fused_add_rms_norm": (4, 256), "silu_and_mul": (4, 768), "rotary": (4, 4, 2, 64)}


def module(family, tensors):
    """The engine's own, with these weights."""
    if family == "silu_and_mul":
        return SiluAndMul()
    if family == "rotary":
        made = RotaryEmbedding(64, 64, 4096, 10000, True, torch.bfloat16)
        made.cos_sin_cache = tensors["table"]
        return made
    made = RMSNorm(256, eps=1e-6, weight_dtype=torch.bfloat16)
    made.weight.data.copy_(tensors["weight"])
    return made


found = {}
with torch.inference_mode():
    for family, dims in DIMS.items():
        operator = OPERATORS[family]
        tensors = inputs_of(operator, dims, "bfloat16", 3, "call", "normal")
        want = operator.live(live_names(operator.files), tensors)(tensors)
        real = module(family, tensors)
        arguments = [
            tensors[spec.name] for spec in operator.family.inputs(dims) if spec.kind not in ("weight", "table")
        ]
        for how, call in (("direct", real.forward_native), ("dispatch", real)):
            got = call(*arguments)
            got = got if isinstance(got, tuple) else (got,)
            found[f"{family} {how}"] = all(same_bits(a, b) for a, b in zip(got, want, strict=True))
print(json.dumps(found))
