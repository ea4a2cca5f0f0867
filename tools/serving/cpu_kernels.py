"""The engine's own kernels on a CPU: which operators a model needs of them, and whether the package has these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bankable.tools.errors import UserError
from bankable.tools.serving.engine import Engine

ALWAYS = (
    "convert_weight_packed",
    "decode_attention_cpu",
    "extend_attention_cpu",
    "init_cpu_threads_env",
    "initialize",
    "weight_packed_linear",
)
"""Called for every decoder by sglang 0.5: packed weights, both attention kernels, binding of threads."""
ACTIVATIONS = {"silu": "silu_and_mul_cpu", "gelu": "gelu_and_mul_cpu", "gelu_pytorch_tanh": "gelu_tanh_and_mul_cpu"}
GEMMA = {"gemma": "gemma_rmsnorm_cpu", "gemma2": "gemma_rmsnorm_cpu", "gemma3": "gemma3_rmsnorm_cpu"}
"""Norms of models that scale by one plus the weight, by model type."""
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


def needed_operators(config: Mapping[str, Any]) -> frozenset[str]:
    """Operators of ``torch.ops.sgl_kernel`` that a model with this ``config.json`` calls in sglang 0.5."""
    inner = config.get("text_config")
    text = {**config, **inner} if isinstance(inner, dict) else dict(config)
    needed = set(ALWAYS)
    kind = str(text.get("model_type", "")).removesuffix("_text")
    if kind in GEMMA:
        needed.add(GEMMA[kind])
    elif "rms_norm_eps" in text:
        needed |= {"rmsnorm_cpu", "fused_add_rmsnorm_cpu"}
    if "rope_theta" in text or "rope_parameters" in text:
        needed.add("rotary_embedding_cpu")
    activation = ACTIVATIONS.get(str(text.get("hidden_act", text.get("hidden_activation", ""))))
    if activation:
        needed.add(activation)
    if any(isinstance(text.get(name), int) and text[name] > 1 for name in EXPERTS):
        needed.add("fused_experts_cpu")
    return frozenset(needed)


def check_kernels(engine: Engine, config: Mapping[str, Any], model: Path) -> None:
    """Raise ``UserError`` when the engine would dispatch to its kernel package and that lacks an operator."""
    package = engine.kernels
    if engine.device != "cpu" or package is None or not package.live:
        return
    lacking = sorted(needed_operators(config) - package.operators)
    if lacking:
        raise UserError(
            f"Cannot serve the model: the engine's kernel package {package.text()} has no {', '.join(lacking)}",
            str(model),
            "install a kernel package that fits this sglang, or take it out of the engine's environment",
        )
