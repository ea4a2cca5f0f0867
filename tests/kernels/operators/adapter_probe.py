"""Runs under the engine's interpreter: are the extracted live functions the ones that an imported sglang runs?

    adapter_probe.py REPOSITORY

Prints a JSON line: for each family, whether outputs are equal bit by bit, called directly and through the dispatch.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()

import torch
from sglang.srt.layers import sampler
from sglang.srt.layers.activation import SiluAndMul
from sglang.srt.layers.attention.torch_native_backend import TorchNativeAttnBackend
from sglang.srt.layers.layernorm import RMSNorm
from sglang.srt.layers.linear import ReplicatedLinear
from sglang.srt.layers.rotary_embedding.base import RotaryEmbedding
from sglang.srt.models.qwen3 import Qwen3Attention

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.worker.buffers import same_bits
from bankable.kernels.worker.live_source import live_names
from bankable.kernels.worker.measure import inputs_of

SERVED = runpy.run_path(str(Path(__file__).with_name("sizes.py")))["SERVED"]


def module(family, tensors):
    """The engine's own, with these weights."""
    own = {
        "decode_attention": Backend,
        "qk_norm_rotary": Attention,
        "top_k_sampling": Sampling,
        "linear": Linear,
        "prefill_linear": Linear,
    }
    if family in own:
        return own[family](tensors)
    if family == "silu_and_mul":
        return SiluAndMul()
    if family == "rotary":
        made = RotaryEmbedding(64, 64, 4096, 10000, True, torch.bfloat16)
        made.cos_sin_cache = tensors["table"]
        return made
    made = RMSNorm(256, eps=1e-6, weight_dtype=torch.bfloat16)
    made.weight.data.copy_(tensors["weight"])
    return made


class Attention:
    """The model's own method with the engine's norms and embedding; what it projects to is given."""

    def __init__(self, tensors):
        self.norms = [RMSNorm(64, eps=1e-6, weight_dtype=torch.bfloat16) for _ in range(2)]
        for norm, name in zip(self.norms, ("query_weight", "key_weight"), strict=True):
            norm.weight.data.copy_(tensors[name])
        self.rotary = RotaryEmbedding(64, 64, 4096, 10000, True, torch.bfloat16)
        self.rotary.cos_sin_cache = tensors["table"]

    def forward_native(self, positions, query, key):
        qkv = torch.cat((query, key, key), dim=-1)
        this = SimpleNamespace(
            qkv_proj=lambda _: (qkv, None),
            q_size=query.shape[1],
            kv_size=key.shape[1],
            head_dim=64,
            alt_stream=None,
            q_norm=self.norms[0],
            k_norm=self.norms[1],
            rotary_emb=self.rotary,
        )
        return Qwen3Attention.forward_prepare_native(this, positions, None)[:2]

    __call__ = forward_native


class Linear:
    """The engine's layer and the method that it has without quantization."""

    def __init__(self, tensors):
        weight = tensors["weight"]
        self.layer = ReplicatedLinear(weight.shape[1], weight.shape[0], bias=False, params_dtype=weight.dtype)
        self.layer.weight.data.copy_(weight)

    def forward_native(self, x, _):
        assert type(self.layer.quant_method).__name__ == "UnquantizedLinearMethod"
        return self.layer.quant_method.apply(self.layer, x)

    def __call__(self, x, _):
        return self.layer(x)[0]


class Sampling:
    """The engine's function and its sampler, where a draw hands out what it is handed, and all columns."""

    def __init__(self, _):
        pass

    def forward_native(self, *arguments):
        return self.answered(
            lambda probs, top_ks, top_ps, width: sampler.top_k_top_p_min_p_sampling_from_probs_torch(
                probs, top_ks, top_ps, None, False, None, None, max_top_k=int(width)
            ),
            arguments,
        )

    def __call__(self, *arguments):
        sampler.get_exec = lambda: SimpleNamespace(kernel=SimpleNamespace(sampling_backend="pytorch"))
        return self.answered(self.sampled, arguments)

    def sampled(self, probs, top_ks, top_ps, width):
        info = SimpleNamespace(
            top_ks=top_ks,
            top_ps=top_ps,
            min_ps=None,
            need_min_p_sampling=False,
            sampling_seed=None,
            max_top_k=int(width),
            sampling_mask_batch_indices=None,
        )
        return sampler.Sampler._sample_from_probs(None, probs, info, None, False)[0]

    def answered(self, call, arguments):
        handed, draw = [], torch.multinomial

        def everything(weights, num_samples):
            handed.append(weights)
            return torch.arange(weights.shape[1]).expand(weights.shape)

        torch.multinomial = everything
        try:
            ids = call(*arguments)
        finally:
            torch.multinomial = draw
        return handed[0], ids.view(handed[0].shape)


class Backend:
    """The engine's attention backend over the caches of these tensors: its method, and its own way there."""

    def __init__(self, tensors):
        pools = {
            "req_to_token_pool": SimpleNamespace(req_to_token=tensors["req_to_token"]),
            "token_to_kv_pool": SimpleNamespace(
                get_key_buffer=lambda _: tensors["k_cache"], get_value_buffer=lambda _: tensors["v_cache"]
            ),
        }
        self.backend = TorchNativeAttnBackend(SimpleNamespace(device="cpu", **pools))

    def forward_native(self, query, *caches):
        arguments = {"scaling": query.shape[-1] ** -0.5, "enable_gqa": query.shape[1] != caches[0].shape[1]}
        return self.backend._run_sdpa_forward_decode(query, torch.empty_like(query), *caches, **arguments)

    def __call__(self, query, keys, _values, _pool, rows, lengths):
        heads, head = query.shape[1:]
        layer = SimpleNamespace(
            tp_q_head_num=heads,
            tp_k_head_num=keys.shape[1],
            tp_v_head_num=keys.shape[1],
            qk_head_dim=head,
            v_head_dim=head,
            is_cross_attention=False,
            layer_id=0,
            scaling=head**-0.5,
            sliding_window_size=-1,
        )
        batch = SimpleNamespace(out_cache_loc=None, req_pool_indices=rows, seq_lens=lengths, encoder_lens=None)
        flat = query.reshape(len(query), -1)
        return self.backend.forward_decode(flat, None, None, layer, batch, save_kv_cache=False).view(query.shape)


found = {}
with torch.inference_mode():
    for family, dims in SERVED.items():
        operator = OPERATORS[family]
        tensors = inputs_of(operator, dims, operator.family.usual, 3, "call", "normal")
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
