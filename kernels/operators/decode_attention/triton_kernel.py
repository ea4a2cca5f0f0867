"""Decode attention over a paged cache, in two launches: pieces of a context side by side, then their sum.

A request's tokens are shared out among programs, since a batch has fewer heads than a GPU has processors. Each goes
through its tokens once, with the largest score so far and sums relative to it (online softmax: Milakov and Gimelshein,
arXiv 1805.02867; split over the context: Dao et al., Flash-Decoding, 2023). Query heads that share a key head are the
rows of one matrix product. Nothing depends on the lengths but how far a program runs: the host never reads them.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices, Parameter
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import LEAST_SIDE, KernelLaunch, KernelLaunches, TritonPlan, warps_for

MOST_PIECES = 64


@triton.jit
def decode_attention_kernel(
    query,
    query_stride,
    keys,
    key_stride,
    values,
    value_stride,
    pool,
    pool_stride,
    requests,
    lengths,
    tops,
    sums,
    partial,
    heads,
    group,
    head,
    scale,
    pieces: tl.constexpr,
    block: tl.constexpr,
    block_group: tl.constexpr,
    block_head: tl.constexpr,
):
    request, shared, piece = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    member, column = tl.arange(0, block_group), tl.arange(0, block_head)
    own = shared * group + member
    inside = (member < group)[:, None] & (column < head)[None, :]
    queries = tl.load(query + request * query_stride + own[:, None] * head + column[None, :], mask=inside, other=0.0)
    row = pool + tl.load(requests + request) * pool_stride
    length = tl.load(lengths + request)
    share = tl.cdiv(tl.cdiv(length, pieces), block) * block
    end = tl.minimum(length, (piece + 1) * share)

    top = tl.full((block_group,), float("-inf"), dtype=tl.float32)
    total = tl.zeros((block_group,), dtype=tl.float32)
    added = tl.zeros((block_group, block_head), dtype=tl.float32)
    for start in range(piece * share, end, block):
        token = start + tl.arange(0, block)
        there = token < end
        slot = tl.load(row + token, mask=there, other=0).to(tl.int64)
        at = keys + slot[None, :] * key_stride + shared * head + column[:, None]
        key = tl.load(at, mask=there[None, :] & (column < head)[:, None], other=0.0)
        scores = tl.dot(queries, key, input_precision="ieee") * scale
        scores = tl.where(there[None, :], scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, axis=1))
        shrunk = tl.exp(top - higher)
        weights = tl.exp(scores - higher[:, None])
        at = values + slot[:, None] * value_stride + shared * head + column[None, :]
        value = tl.load(at, mask=there[:, None] & (column < head)[None, :], other=0.0)
        total = total * shrunk + tl.sum(weights, axis=1)
        added = tl.dot(weights.to(value.dtype), value, added * shrunk[:, None], input_precision="ieee")
        top = higher

    place = (request * heads + own) * pieces + piece
    tl.store(tops + place, top, mask=member < group)
    tl.store(sums + place, total, mask=member < group)
    tl.store(partial + place[:, None] * head + column[None, :], added, mask=inside)


@triton.jit
def decode_attention_sum_kernel(tops, sums, partial, out, heads, head, pieces: tl.constexpr, block_head: tl.constexpr):
    own = tl.program_id(0).to(tl.int64) * heads + tl.program_id(1)
    place, column = own * pieces + tl.arange(0, pieces), tl.arange(0, block_head)
    top = tl.load(tops + place)
    share = tl.exp(top - tl.max(top, axis=0))
    there = column < head
    added = tl.load(partial + place[:, None] * head + column[None, :], mask=there[None, :], other=0.0)
    whole = tl.sum(share * tl.load(sums + place), axis=0)
    tl.store(out + own * head + column, tl.sum(added * share[:, None], axis=0) / whole, mask=there)


def _decode_attention(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    query, keys, values = (flat(tensors[name]) for name in ("query", "k_cache", "v_cache"))
    pool = tensors["req_to_token"]
    batch, heads, head = query.shape
    kv_heads = keys.shape[1]
    wanted = triton.next_power_of_2(triton.cdiv(choices["programs"], batch * kv_heads))
    longest = triton.next_power_of_2(triton.cdiv(pool.shape[1], choices["block"]))
    pieces = min(wanted, longest, MOST_PIECES)
    out = torch.empty(query.shape, dtype=query.dtype, device=query.device)
    tops, sums = (torch.empty((batch, heads, pieces), dtype=torch.float32, device=query.device) for _ in range(2))
    partial = torch.empty((batch, heads, pieces, head), dtype=torch.float32, device=query.device)
    tile = max(LEAST_SIDE, triton.next_power_of_2(head))
    group = max(LEAST_SIDE, triton.next_power_of_2(heads // kv_heads))
    share = {
        "query": query,
        "query_stride": query.stride(0),
        "keys": keys,
        "key_stride": keys.stride(0),
        "values": values,
        "value_stride": values.stride(0),
        "pool": pool,
        "pool_stride": pool.stride(0),
        "requests": tensors["req_pool_indices"],
        "lengths": tensors["seq_lens"],
        "tops": tops,
        "sums": sums,
        "partial": partial,
        "heads": heads,
        "group": heads // kv_heads,
        "head": head,
        "scale": float(head**-0.5),
    }
    sizes = {"pieces": pieces, "block": choices["block"], "block_group": group, "block_head": tile}
    rest = {"tops": tops, "sums": sums, "partial": partial, "out": out, "heads": heads, "head": head}
    return (out,), (
        KernelLaunch(
            decode_attention_kernel, (batch, kv_heads, pieces), share, sizes, choices["warps"], choices["stages"]
        ),
        KernelLaunch(
            decode_attention_sum_kernel,
            (batch, heads),
            rest,
            {"pieces": pieces, "block_head": tile},
            warps_for(pieces * tile),
        ),
    )


PLAN = TritonPlan(
    _decode_attention,
    (
        Parameter("block", (64, 32, 128), "tokens in a step"),
        Parameter("programs", (512, 256, 1024, 1), "programs wanted, by cutting contexts into pieces; 1: none cut"),
        Parameter("warps", (4, 8), "warps of a program"),
        Parameter("stages", (2, 3), "steps that are under way together"),
    ),
)
