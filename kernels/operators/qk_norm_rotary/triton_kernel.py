"""RMSNorm of each head and its rotary embedding: a program for each token holds all its heads in registers.

Rounded where live rounds: after the norm, and at both products.
"""

from __future__ import annotations

import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices
from bankable.kernels.operators.rms_norm.reference import EPS
from bankable.kernels.operators.rotary.triton_kernel import store_turned, turning
from bankable.kernels.operators.torch_operator import Outputs, Tensors
from bankable.kernels.worker.triton.launch import WARPS, KernelLaunches, TritonPlan


@triton.jit
def _norm_and_turn(source, target, weight, angles, heads, half, eps, rows: tl.constexpr, block: tl.constexpr):
    head = tl.arange(0, rows)[:, None]
    column = tl.arange(0, block)[None, :]
    there = (head < heads) & (column < half)
    place = head * (2 * half) + column
    kind = target.dtype.element_ty
    first = tl.load(source + place, mask=there, other=0.0).to(tl.float32)
    second = tl.load(source + place + half, mask=there, other=0.0).to(tl.float32)
    scale = 1.0 / tl.sqrt(tl.sum(first * first + second * second, axis=1) / (2 * half) + eps)
    near = tl.load(weight + column, mask=column < half, other=0.0).to(tl.float32)
    far = tl.load(weight + half + column, mask=column < half, other=0.0).to(tl.float32)
    first = (first * scale[:, None] * near).to(kind).to(tl.float32)
    second = (second * scale[:, None] * far).to(kind).to(tl.float32)
    store_turned(first, second, angles, target, place, column, there, half)


@triton.jit
def qk_norm_rotary_kernel(
    positions,
    query,
    query_stride,
    key,
    key_stride,
    query_weight,
    key_weight,
    table,
    query_out,
    key_out,
    heads,
    kv_heads,
    half,
    eps,
    rows: tl.constexpr,
    kv_rows: tl.constexpr,
    block: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    angles = table + tl.load(positions + token) * (2 * half)
    to = query_out + token * heads * 2 * half
    _norm_and_turn(query + token * query_stride, to, query_weight, angles, heads, half, eps, rows, block)
    to = key_out + token * kv_heads * 2 * half
    _norm_and_turn(key + token * key_stride, to, key_weight, angles, kv_heads, half, eps, kv_rows, block)


def _qk_norm_rotary(tensors: Tensors, choices: Choices) -> tuple[Outputs, KernelLaunches]:
    more = {"query_weight": tensors["query_weight"], "key_weight": tensors["key_weight"], "eps": EPS}
    return turning(qk_norm_rotary_kernel, tensors, more, choices)


PLAN = TritonPlan(_qk_norm_rotary, (WARPS,))
