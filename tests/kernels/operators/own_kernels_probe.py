"""Runs under the engine's interpreter: ``own_kernels_probe.py REPOSITORY``; one JSON line.

A package ``sgl_kernel`` on the path registers operators in plain torch and claims AMX; the engine's own sources
dispatch to them. Adapters are tried on objects with the attributes that the engine's have.
"""

from __future__ import annotations

import json
import runpy
import sys
from types import SimpleNamespace
from typing import Any

runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()

import torch

from bankable.kernels.operators.decode_attention import own_adapter
from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.worker.live_source import live_names, own_kernels, source_file
from bankable.kernels.worker.measure import inputs_of

BF16 = torch.bfloat16
DIMS = {"rms_norm": (5, 64), "silu_and_mul": (5, 64), "decode_attention": (3, 4, 2, 32, 48)}


def dispatched(name: str) -> dict[str, Any]:
    """Error of the live side against the definition, how often the package was called, and the file that it is of."""
    operator, before = OPERATORS[name], dict(torch.ops.sgl_kernel.calls)
    tensors = inputs_of(operator, DIMS[name], "bfloat16", 1, "call", "normal")
    (got,) = operator.dispatched(live_names(operator.live_files), tensors)(tensors)
    (want,) = operator.reference({key: it.double() if it.is_floating_point() else it for key, it in tensors.items()})
    calls = {key: count - before.get(key, 0) for key, count in torch.ops.sgl_kernel.calls.items()}
    return {
        "error": float((got.double() - want).abs().max()),
        "calls": {key: count for key, count in calls.items() if count},
        "file": source_file(operator.live_files[0])["path"],
    }


def decode() -> dict[str, Any]:
    """One step of three requests, by the adapter's inputs and by what stands in."""
    torch.manual_seed(1)
    heads, kv_heads, head, lengths = 4, 2, 32, [5, 17, 33]
    keys, values = (torch.randn(64, kv_heads, head).to(BF16) for _ in range(2))
    slots = torch.randperm(64)
    table = torch.zeros(6, 40, dtype=torch.int32)
    rows, start, new = torch.tensor([4, 0, 2]), 0, []
    for row, length in zip(rows.tolist(), lengths, strict=True):
        table[row, :length] = slots[start : start + length].int()
        new.append(int(slots[start + length - 1]))
        start += length
    pool = SimpleNamespace(get_key_buffer=lambda _: keys, get_value_buffer=lambda _: values)
    backend = SimpleNamespace(
        draft_decode_metadata=None,
        use_mla=False,
        use_sliding_window_kv_pool=False,
        token_to_kv_pool=pool,
        req_to_token_pool=SimpleNamespace(req_to_token=table),
    )
    layer = SimpleNamespace(
        layer_id=0,
        qk_head_dim=head,
        v_head_dim=head,
        tp_q_head_num=heads,
        is_cross_attention=False,
        sliding_window_size=-1,
        logit_cap=0.0,
        k_scale_float=None,
        v_scale_float=None,
        scaling=head**-0.5,
    )
    batch = SimpleNamespace(
        out_cache_loc=torch.tensor(new), req_pool_indices=rows, seq_lens=torch.tensor(lengths), encoder_lens=None
    )
    q = torch.randn(3, heads * head).to(BF16)
    k, v = (torch.randn(3, kv_heads, head).to(BF16) for _ in range(2))
    before = keys.clone()
    tensors = own_adapter.inputs(backend, q, k, v, layer, batch)
    assert tensors is not None
    untouched = torch.equal(keys, before)
    (attended,) = OPERATORS["decode_attention"].reference(tensors)

    asked: list[tuple[Any, ...]] = []
    fallen: list[int] = []
    stand_in = own_adapter.replace(lambda *_: fallen.append(1), lambda *arguments: asked.append(arguments))
    out = stand_in(backend, q, k, v, layer, batch)
    assert out is not None
    whole = {
        "query": q.view(3, heads, head),
        "k_cache": keys,
        "v_cache": values,
        "req_to_token": table,
        "req_pool_indices": rows,
        "seq_lens": batch.seq_lens,
    }
    (wanted,) = OPERATORS["decode_attention"].reference(whole)
    layer.logit_cap = 30.0
    stand_in(backend, q, k, v, layer, batch)
    return {
        "untouched": untouched,
        "same": torch.equal(attended, wanted),
        "stored": torch.equal(keys[batch.out_cache_loc], k) and torch.equal(values[batch.out_cache_loc], v),
        "pointers": [asked[0][index] for index in (2, 4, 6)] == [it.data_ptr() for it in (keys, values, table)],
        "sizes": list(asked[0][12:16]),
        "dims": list(own_adapter.dims(tensors)),
        "outputs": list(own_adapter.outputs(out)[0].shape),
        "fallen": len(fallen),
    }


print(json.dumps({"own": own_kernels(), **{name: dispatched(name) for name in DIMS}, "decode": decode()}))
