"""Builders of run folders as GEAK's e2e workflow writes them, with the figures of its public reports.

Figures: AMD-AGI/GEAK, ``perf_knowledge/expert_skills/skills/patch_auditor/proof/fixtures.yaml`` (commit e44107f4).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bankable.nodes.auditor.verdict import Severity, Verdict
from tests.nodes.auditor.builders import server_log, write, write_lines

Json = dict[str, Any]
BASE = {
    "model_path": "/models/Qwen3.5-27B-FP8",
    "version": "0.5.6",
    "tp_size": 1,
    "attention_backend": "aiter",
    "mem_fraction_static": 0.85,
    "max_total_num_tokens": 1_156_449,
    "speculative_algorithm": None,
    "speculative_num_steps": None,
    "schedule_policy": "fcfs",
    "internal_states": [{}],
}
CLEAR = (
    "Paris is the capital of France, and it lies on the river Seine in the north of the country.",
    "The sky looks blue because air scatters short waves of light more than long ones.",
    "Two, three, five, seven and eleven are the first five prime numbers in order.",
    "The waves come in with the wind and leave a thin line of foam on the sand.",
    "She said good morning to her neighbours and walked down to the market for bread.",
)
GIBBERISH = (
    "xq vvrt zz zz zz zz plk plk plk qqq qqq mnb zxc zxc wq wq wq wq wq wq wq wq wq wq",
    "the of the of the of the of the of the of the of the of the of the of the of the",
    "kjh qwe asd kjh qwe asd kjh qwe asd kjh qwe asd kjh qwe asd kjh qwe asd kjh qwe",
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
    "aaaa bbbb aaaa bbbb aaaa bbbb aaaa bbbb aaaa bbbb aaaa bbbb aaaa bbbb aaaa bbbb",
)


def row(rate: float, info: Json | None, ttft: float = 4280.0, tpot: float = 59.0) -> Json:
    """One repeat, as the sglang adapter appends it: without per-request details."""
    return {
        "tag": None,
        "backend": "sglang",
        "dataset_name": "random",
        "request_rate": "inf",
        "max_concurrency": 64,
        "sharegpt_output_len": None,
        "random_input_len": 1024,
        "random_output_len": 1024,
        "random_range_ratio": 1.0,
        "server_info": info,
        "duration": 320 * 1024 / rate,
        "completed": 320,
        "total_input_tokens": 320 * 1024,
        "total_output_tokens": 320 * 1024,
        "output_throughput": rate,
        "request_throughput": rate / 1024,
        "median_ttft_ms": ttft,
        "p99_ttft_ms": 2 * ttft,
        "median_tpot_ms": tpot,
        "median_itl_ms": tpot,
        "p99_itl_ms": 2 * tpot,
    }


def leg(
    folder: Path,
    rates: list[float],
    info: Json | None = None,
    *,
    texts: tuple[str, ...] | None = CLEAR,
    log: str | None = None,
    ttft: float = 4280.0,
) -> None:
    info = {**BASE, **(info or {}), "random_seed": sum(map(ord, str(folder))), "port": 30000}
    write_lines(folder / "bench_runs.jsonl", [row(rate, info, ttft) for rate in rates])
    ordered = sorted(rates)
    middle = ordered[len(ordered) // 2]
    summary = {
        "output_throughput_tok_s_median": round(middle, 3),
        "ttft_ms_median": ttft,
        "tpot_ms_median": 59.0,
        "runs": len(rates),
        "all_throughput": rates,
        "metric_basis": "aggregate_output_tok_s",
    }
    write(folder / "bench_summary.json", summary)
    (folder / "server.log").write_text(server_log(65, 0.11) if log is None else log)
    if texts is not None:
        prompts = [{"prompt": f"question {index}", "output": text} for index, text in enumerate(texts)]
        write(folder / "parity.json", prompts)


def integrated(run: Path, name: str = "gemm", **fields: Any) -> Path:
    """``overlay/cand_*`` with an honest record of its A/B, to be changed by ``fields``."""
    folder = run / "overlay" / f"cand_{name}"
    record = {
        "short_name": name,
        "winner_kind": "flag",
        "apply_flags": "--schedule-policy lpm",
        "gate": "accepted",
        "output_parity": "pass",
        "parity_kind": "byte_exact",
        "ab_complete": True,
        **fields,
    }
    write(folder / "integrate_result.json", {key: value for key, value in record.items() if value is not None})
    return folder


REF = [1004.30, 1004.906, 1005.254]
CAND = [1674.248, 1677.476, 1684.60]


def codes(verdict: Verdict, severity: Severity) -> set[str]:
    return {finding.code for finding in verdict.findings if finding.severity is severity}


def shown(verdict: Verdict) -> list[tuple[str, str, str, str]]:
    return [
        (finding.severity.value, finding.rule, finding.code, finding.observed)
        for finding in verdict.findings
        if finding.severity != "INFO"
    ]
