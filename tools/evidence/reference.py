"""Describes the reference of a gain in one sentence, from the record of its own launch."""

from __future__ import annotations

from collections.abc import Iterable

from bankable.tools.evidence.records import LegRecord, ReferenceChoice, Side
from bankable.tools.evidence.threads import count_threads

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


def describe_reference(legs: Iterable[LegRecord], chosen: ReferenceChoice | None = None) -> str:
    """``sglang 0.5.23 on CPU without its kernel package: torch-native operators, 1 thread``; empty without a leg.

    Taken from the first complete launch of a reference side; with ``chosen``, threads are told with the cores of the
    machine, as ``1 thread on 2 cores``.
    """
    leg = next((leg for leg in legs if leg.side is Side.REFERENCE and leg.status == "complete"), None)
    return _describe(leg, chosen) if leg is not None else ""


def binds_threads(leg: LegRecord) -> bool:
    """Whether the engine of this launch binds its threads itself, and overrides ``OMP_NUM_THREADS``."""
    return has_live_kernels(leg) and STANDIN not in leg.env.get("PYTHONPATH", "")


def has_live_kernels(leg: LegRecord) -> bool:
    """Whether the engine has kernels of its own for a CPU that this machine can run."""
    return leg.device == "cpu" and leg.engine.kernels is not None and leg.engine.kernels.live


def _describe(leg: LegRecord, chosen: ReferenceChoice | None) -> str:
    kernels = leg.engine.kernels
    package = " without its kernel package" if STANDIN in leg.env.get("PYTHONPATH", "") else ""
    if kernels is not None and leg.device == "cpu" and not package:
        package = f" with {kernels.name} {kernels.version}" + ("" if kernels.live else ", which needs AMX")
    details: list[str] = []
    backend = leg.config.flags.get("attention_backend")
    if backend is not None:
        details.append("torch-native operators" if backend == "torch_native" else f"attention backend {backend}")
    bound = binds_threads(leg)
    threads = count_threads({**leg.config.env, **leg.env}, binds=bound)
    if threads:
        cores = f" on {chosen.cores} core{'' if chosen.cores == 1 else 's'}" if chosen is not None else ""
        details.append(f"{threads} {'bound ' if bound else ''}thread{'' if threads == 1 else 's'}{cores}")
    details += [f"{name}={value}" for name, value in sorted(leg.config.flags.items()) if name not in USUAL]
    engine = f"sglang {leg.engine.sglang} {DEVICES[leg.device]}{package}"
    return f"{engine}: {', '.join(details)}" if details else engine
