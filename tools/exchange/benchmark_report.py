"""Writes a BenchmarkReport of llm-d, version 0.2.1, as JSON.

Format: ``llmd-benchmark-report`` 0.2.1 (llm-d/llm-d-benchmark, ``benchmark_report/schema_v0_2.py``): the run, the stack
with the engine as ``inference_engine``, the load in standardized and native form, and aggregate statistics with units.
A test validates what is written with the package itself. Facts that no format field holds are under
``results.observability``, which takes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean, pstdev
from typing import Any

from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.devices import count_devices
from bankable.tools.evidence.records import Side, Workload
from bankable.tools.exchange.inferencex import StatedFacts
from bankable.tools.exchange.side import MeasuredSide, label_side, spots

VERSION = "0.2.1"
SPOTS = {
    "p0p1": 0.1,
    "p1": 1.0,
    "p5": 5.0,
    "p10": 10.0,
    "p25": 25.0,
    "p50": 50.0,
    "p75": 75.0,
    "p90": 90.0,
    "p95": 95.0,
    "p99": 99.0,
    "p99p9": 99.9,
}
TIMES = {"ttft": ("time_to_first_token", "s"), "tpot": ("time_per_output_token", "s/token")}
FURTHER_TIMES = {"itl": ("inter_token_latency", "s/token"), "e2el": ("request_latency", "s")}


def build_report(side: MeasuredSide, facts: StatedFacts) -> dict[str, Any]:
    """The report of one side of a comparison."""
    leg, info, plan = side.legs[0], side.server_info, side.plan
    parallel = {
        "dp": int(info.get("dp_size") or 1),
        "ep": int(info.get("ep_size") or 1),
        "pp": int(info.get("pp_size") or 1),
        "tp": int(info.get("tp_size") or 1),
    }
    config = leg.config.model_dump(mode="json")
    load = plan.workload.model_dump(mode="json")
    lever = plan.lever if side.side is Side.CANDIDATE else None
    return {
        "version": VERSION,
        "run": {
            "uid": digest(canonical([plan.run_id, plan.name, side.side.value]))[:32],
            "eid": plan.run_id,
            "time": {
                "start": _moment(side.started),
                "end": _moment(side.ended),
                "duration": f"PT{side.ended - side.started:.3f}S",
            },
        },
        "scenario": {
            "stack": [
                {
                    "metadata": {
                        "label": f"sglang-{side.side.value}",
                        "cfg_id": digest(canonical(config))[:32],
                        "description": lever.text() or "no change" if lever is not None else "reference",
                    },
                    "standardized": {
                        "kind": "inference_engine",
                        "tool": "sglang",
                        "tool_version": leg.engine.sglang,
                        "role": "replica",
                        "replicas": 1,
                        "model": {"name": leg.model},
                        "accelerator": {
                            "model": facts.hardware or leg.device,
                            "count": count_devices({f"{name}_size": parallel[name] for name in ("tp", "pp", "dp")}),
                            "parallelism": parallel,
                        },
                    },
                    "native": {"args": config["flags"], "envars": config["env"]},
                }
            ],
            "load": {
                "metadata": {
                    "cfg_id": digest(canonical(load))[:32],
                    "description": plan.workload.name or "random token ids",
                },
                "standardized": {
                    "tool": "sglang.benchmark",
                    "tool_version": leg.engine.sglang,
                    "source": "random" if plan.workload.dataset == "random-ids" else "sampled",
                    "input_seq_len": _lengths(plan.workload, plan.workload.input_len),
                    "output_seq_len": _lengths(plan.workload, plan.workload.output_len),
                    **({"rate_qps": plan.workload.request_rate} if plan.workload.request_rate else {}),
                    "concurrency": plan.workload.concurrency,
                },
                "native": {"config": load},
            },
        },
        "results": {
            "request_performance": {"aggregate": _aggregate(side)},
            "observability": {
                "bankable": {
                    "comparison": plan.name,
                    "side": side.side.value,
                    "launches": len(side.legs),
                    "rounds": side.rounds,
                    "workload": plan.workload.name,
                    "admission": label_side(side, facts.image),
                    "energy": [
                        {"meter": each.meter, "joules_per_output_token": each.joules_per_token, "watts": each.watts}
                        for each in side.energy
                    ]
                    or "no meter",
                }
            },
        },
    }


def _aggregate(side: MeasuredSide) -> dict[str, Any]:
    rates = {
        "input_token_rate": ("tokens/s", side.input_rate),
        "output_token_rate": ("tokens/s", side.output_rate),
        "total_token_rate": ("tokens/s", side.input_rate + side.output_rate),
        "request_rate": ("queries/s", side.request_rate),
    }
    return {
        "requests": {
            "total": side.sent,
            "failures": side.failed,
            "input_length": _statistics("count", side.input_lens),
            "output_length": _statistics("count", side.output_lens),
        },
        "latency": {
            name: _statistics(units, side.latencies[key])
            for key, (name, units) in {**TIMES, **FURTHER_TIMES}.items()
            if side.latencies[key]
        },
        "throughput": {name: {"units": units, "mean": value} for name, (units, value) in rates.items()},
    }


def _statistics(units: str, values: Sequence[float]) -> dict[str, Any]:
    found = spots([float(value) for value in values], tuple(SPOTS.values()))
    return {
        "units": units,
        "mean": fmean(values),
        "stddev": pstdev(values),
        "min": min(values),
        **{name: found[q] for name, q in SPOTS.items()},
        "max": max(values),
    }


def _lengths(workload: Workload, longest: int) -> dict[str, Any]:
    """Fixed lengths, or drawn uniformly from a part of the longest one."""
    if workload.dataset != "random-ids":
        return {"distribution": "other", "value": longest}
    if workload.range_ratio >= 1.0:
        return {"distribution": "fixed", "value": longest}
    shortest = max(1, int(workload.range_ratio * longest))
    return {"distribution": "random", "value": (shortest + longest) / 2, "min": shortest, "max": longest}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
