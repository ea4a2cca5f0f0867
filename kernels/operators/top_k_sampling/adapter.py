"""Top-k and top-p of sampling, in the place of ``top_k_top_p_min_p_sampling_from_probs_torch``; torch draws as before.

A drawn token says next to nothing about what it was drawn from. What is recorded and compared is therefore what the
draw is handed: the live function is run again with a draw that takes all columns in their order, and so answers with
all tokens, by its own code. While calls are watched, the draw begins where the random numbers stood before the call,
which live may have answered first: a watched server draws the same tokens as one that is not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import torch

DTYPE = torch.float32
ARGUMENTS = ("pointer", "size", "pointer", "pointer", "pointer", "pointer", "size", "size", "size")
"""Of the kernel's entry point, in order."""
MODULE, NAME = "sglang.srt.layers.sampler", "top_k_top_p_min_p_sampling_from_probs_torch"
Tensors = dict[str, torch.Tensor]
Filtered = tuple[torch.Tensor, torch.Tensor]
"""Weights and token ids, columns in the order of the probabilities."""


class Looked:
    """The call that is being looked at."""

    def __init__(self) -> None:
        self.tensors: Tensors = {}
        self.before: torch.Tensor | None = None
        """State of the random numbers before the call; taken once."""
        self.live: Filtered | None = None
        self.answer: tuple[torch.Tensor, Filtered] | None = None
        """The tokens that were handed out, and what they were drawn from."""

    def begin(self, tensors: Tensors) -> None:
        self.tensors, self.before = tensors, torch.get_rng_state()
        self.live = self.answer = None

    def end(self, probs: torch.Tensor) -> torch.Tensor | None:
        """The state before this call, if it is the one that is being looked at."""
        before, self.before = self.before, None
        return before if self.tensors.get("probs") is probs else None


LOOKED = Looked()


def inputs(
    probs: torch.Tensor,
    top_ks: torch.Tensor,
    top_ps: torch.Tensor,
    min_ps: Any,
    need_min_p_sampling: bool,
    sampling_seed: Any,
    positions: Any,
    *,
    return_filtered_probs: bool = False,
    max_top_k: int | None = None,
) -> Tensors | None:
    """Probabilities, limits of each row, and how many columns the draw is handed."""
    if max_top_k is None or not covered(
        probs, top_ks, top_ps, need_min_p_sampling, sampling_seed, return_filtered_probs, max_top_k
    ):
        return None
    tensors = {"probs": probs, "top_ks": top_ks, "top_ps": top_ps, "width": torch.tensor([max_top_k])}
    LOOKED.begin(tensors)
    return tensors


def dims(tensors: Tensors) -> tuple[int, ...]:
    """Rows, vocabulary, columns that are kept."""
    return *tensors["probs"].shape, int(tensors["width"])


