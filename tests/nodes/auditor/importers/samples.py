"""Result files of other tools, made from simulated requests, consistent down to the last figure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bankable.tools.statistics.latency import percentile

Json = dict[str, Any]
PROMPTS, INPUT, OUTPUT = 12, 64, 16


@dataclass(frozen=True)
class Sample:
    """One simulated round. Times in seconds."""

    duration: float
    ttfts: list[float]
    itls: list[list[float]]

    @property
    def latencies(self) -> list[float]:
        return [first + math.fsum(gaps) for first, gaps in zip(self.ttfts, self.itls, strict=True)]


def simulate(rate: float, seed: int) -> Sample:
    """A round at ``rate`` output tokens per second; the slowest request ends with it."""
    rng = random.Random(seed)
    duration = PROMPTS * OUTPUT / rate
    ttfts = [0.1 * duration * rng.uniform(0.9, 1.1) for _ in range(PROMPTS)]
    itls = [
        [0.8 * duration / (OUTPUT - 1) * rng.uniform(0.99, 1.01) for _ in range(OUTPUT - 1)] for _ in range(PROMPTS)
    ]
    return Sample(duration, ttfts, itls)


def figures(sample: Sample) -> Json:
    """Figures as sglang and vLLM work them out, in ms."""
    tpots = [math.fsum(gaps) / (OUTPUT - 1) for gaps in sample.itls]
    flat = [gap for gaps in sample.itls for gap in gaps]
    found: Json = {
        "output_throughput": PROMPTS * OUTPUT / sample.duration,
        "request_throughput": PROMPTS / sample.duration,
    }
    for name, values in (("ttft", sample.ttfts), ("tpot", tpots), ("itl", flat)):
        found[f"median_{name}_ms"] = 1000 * percentile(values, 50)
        found[f"p99_{name}_ms"] = 1000 * percentile(values, 99)
    return found


def sglang(rate: float, seed: int = 0, info: Json | None = None, *, details: bool = True) -> Json:
    sample = simulate(rate, seed)
    record: Json = {
        "tag": None,
        "backend": "sglang",
        "dataset_name": "random",
        "request_rate": math.inf,
        "max_concurrency": 4,
        "sharegpt_output_len": None,
        "random_input_len": INPUT,
        "random_output_len": OUTPUT,
        "random_range_ratio": 1.0,
        "server_info": info,
        "duration": sample.duration,
        "completed": PROMPTS,
        "total_input_tokens": PROMPTS * INPUT,
        "total_output_tokens": PROMPTS * OUTPUT,
        **figures(sample),
    }
    lists = {
        "input_lens": [INPUT] * PROMPTS,
        "output_lens": [OUTPUT] * PROMPTS,
        "ttfts": sample.ttfts,
        "itls": sample.itls,
        "generated_texts": ["text"] * PROMPTS,
        "errors": [""] * PROMPTS,
    }
    return {**record, **lists} if details else record


def vllm(rate: float, seed: int = 0, *, details: bool = True, **more: Any) -> Json:
    sample = simulate(rate, seed)
    record: Json = {
        "date": "20260101-000000",
        "endpoint_type": "vllm",
        "backend": "vllm",
        "label": None,
        "model_id": "tiny",
        "tokenizer_id": "tiny",
        "num_prompts": PROMPTS,
        "request_rate": "inf",
        "burstiness": 1.0,
        "max_concurrency": 4,
        "duration": sample.duration,
        "completed": PROMPTS,
        "failed": 0,
        "total_input_tokens": PROMPTS * INPUT,
        "total_output_tokens": PROMPTS * OUTPUT,
        "total_token_throughput": PROMPTS * (INPUT + OUTPUT) / sample.duration,
        "latencies": sample.latencies,
        **figures(sample),
    }
    lists = {
        "input_lens": [INPUT] * PROMPTS,
        "output_lens": [OUTPUT] * PROMPTS,
        "ttfts": sample.ttfts,
        "itls": sample.itls,
        "generated_texts": ["text"] * PROMPTS,
        "errors": [""] * PROMPTS,
        "start_times": [0.0] * PROMPTS,
    }
    return {**record, **(lists if details else {}), **more}


def aiperf_records(rate: float, seed: int = 0) -> list[Json]:
    sample = simulate(rate, seed)
    start = 1_759_813_207_000_000_000
    found = []
    for index, (ttft, gaps, latency) in enumerate(zip(sample.ttfts, sample.itls, sample.latencies, strict=True)):
        # The last request ends when the round does; AIPerf's duration goes from first start to last end.
        end = sample.duration if index == PROMPTS - 1 else latency
        found.append(
            {
                "metadata": {
                    "session_num": index,
                    "request_start_ns": start,
                    "request_end_ns": start + int(end * 1e9),
                    "worker_id": "w",
                    "record_processor_id": "r",
                    "benchmark_phase": "profiling",
                    "was_cancelled": False,
                },
                "metrics": {
                    "input_sequence_length": {"value": INPUT, "unit": "tokens"},
                    "output_sequence_length": {"value": OUTPUT, "unit": "tokens"},
                    "time_to_first_token": {"value": 1000 * ttft, "unit": "ms"},
                    "inter_token_latency": {"value": 1000 * math.fsum(gaps) / (OUTPUT - 1), "unit": "ms"},
                    "inter_chunk_latency": {"value": [1000 * gap for gap in gaps], "unit": "ms"},
                    "request_latency": {"value": 1000 * latency, "unit": "ms"},
                },
                "error": None,
            }
        )
    return found


def aiperf_summary(rate: float, seed: int = 0) -> Json:
    sample = simulate(rate, seed)
    tpots = [1000 * math.fsum(gaps) / (OUTPUT - 1) for gaps in sample.itls]
    flat = [1000 * gap for gaps in sample.itls for gap in gaps]

    def spread(values: list[float]) -> Json:
        return {
            "unit": "ms",
            "avg": sum(values) / len(values),
            "p50": percentile(values, 50),
            "p99": percentile(values, 99),
        }

    return {
        "request_throughput": {"unit": "requests/sec", "avg": PROMPTS / sample.duration},
        "output_token_throughput": {"unit": "tokens/sec", "avg": PROMPTS * OUTPUT / sample.duration},
        "request_count": {"unit": "requests", "avg": float(PROMPTS)},
        "time_to_first_token": spread([1000 * value for value in sample.ttfts]),
        "inter_token_latency": spread(tpots),
        "inter_chunk_latency": spread(flat),
        "total_osl": {"unit": "tokens", "avg": float(PROMPTS * OUTPUT)},
        "input_config": {"endpoint": {"model_names": ["tiny"]}},
        "was_cancelled": False,
    }


def aiperf_csv(rate: float) -> str:
    found = aiperf_summary(rate)
    rows = ["Metric,avg,min,max,p50,p99,std"]
    for name, tag in (("Time to First Token", "time_to_first_token"), ("Inter Token Latency", "inter_token_latency")):
        one = found[tag]
        rows.append(f"{name} (ms),{one['avg']:.2f},,,{one['p50']:.2f},{one['p99']:.2f},")
    rows += ["", "Metric,Value", f"Output Token Throughput (tokens/sec),{found['output_token_throughput']['avg']:.2f}"]
    rows += [
        f"Request Throughput (requests/sec),{found['request_throughput']['avg']:.2f}",
        f"Request Count,{PROMPTS}.00",
    ]
    return "\r\n".join(rows) + "\r\n"


def guidellm(rate: float, seed: int = 0, strategy: Json | None = None) -> Json:
    sample = simulate(rate, seed)
    start = 1_759_813_207.0
    requests = []
    for index, (ttft, gaps, latency) in enumerate(zip(sample.ttfts, sample.itls, sample.latencies, strict=True)):
        end = sample.duration if index == PROMPTS - 1 else latency
        requests.append(
            {
                "type_": "generative_request_stats",
                "request_id": str(index),
                "request_start_time": start,
                "request_end_time": start + end,
                "request_latency": end,
                "prompt_tokens": INPUT,
                "output_tokens": OUTPUT,
                "time_to_first_token_ms": 1000 * ttft,
                "inter_token_latency_ms": 1000 * math.fsum(gaps) / (OUTPUT - 1),
            }
        )
    tpots = [one["inter_token_latency_ms"] for one in requests]
    ttfts = [one["time_to_first_token_ms"] for one in requests]

    def summary(values: list[float]) -> Json:
        return {
            "successful": {
                "mean": sum(values) / len(values),
                "median": sorted(values)[(len(values) - 1) // 2],
                "percentiles": {"p99": max(values)},
            }
        }

    return {
        "metadata": {"version": 2, "guidellm_version": "0.7.3"},
        "config": {"target": "http://localhost:8000"},
        "benchmarks": [
            {
                "type_": "generative_benchmark",
                "config": {"run_id": str(seed), "strategy": strategy or {"type_": "concurrent", "streams": 4}},
                "metrics": {
                    "request_totals": {"successful": PROMPTS, "errored": 0, "incomplete": 0, "total": PROMPTS},
                    "requests_per_second": summary([PROMPTS / sample.duration]),
                    "output_tokens_per_second": summary([PROMPTS * OUTPUT / sample.duration]),
                    "time_to_first_token_ms": summary(ttfts),
                    "inter_token_latency_ms": summary(tpots),
                },
                "requests": {"successful": requests, "errored": [], "incomplete": [], "total": None},
                "duration": sample.duration,
            }
        ],
    }


def dump(path: Path, *records: Any, pretty: bool = False) -> Path:
    """One object a line, as most tools append them; sglang's Infinity included."""
    import json

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one, indent=2 if pretty else None) + "\n" for one in records))
    return path


def raw(value: Any) -> bytes:
    return orjson.dumps(value)
