"""Describes the reference of a gain in one sentence, from the record of its own launch."""

from __future__ import annotations

from collections.abc import Iterable

from bankable.tools.evidence.records import LegRecord, Side

STANDIN = "<cpu-standin>"
"""In the recorded search path of a server whose CPU kernel package is not installed."""
DEVICES = {"cpu": "on CPU", "cuda": "on CUDA", "rocm": "on ROCm"}
USUAL = frozenset(
    {
        "attention_backend",
        "device",
        "load_format",
        "max_total_tokens",
        "random_seed",
        "sampling_backend",
        "skip_server_warmup",
        "sleep_on_idle",
    }
)
"""Flags that every launch of this project has; any other one makes the reference a special one."""


def describe_reference(legs: Iterable[LegRecord]) -> str:
    """``sglang 0.5.23 on CPU without its kernel package: torch-native operators, 1 thread``; empty without a leg.

    Taken from the first complete launch of a reference side.
    """
    leg = next((leg for leg in legs if leg.side is Side.REFERENCE and leg.status == "complete"), None)
    return _describe(leg) if leg is not None else ""


def _describe(leg: LegRecord) -> str:
    package = " without its kernel package" if STANDIN in leg.env.get("PYTHONPATH", "") else ""
    details: list[str] = []
    backend = leg.config.flags.get("attention_backend")
    if backend is not None:
        details.append("torch-native operators" if backend == "torch_native" else f"attention backend {backend}")
    threads = leg.env.get("OMP_NUM_THREADS", leg.config.env.get("OMP_NUM_THREADS", ""))
    if threads:
        details.append(f"{threads} thread{'' if threads == '1' else 's'}")
    details += [f"{name}={value}" for name, value in sorted(leg.config.flags.items()) if name not in USUAL]
    engine = f"sglang {leg.engine.sglang} {DEVICES[leg.device]}{package}"
    return f"{engine}: {', '.join(details)}" if details else engine
