"""A run folder to order: a finished run with a control, a patch, a bundle, a profile and a search."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from bankable.tools.profiling.aggregate import aggregate

TRACE = Path(__file__).parents[2] / "data" / "steps-cut-TP-0.trace.json.gz"
DELTA, INTERVAL = 0.142, (0.118, 0.166)


def put(path: Path, value: Any) -> None:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def put_lines(path: Path, values: list[Any]) -> None:
    """A JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


def finished_run(root: Path) -> Path:
    """Everything that a run can have."""
    put(
        root / "run.json",
        {"schema_version": 1, "run_id": "r-7f3a", "config": {"model": "/models/tiny-qwen3", "seed": 1, "flags": {}}},
    )
    put(root / "preflight.json", {"device": "cpu", "model": "/models/tiny-qwen3"})
    comparison(root, "control", "control", {}, gain=0.0, blocks=3)
    comparison(root, "patch-stream_interval", "patch", {"stream_interval": 8}, gain=0.15, blocks=7)
    comparison(root, "bundle", "bundle", {"stream_interval": 8}, gain=0.142, blocks=7)
    verdict(root, "baseline", "control", "PASS", "pass")
    verdict(
        root,
        "patch",
        "patch-stream_interval",
        "FLAG",
        "downgrade_headline",
        findings=[FINDING],
        notes=NOTES,
        degraded=["accuracy_paired"],
    )
    verdict(root, "bundle", "bundle", "PASS", "pass", metrics=METRICS)
    profile = aggregate([TRACE])
    (root / "profile").mkdir()
    (root / "profile" / "profile.json").write_text(profile.model_dump_json())
    put_lines(
        root / "search" / "trials.jsonl",
        [trial(1, {"stream_interval": 8}, 0.13), trial(2, {"chunked_prefill_size": 32}, -0.22), trial(3, {}, None)],
    )
    put(root / "outcome.json", OUTCOME)
    return root


def comparison(root: Path, name: str, kind: str, flags: dict[str, Any], *, gain: float, blocks: int) -> Path:
    """A comparison with four rounds a launch on a machine that drifts."""
    folder, noise = root / "comparisons" / name, random.Random(name)
    lever = {"flags": flags, "env": {}}
    order = ["reference", "candidate"]
    planned = [
        {"index": b, "order": order, "rounds": order * 4, "seeds": [10 * b + k for k in range(4)], "warmup_seed": b}
        for b in range(blocks)
    ]
    workload = {"dataset": "random-ids", "num_prompts": 24, "input_len": 128, "output_len": 32, "concurrency": 8}
    put(
        folder / "plan.json",
        {
            "name": name,
            "kind": kind,
            "metric": "output_throughput",
            "lever": lever,
            "blocks": planned,
            "looks": [5, 7, 10],
            "alpha": 0.024,
            "floor": 0.01,
            "rounds_per_leg": 4,
            "launch_plan": "coresident",
            "seed": 1,
            "workload": workload,
        },
    )
    put(
        folder / "claim.json",
        {
            "metric": "output_throughput",
            "lever": lever,
            "delta": gain,
            "interval": [gain - 0.024, gain + 0.024],
            "decision": "real" if gain > 0.03 else "not_real",
            "headline": f"{name}: {100 * gain:+.1f} %",
        },
    )
    for b in range(blocks):
        for side in order:
            base = (250 + 8 * b) * (1 + gain * (side == "candidate")) * (1 + noise.gauss(0, 0.008))
            leg(folder, b, side, [base * (1 + noise.gauss(0, 0.012)) for _ in range(4)])
    return folder


def leg(folder: Path, block: int, side: str, values: list[float]) -> Path:
    """One finished launch."""
    place = folder / "legs" / f"b{block:02d}-{side}"
    start = 1.8e9 + block * 60
    engine = {"sglang": "0.5.23", "torch": "2.13.0", "python": "3.11.2", "versions": {"triton": "3.7.1"}}
    put(
        place / "leg.json",
        {
            "leg_id": place.name,
            "side": side,
            "block": block,
            "status": "complete",
            "launched_at": start,
            "ready_at": start + 22.5,
            "host": "bench-1",
            "device": "cpu",
            "device_set": ["0", "1"],
            "engine": engine,
        },
    )
    put_lines(
        place / "bench_runs.jsonl",
        [{"output_throughput": v, "bankable": {"index": k, "seed": k}} for k, v in enumerate(values)],
    )
    busy = [{"pid": 9, "name": "backup", "cpu_percent": 60.0}]
    put_lines(
        place / "host.jsonl",
        [
            {
                "t": start + 22 + s,
                "cpu_percent": 55 + 30 * ((s * 7) % 5) / 5,
                "load_1m": 1.2 + 0.1 * s,
                "tenants": busy if block == 1 and 5 < s < 9 else [],
            }
            for s in range(30)
        ],
    )
    return place


def verdict(root: Path, scope: str, subject: str, word: str, action: str, **more: Any) -> None:
    """One verdict of the auditor."""
    raw = {
        "schema_version": 1,
        "scope": scope,
        "subject": subject,
        "attempt": 1,
        "verdict": word,
        "action": action,
        "lever_class": "B",
        "headline": f"{subject} as the evidence supports it",
        "findings": [],
        "metrics": [],
        "notes": [],
        "degraded": [],
    }
    put(root / "audits" / f"{scope}-{subject}-1" / "verdict.json", {**raw, **more})


def trial(number: int, flags: dict[str, Any], score: float | None) -> dict[str, Any]:
    """One line of the search."""
    outcome = {"score": score, "failure": None if score is not None else "out_of_memory", "cost_s": 31.5}
    return {"trial": {"id": number, "flags": flags, "env": {}, "stage": "screen"}, "outcome": outcome}


FINDING = {
    "rule": "latency_regression",
    "severity": "FLAG",
    "expected": "TTFT, TPOT and ITL within 5 % of the reference",
    "observed": "median ITL 21.4 → 171.0 ms: eight tokens arrive at once",
    "action": "downgrade_headline",
    "advice": "Say in the headline that tokens arrive in groups of eight.",
    "modes": ["D13"],
    "code": "",
    "evidence": [{"file": "legs/b00-candidate/bench_runs.jsonl", "line": 2}],
}
NOTES = [
    {"rule": "kernel_identity", "kind": "not_applicable", "text": "No kernel was replaced."},
    {"rule": "gpu_clocks", "kind": "unverifiable", "text": "missing: clocks of the device"},
    {"rule": "simple_rule", "kind": "remark", "text": "The simple rule agrees."},
]
METRICS = [
    {
        "name": "output_throughput",
        "unit": "tok/s",
        "reference": 268.1,
        "candidate": 306.2,
        "delta": 0.142,
        "interval": {"lower": 0.118, "upper": 0.166},
    },
    {"name": "median_ttft_ms", "unit": "ms", "reference": 96.0, "candidate": 97.5, "delta": 0.016, "interval": None},
]
OUTCOME = {
    "verdict": "verified gain",
    "headline": "Streaming every eighth token serves 14.2 % more output tokens per second",
    "delta": DELTA,
    "interval": list(INTERVAL),
    "accepted": [{"name": "patch-stream_interval", "flags": {"stream_interval": 8}}],
    "decisions": [
        {"subject": "patch-stream_interval", "decision": "banked", "reason": "FLAG: tokens arrive in groups"},
        {"subject": "patch-chunked_prefill_size", "decision": "not_proven", "reason": "screened 20 % slower"},
        {"subject": "bundle", "decision": "published", "reason": "PASS on seven fresh blocks"},
    ],
}
