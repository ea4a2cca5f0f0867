"""Writes InferenceX's aggregate of one configuration: ``agg_*.json``.

Format: SemiAnalysisAI/InferenceX, ``utils/process_result.py`` (read at 77f3e68 and in the form of November 2026): rates
per GPU, latencies in seconds by ``{mean,median,p90,p99,p99.9}_{ttft,tpot,itl,e2el}``, interactivity 1 / TPOT as
``*_intvty``, parallel sizes, and power. What this project does not know (the image, the name of the hardware in
InferenceX's list) is stated by the caller or ``null``: nothing is made up. A CPU counts as one GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.devices import count_devices
from bankable.tools.exchange.side import MeasuredSide, label_side, spots

PERCENTILES = {"median": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}
POWER_SCHEMA = 2


@dataclass(frozen=True)
class StatedFacts:
    """What the caller states, because no record has it."""

    hardware: str | None = None
    """Name of the hardware in InferenceX's list, such as ``h200``."""
    image: str | None = None
    """Container image that was served from."""
    model_prefix: str | None = None
    """Short name of the model in InferenceX's configurations."""


def build_aggregate(side: MeasuredSide, facts: StatedFacts) -> dict[str, Any]:
    """The aggregate of one side of a comparison."""
    info, plan = side.server_info, side.plan
    devices = count_devices({name: info[name] for name in ("tp_size", "pp_size", "dp_size") if name in info})
    aggregate: dict[str, Any] = {
        "hw": facts.hardware or side.legs[0].device,
        "conc": plan.workload.concurrency,
        "image": facts.image,
        "model": side.legs[0].model,
        "infmax_model_prefix": facts.model_prefix,
        "framework": "sglang",
        "precision": find_precision(info),
        "spec_decoding": str(info.get("speculative_algorithm") or "none").lower(),
        "disagg": False,
        "recipe_fingerprint": digest(canonical(side.legs[0].config.model_dump(mode="json"))),
        "isl": plan.workload.input_len,
        "osl": plan.workload.output_len,
        "is_multinode": int(info.get("nnodes") or 1) > 1,
        "tp": int(info.get("tp_size") or 1),
        "pp": int(info.get("pp_size") or 1),
        "ep": int(info.get("ep_size") or 1),
        "dp_attention": bool(info.get("enable_dp_attention")),
        "tput_per_gpu": (side.input_rate + side.output_rate) / devices,
        "output_tput_per_gpu": side.output_rate / devices,
        "input_tput_per_gpu": side.input_rate / devices,
    }
    for name, values in side.latencies.items():
        for spot, seconds in _summarize(values).items():
            aggregate[f"{spot}_{name}"] = seconds
            if name == "tpot" and seconds > 0:
                aggregate[f"{spot}_intvty"] = 1.0 / seconds
    aggregate |= _describe_power(side)
    # Not InferenceX's: where the figures come from, and what a leaderboard would say to them.
    aggregate["bankable"] = {
        "comparison": plan.name,
        "side": side.side.value,
        "run_id": plan.run_id,
        "launches": len(side.legs),
        "rounds": side.rounds,
        "workload": plan.workload.name,
        "admission": label_side(side, facts.image),
    }
    return aggregate


def find_precision(info: Mapping[str, Any]) -> str:
    """``fp8``, ``fp4`` or ``bf16``: of the weights as served, by the engine's names for them."""
    quantization = str(info.get("quantization") or "").lower()
    for name in ("fp4", "fp8", "int8", "int4", "awq", "gptq"):
        if name in quantization:
            return name
    dtype = str(info.get("dtype") or "auto").lower().removeprefix("torch.")
    return {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float32": "fp32"}.get(dtype, dtype)


def _summarize(values: tuple[float, ...]) -> dict[str, float]:
    found = spots(values, tuple(PERCENTILES.values()))
    return {"mean": fmean(values), **{name: found[q] for name, q in PERCENTILES.items()}} if values else {}


def _describe_power(side: MeasuredSide) -> dict[str, Any]:
    """Power and energy of the first meter that covers everything; ``power_valid`` is false without one."""
    fields: dict[str, Any] = {"power_metric_schema_version": POWER_SCHEMA, "power_valid": bool(side.energy)}
    if side.energy:
        energy = side.energy[0]
        joules = energy.joules_per_token * side.output_tokens
        fields |= {
            "avg_power_w": energy.watts,
            "joules_per_output_token": energy.joules_per_token,
            "joules_per_input_token": joules / side.input_tokens,
            "joules_per_total_token": joules / (side.input_tokens + side.output_tokens),
            "power_source": energy.meter,
        }
    return fields
