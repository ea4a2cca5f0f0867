"""Top-k and top-p of sampling, in two launches: the largest of each piece of a row, then the largest of those.

A probability and its token are one whole number, ordered by the probability and then by the lower token: of a number
that is not negative, the bits of fp32 have its order. So one network sorts both, and no index follows along.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices, Parameter
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import KernelLaunch, KernelLaunches, TritonPlan, warps_for

NOTHING = tl.constexpr(-(1 << 62))
"""Below every probability and even −∞, where a row or a piece has come to its end."""
LEAST = 2
"""Of a piece are kept: Triton's ``topk`` of one would be no tensor."""
MOST_KEPT = 1 << 14
"""Candidates of a row that one program can sort."""


@triton.jit
def top_k_sampling_kernel(probs, probs_stride, candidates, vocab, pieces, block: tl.constexpr, width: tl.constexpr):
    row, piece = tl.program_id(0).to(tl.int64), tl.program_id(1)
    token = piece * block + tl.arange(0, block)
    there = token < vocab
    bits = tl.load(probs + row * probs_stride + token, mask=there, other=0.0).to(tl.int32, bitcast=True).to(tl.int64)
    keyed = tl.where(there, (bits << 32) + (vocab - 1 - token), NOTHING)
    place = (row * pieces + piece) * width + tl.arange(0, width)
    tl.store(candidates + place, tl.topk(keyed, width))


@triton.jit
def top_k_sampling_cut_kernel(
    candidates, top_ks, top_ps, weights, ids, count, vocab, out_width, block: tl.constexpr, width: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    place, rank = tl.arange(0, block), tl.arange(0, width)
    best = tl.topk(tl.load(candidates + row * count + place, mask=place < count, other=NOTHING), width)
    own = (best >> 32).to(tl.int32).to(tl.float32, bitcast=True)
    # In fp64 and then rounded: a cut has to be where the definition has it, whichever way these are added.
    sums = tl.cumsum(own.to(tl.float64), axis=0).to(tl.float32)
    past = (rank >= tl.load(top_ks + row)) | (sums - own > tl.load(top_ps + row))
    tl.store(weights + row * out_width + rank, tl.where(past, 0.0, own), mask=rank < out_width)
    tl.store(ids + row * out_width + rank, (vocab - 1 - (best & 0x7FFFFFFF)).to(tl.int32), mask=rank < out_width)


def _top_k_sampling(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    """Raises ``ValueError`` for more candidates than a program can sort."""
    probs, out_width = flat(tensors["probs"]), int(tensors["width"])
    rows, vocab = probs.shape
    width = max(LEAST, triton.next_power_of_2(out_width))
    block = max(2 * width, min(choices["block"], triton.next_power_of_2(vocab)))
    pieces = triton.cdiv(vocab, block)
    whole = triton.next_power_of_2(pieces * width)
    if max(whole, block) > MOST_KEPT:
        raise ValueError(f"the {out_width} largest of {vocab}; a program sorts {MOST_KEPT} candidates")
    candidates = torch.empty((rows, pieces, width), dtype=torch.int64, device=probs.device)
    weights = torch.empty((rows, out_width), dtype=probs.dtype, device=probs.device)
    ids = torch.empty((rows, out_width), dtype=torch.int32, device=probs.device)
    first = {
        "probs": probs,
        "probs_stride": probs.stride(0),
        "candidates": candidates,
        "vocab": vocab,
        "pieces": pieces,
    }
    second = {
        "candidates": candidates,
        "top_ks": tensors["top_ks"],
        "top_ps": tensors["top_ps"],
        "weights": weights,
        "ids": ids,
        "count": pieces * width,
        "vocab": vocab,
        "out_width": out_width,
    }
    sizes = {"block": block, "width": width}
    return (weights, ids), (
        KernelLaunch(top_k_sampling_kernel, (rows, pieces), first, sizes, warps_for(block, choices["warps"])),
        KernelLaunch(top_k_sampling_cut_kernel, (rows,), second, {"block": whole, "width": width}, warps_for(whole)),
    )


PLAN = TritonPlan(
    _top_k_sampling,
    (
        Parameter("block", (2048, 1024, 4096), "probabilities of which a program keeps the largest"),
        Parameter("warps", (0, 4, 8), "warps of a program of the first launch; 0: by that size"),
    ),
)
