"""Runs under the engine's interpreter: who answers a call of a patched method, by where its tensors are.

    device_probe.py REPOSITORY

Prints a JSON line: for each family and device, whether the adapter covers the call, and whether live or the kernel was
called. A ``meta`` tensor has no memory that a processor could read, as one on a GPU has none.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()

import torch

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.worker.measure import inputs_of

SERVED = runpy.run_path(str(Path(__file__).with_name("sizes.py")))["SERVED"]

ROOT = Path(sys.argv[1])
HIDDEN = 16
Tensors = dict[str, torch.Tensor]


def norm(weight: torch.Tensor) -> SimpleNamespace:
    return SimpleNamespace(
        weight=weight,
        variance_size_override=None,
        override_orig_dtype=None,
        cast_x_before_out_mul=False,
        fp32_residual=False,
        hidden_size=weight.shape[0],
        variance_epsilon=1e-6,
    )


class RotaryEmbedding:
    """By its name and its state, which is what the adapters look at."""

    def __init__(self, table: torch.Tensor) -> None:
        self.cos_sin_cache, self.is_neox_style = table, True
        self.head_size = self.rotary_dim = table.shape[1]


class Projection:
    """From hidden states to queries, keys and values, as the engine's layer gives them: with a bias that is none."""

    def __init__(self, outs: int, like: torch.Tensor) -> None:
        self.weight = torch.ones(outs, HIDDEN, dtype=like.dtype, device=like.device)

    def __call__(self, hidden: torch.Tensor) -> tuple[torch.Tensor, None]:
        return hidden @ self.weight.T, None


def attention(it: Tensors) -> tuple[Any, ...]:
    query, key = it["query"], it["key"]
    module = SimpleNamespace(
        rotary_emb=RotaryEmbedding(it["table"]),
        q_norm=norm(it["query_weight"]),
        k_norm=norm(it["key_weight"]),
        head_dim=it["table"].shape[1],
        q_size=query.shape[1],
        kv_size=key.shape[1],
        qkv_proj=Projection(query.shape[1] + 2 * key.shape[1], query),
    )
    return module, it["positions"], query[:, :HIDDEN]


CALLS: dict[str, Callable[[Tensors], tuple[Any, ...]]] = {
    "rms_norm": lambda entry: (norm(entry["weight"]), entry["x"]),
    "fused_add_rms_norm": lambda item: (norm(item["weight"]), item["x"], item["residual"]),
    "silu_and_mul": lambda element: (None, element["x"]),
    "rotary": lambda member: (RotaryEmbedding(member["table"]), member["positions"], member["query"], member["key"]),
    "decode_attention": lambda one: (
        None,
        one["query"],
        torch.empty_like(one["query"]),
        *(one[name] for name in ("k_cache", "v_cache", "req_to_token", "req_pool_indices", "seq_lens")),
    ),
    "linear": lambda each: (None, SimpleNamespace(weight=each["weight"]), each["x"]),
    "prefill_linear": lambda each: (None, SimpleNamespace(weight=each["weight"]), each["x"]),
    "qk_norm_rotary": attention,
    "top_k_sampling": lambda it: (it["probs"], it["top_ks"], it["top_ps"], None, False, None, None),
}
NAMED: dict[str, dict[str, Any]] = {"top_k_sampling": {"max_top_k": 20}}


def answered(family: str, device: str) -> dict[str, Any]:
    """Whether the adapter covers the call, and who was asked. Their answers are nobody's: neither computes anything."""
    adapter: dict[str, Any] = {}
    path = ROOT / "kernels" / "operators" / family / "adapter.py"
    exec(compile(path.read_bytes(), str(path), "exec"), adapter)
    operator = OPERATORS[family]
    made = inputs_of(operator, SERVED[family], operator.family.usual, 3, "call", "normal")
    arguments, named = CALLS[family]({name: it.to(device) for name, it in made.items()}), NAMED.get(family, {})
    asked: list[str] = []
    covered = adapter["inputs"](*arguments, **named) is not None
    replaced = adapter["replace"](lambda *_, **__: asked.append("live"), lambda *_: asked.append("kernel"))
    if not covered or family != "top_k_sampling":  # which would draw from what no kernel wrote
        replaced(*arguments, **named)
    return {"covered": covered, "asked": asked}


print(json.dumps({f"{family} {device}": answered(family, device) for family in SERVED for device in ("cpu", "meta")}))