def outputs(result: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What these tokens were drawn from: the kernel's own, or what live's own code gives when it is asked again."""
    tensors, answer = LOOKED.tensors, LOOKED.answer
    if answer is not None and answer[0] is result:
        weights, ids = answer[1]
        return weights, ids if LOOKED.live is None else settled(tensors["probs"], ids, LOOKED.live[1])
    LOOKED.live = without_drawing(_live(), int(tensors["width"]))(
        tensors["probs"], tensors["top_ks"], tensors["top_ps"]
    )
    return LOOKED.live


def covered(
    probs: torch.Tensor,
    top_ks: torch.Tensor,
    top_ps: torch.Tensor,
    need_min_p_sampling: bool,
    sampling_seed: Any,
    return_filtered_probs: bool,
    max_top_k: int,
) -> bool:
    """A top-k in every row, and nothing that looks at more than the columns which it leaves."""
    rows = probs.shape[:1]
    return (
        not need_min_p_sampling
        and sampling_seed is None
        and not return_filtered_probs
        and probs.is_cpu
        and probs.dtype is torch.float32
        and probs.dim() == 2
        and probs.stride(1) == 1
        and probs.shape[0] > 0
        and 0 < max_top_k <= probs.shape[1]
        and top_ks.dtype is torch.int32
        and top_ks.shape == rows
        and top_ks.is_contiguous()
        and top_ps.dtype is torch.float32
        and top_ps.shape == rows
        and top_ps.is_contiguous()
    )


def replace(live: Callable[..., Any], kernel: Callable[..., None]) -> Callable[..., Any]:
    """The function that stands in; from the same random numbers it draws the same columns as live."""

    def top_k_top_p_min_p_sampling_from_probs_torch(
        probs: torch.Tensor,
        top_ks: torch.Tensor,
        top_ps: torch.Tensor,
        min_ps: Any,
        need_min_p_sampling: bool,
        sampling_seed: Any,
        positions: Any,
        *,
        return_filtered_probs: bool = False,
        max_top_k: int | None = None,
    ) -> Any:
        if max_top_k is None or not covered(
            probs, top_ks, top_ps, need_min_p_sampling, sampling_seed, return_filtered_probs, max_top_k
        ):
            return live(
                probs,
                top_ks,
                top_ps,
                min_ps,
                need_min_p_sampling,
                sampling_seed,
                positions,
                return_filtered_probs=return_filtered_probs,
                max_top_k=max_top_k,
            )
        rows, vocab = probs.shape
        weights = torch.empty(rows, max_top_k)
        ids = torch.empty(rows, max_top_k, dtype=torch.int32)
        kernel(
            probs.data_ptr(),
            probs.stride(0),
            top_ks.data_ptr(),
            top_ps.data_ptr(),
            weights.data_ptr(),
            ids.data_ptr(),
            rows,
            vocab,
            max_top_k,
        )
        before = LOOKED.end(probs)
        if before is not None:
            torch.set_rng_state(before)
        try:
            columns = torch.multinomial(weights, num_samples=1)
        except RuntimeError:  # nothing can be drawn from them: where live was asked too, the comparison is to tell
            if before is None or LOOKED.live is None:
                raise
            columns = torch.zeros(rows, 1, dtype=torch.int64)
        tokens = torch.gather(ids, 1, columns).view(-1)
        if before is not None:
            LOOKED.answer = tokens, (weights, ids)
        return tokens

    return top_k_top_p_min_p_sampling_from_probs_torch


def settled(probs: torch.Tensor, ids: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Token ids, with the wanted one wherever that is as probable: equal ones have no order, and the last of them may
    be another. A row that names a token twice stays as it is."""
    inside = (ids >= 0) & (ids < probs.shape[1])
    mine = probs.gather(1, ids.long().clamp(0, probs.shape[1] - 1))
    theirs = probs.gather(1, wanted.long())
    equal = (mine == theirs) | (mine.isnan() & theirs.isnan())
    once = (ids.long().sort(dim=1).values.diff(dim=1) != 0).all(dim=1, keepdim=True)
    return torch.where(inside & equal & once, wanted.to(ids.dtype), ids)


def without_drawing(live: FunctionType, width: int) -> Callable[..., Filtered]:
    """The live function's own code, with a draw that takes every column, in order: what it draws from, and all ids."""
    columns, handed = torch.arange(width), list[torch.Tensor]()

    def everything(weights: torch.Tensor, num_samples: int) -> torch.Tensor:
        handed.append(weights)
        return columns.expand(weights.shape)

    framework = ModuleType("torch")
    framework.__dict__.update(torch.__dict__, multinomial=everything)
    again = FunctionType(live.__code__, {**live.__globals__, "torch": framework}, live.__name__, live.__defaults__)
    again.__kwdefaults__ = live.__kwdefaults__

    def filtered(probs: torch.Tensor, top_ks: torch.Tensor, top_ps: torch.Tensor) -> Filtered:
        ids = again(probs, top_ks, top_ps, None, False, None, None, max_top_k=width)
        weights = handed.pop()
        return weights, ids.view(weights.shape)

    return filtered


def _live() -> FunctionType:
    """The engine's own function, below whatever stands in its place or records it."""
    found: Any = getattr(sys.modules[MODULE], NAME)
    while found is not None:
        live: FunctionType = found
        found = found.bankable[1] if hasattr(found, "bankable") else getattr(found, "__wrapped__", None)
    return live
