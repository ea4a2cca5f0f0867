"""Rotary embedding: a program for each token turns all its heads. Both products are rounded, as they are live."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from bankable.kernels.operators.family import Choices
from bankable.kernels.operators.torch_operator import Outputs, Tensors, flat
from bankable.kernels.worker.triton.launch import WARPS, KernelLaunch, KernelLaunches, TritonPlan, empty_like, warps_for


@triton.jit
def store_turned(first, second, angles, target, place, column, there, half):
    """Turn the first halves of heads against the second ones, all in fp32, and store both."""
    kind = target.dtype.element_ty
    cosine = tl.load(angles + column, mask=column < half, other=0.0).to(tl.float32)
    sine = tl.load(angles + half + column, mask=column < half, other=0.0).to(tl.float32)
    turned = (first * cosine).to(kind).to(tl.float32) - (second * sine).to(kind).to(tl.float32)
    tl.store(target + place, turned, mask=there)
    turned = (second * cosine).to(kind).to(tl.float32) + (first * sine).to(kind).to(tl.float32)
    tl.store(target + place + half, turned, mask=there)


@triton.jit
def _turn(source, target, angles, heads, half, rows: tl.constexpr, block: tl.constexpr):
    head = tl.arange(0, rows)[:, None]
    column = tl.arange(0, block)[None, :]
    there = (head < heads) & (column < half)
    place = head * (2 * half) + column
    first = tl.load(source + place, mask=there, other=0.0).to(tl.float32)
    second = tl.load(source + place + half, mask=there, other=0.0).to(tl.float32)
    store_turned(first, second, angles, target, place, column, there, half)


@triton.jit
def rotary_kernel(
    positions,
    query,
    query_stride,
    key,
    key_stride,
    table,
    query_out,
    key_out,
    heads,
    kv_heads,
    half,
    rows: tl.constexpr,
    kv_rows: tl.constexpr,
    block: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    angles = table + tl.load(positions + token) * (2 * half)
    to = query_out + token * heads * 2 * half
    _turn(query + token * query_stride, to, angles, heads, half, rows, block)
    to = key_out + token * kv_heads * 2 * half
    _turn(key + token * key_stride, to, angles, kv_heads, half, kv_rows, block)


def turning(
    kernel: triton.JITFunction, tensors: Tensors, more: dict[str, torch.Tensor | float], choices: Choices
) -> tuple[Outputs, KernelLaunches]:
    """Outputs and the launch of a kernel that turns queries and keys, and takes ``more`` besides."""
    query, key, table = flat(tensors["query"]), flat(tensors["key"]), tensors["table"]
    head = table.shape[1]
    heads, kv_heads = query.shape[1] // head, key.shape[1] // head
    turned = empty_like(query), empty_like(key)
    rows, block = triton.next_power_of_2(heads), triton.next_power_of_2(head // 2)
    arguments = {
        "positions": tensors["positions"],
        "query": query,
        "query_stride": query.stride(0),
        "key": key,
        "key_stride": key.stride(0),
        "table": table,
        "query_out": turned[0],
        "key_out": turned[1],
        "heads": heads,
        "kv_heads": kv_heads,
        "half": head // 2,
        **more,
    }
    constants = {"rows": rows, "kv_rows": triton.next_power_of_2(kv_heads), "block": block}
    warps = warps_for(rows * block, choices["warps"])
    return turned, (KernelLaunch(kernel, (query.shape[0],), arguments, constants, warps),)


PLAN = TritonPlan(lambda tensors, choices: turning(rotary_kernel, tensors, {}, choices), (WARPS,))
