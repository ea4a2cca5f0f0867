"""Knobs of the model runner: memory, precision, and which implementation computes."""

from __future__ import annotations

from bankable.tools.evidence.records import Scalar
from bankable.tools.levers.model import Device, Knob, Situation, Touches

_GPU: tuple[Device, ...] = ("cuda", "rocm")


def _dtypes(s: Situation) -> tuple[Scalar, ...]:
    """On a CPU without bfloat16 arithmetic float32 is the faster format; on a GPU it never is."""
    if s.device == "cpu":
        return ("float32",) if s.model_dtype != "float32" else ("bfloat16",)
    return tuple(d for d in ("bfloat16", "float16") if d != s.model_dtype)


def _larger_pool(s: Situation) -> tuple[Scalar, ...]:
    return (2 * s.kv_tokens,)


def _tensor_parallel(s: Situation) -> tuple[Scalar, ...]:
    return tuple(n for n in (2, 4, 8) if n <= s.accelerators)


EXECUTION: tuple[Knob, ...] = (
    Knob(
        name="dtype",
        default="auto",
        touches=(Touches.NUMERICS, Touches.PREFILL, Touches.DECODE, Touches.KV_MEMORY),
        lever_class="B",
        reason=(
            "Precision of weights, activations and KV cache: other arithmetic, other bytes per token. On a loaded "
            "two-core CPU, float32 for bfloat16 gave -8 to -25 % over four paired rounds of one launch, changed 9 of "
            "128 answers and doubled the bytes of the KV pool."
        ),
        generate=_dtypes,
        changes_numerics=True,
        capacity=True,
        derived=("max_total_num_tokens", "memory_usage"),
    ),
    Knob(
        name="kv_cache_dtype",
        default="auto",
        touches=(Touches.KV_MEMORY, Touches.NUMERICS, Touches.ATTENTION),
        lever_class="B",
        reason="Stores keys and values in fewer bits: a larger pool from the same memory, and rounding.",
        values=("fp8_e5m2", "fp8_e4m3"),
        changes_numerics=True,
        devices=_GPU,
        capacity=True,
        derived=("max_total_num_tokens", "memory_usage"),
    ),
    Knob(
        name="mem_fraction_static",
        default=None,
        touches=(Touches.KV_MEMORY,),
        lever_class="B",
        reason="A larger KV pool. Without a full pool it changes nothing, and it must never hide in another lever.",
        values=(0.85, 0.9),
        devices=_GPU,
        capacity=True,
        derived=("max_total_num_tokens", "memory_usage", "max_req_input_len"),
    ),
    Knob(
        name="max_total_tokens",
        default=None,
        touches=(Touches.KV_MEMORY,),
        lever_class="B",
        reason="Sets the KV pool directly. Without a full pool it changes nothing.",
        generate=_larger_pool,
        capacity=True,
        derived=("max_total_num_tokens", "memory_usage", "max_req_input_len"),
    ),
    Knob(
        name="quantization",
        default=None,
        touches=(Touches.NUMERICS, Touches.DECODE, Touches.PREFILL),
        lever_class="B",
        reason="Weights in fewer bits: less memory traffic, other numbers. Needs paired accuracy.",
        values=("fp8",),
        changes_numerics=True,
        devices=_GPU,
        capacity=True,
        derived=("max_total_num_tokens", "memory_usage"),
    ),
    Knob(
        name="tp_size",
        default=1,
        touches=(Touches.PREFILL, Touches.DECODE, Touches.KV_MEMORY),
        lever_class="B",
        reason="Spreads the model over several devices: more hardware, not the same work done faster.",
        generate=_tensor_parallel,
        changes_numerics=True,
        devices=_GPU,
        capacity=True,
        derived=("max_total_num_tokens", "memory_usage", "mem_fraction_static", "world_size", "cuda_graph_config"),
    ),
    Knob(
        name="attention_backend",
        default=None,
        touches=(Touches.ATTENTION, Touches.NUMERICS),
        lever_class="A",
        reason="Another implementation of attention. A backend may free workspace, which enlarges the KV pool (C02).",
        values=("triton", "flashinfer", "fa3"),
        changes_numerics=True,
        devices=_GPU,
        derived=("max_total_num_tokens", "memory_usage", "page_size", "mem_fraction_static"),
    ),
    Knob(
        name="sampling_backend",
        default=None,
        touches=(Touches.DECODE,),
        lever_class="A",
        reason="Another implementation of sampling; greedy answers must stay equal. Forced to `pytorch` on a CPU.",
        values=("flashinfer", "pytorch"),
        devices=_GPU,
    ),
    Knob(
        name="enable_torch_compile",
        default=False,
        touches=(Touches.DECODE, Touches.NUMERICS),
        lever_class="A",
        reason="Compiles the decode step. On a CPU without the engine's kernel package the server fails to start.",
        values=(True,),
        changes_numerics=True,
        devices=_GPU,
        derived=("torch_compile_max_bs", "cuda_graph_config", "memory_usage"),
    ),
    Knob(
        name="cuda_graph_max_bs_decode",
        default=None,
        touches=(Touches.DECODE,),
        lever_class="A",
        reason="Largest decode batch that is replayed from a graph; a larger batch decodes eagerly.",
        values=(64, 160, 256),
        devices=_GPU,
        derived=("cuda_graph_config", "mem_fraction_static", "max_total_num_tokens", "memory_usage"),
    ),
    Knob(
        name="disable_cuda_graph_padding",
        default=False,
        touches=(Touches.DECODE,),
        lever_class="A",
        reason="Replays a graph only for an exact batch size: no padded rows, but eager steps in between.",
        values=(True,),
        devices=_GPU,
        derived=("cuda_graph_config",),
    ),
    Knob(
        name="triton_attention_num_kv_splits",
        default=8,
        touches=(Touches.ATTENTION, Touches.NUMERICS),
        lever_class="A",
        reason="Splits of the KV sequence in Triton's decode kernel: same sums in another order.",
        values=(4, 16, 32),
        changes_numerics=True,
        devices=_GPU,
        condition={"attention_backend": ("triton",)},
    ),
)
