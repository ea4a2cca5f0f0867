"""KernelBench's own files: ``eval_results.json`` and ``baseline_time_torch.json``, written and read.

``eval_results.json`` maps the number of a problem to a list of entries ``sample_id``, ``compiled``, ``correctness``,
``metadata``, ``runtime`` (milliseconds) and ``runtime_stats``. What is written here calls correct only what passed our
audit; ``metadata`` holds what KernelBench's tolerance says, the verdict and its reasons.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from bankable.kernels.kernelbench.problems import LEVEL
from bankable.kernels.kernelbench.result import BenchResult, BenchTiming
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import write_once

EVAL_RESULTS = "eval_results.json"
BASELINE = "baseline_time_torch.json"
NEVER = -1.0
"""Runtime of what was not timed."""


class RuntimeStats(Record):
    """Times of one module; empty where it was not timed."""

    model_config = ConfigDict(frozen=True, extra="allow")

    mean: float | None = None
    """Milliseconds."""
    std: float | None = None
    """Milliseconds."""
    min: float | None = None
    """Milliseconds."""
    max: float | None = None
    """Milliseconds."""
    num_trials: int | None = None
    """Number of timed calls or batches."""
    hardware: str | None = None
    """Name of the device."""
    device: str | None = None
    """Such as ``cuda:0`` or ``cpu``."""


class EvalEntry(Record):
    """One sample of ``eval_results.json``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    sample_id: int = 0
    """Number of the sample."""
    compiled: bool = False
    """Whether it loaded."""
    correctness: bool = False
    """Whether all trials were within tolerance."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Hardware, differences, errors, whatever an evaluator adds."""
    runtime: float = NEVER
    """Mean, milliseconds; -1: not timed."""
    runtime_stats: RuntimeStats = Field(default_factory=RuntimeStats)
    """Of the answer."""
    ref_runtime: float = NEVER
    """Mean of the reference, milliseconds; -1: not timed."""
    ref_runtime_stats: RuntimeStats = Field(default_factory=RuntimeStats)
    """Of the reference."""


def write_their_files(results: Sequence[BenchResult], out: Path) -> list[Path]:
    """``levelN/eval_results.json`` for each level, and the reference's times beside them."""
    paths = []
    baseline: dict[str, dict[str, Any]] = {}
    for level in sorted({result.level for result in results}):
        entries: dict[str, list[dict[str, Any]]] = {}
        for result in results:
            if result.level == level and result.sample is not None:
                entries.setdefault(str(result.problem), []).append(_entry(result))
            if result.level == level and result.timings:
                baseline.setdefault(f"level{level}", {})[result.name] = _stats(result.timings, "reference_s")
        path = out / f"level{level}" / EVAL_RESULTS
        ordered = dict(sorted(entries.items(), key=lambda item: int(item[0])))
        write_once(path, json.dumps(ordered, indent=4).encode())
        paths.append(path)
    if baseline:
        write_once(out / BASELINE, json.dumps(baseline, indent=4).encode())
        paths.append(out / BASELINE)
    return paths


def read_eval_results(path: Path) -> dict[int, list[EvalEntry]]:
    """Entries by problem; older files with one entry a problem are read, too. Raises ``UserError``."""
    raw = _read_json(path)
    if not isinstance(raw, dict):
        raise _unreadable(path, "it holds no object")
    entries: dict[int, list[EvalEntry]] = {}
    for key, value in raw.items():
        listed = value if isinstance(value, list) else [value]
        try:
            entries[int(key)] = [EvalEntry.model_validate(entry) for entry in listed]
        except (ValueError, ValidationError) as problem:
            raise _unreadable(path, f"entry {key}: {str(problem).splitlines()[0]}") from None
    return entries


def read_baseline(path: Path, level: int) -> dict[str, RuntimeStats]:
    """Times of the reference by file name of the problem. Raises ``UserError``."""
    raw = _read_json(path)
    times = raw.get(f"level{level}") if isinstance(raw, Mapping) else None
    if not isinstance(times, Mapping):
        raise UserError(f"Cannot read the baseline: no level{level}", str(path), "give a baseline_time_torch.json")
    try:
        return {str(name): RuntimeStats.model_validate(entry) for name, entry in times.items()}
    except ValidationError as problem:
        raise _unreadable(path, str(problem).splitlines()[0]) from None


def level_of(path: Path) -> int | None:
    """Level that a results file's folder names; ``None`` where it names none."""
    return next((int(told.group(1)) for part in reversed(path.parts) if (told := LEVEL.fullmatch(part))), None)


def _entry(result: BenchResult) -> dict[str, Any]:
    plain = [check for check in result.checks if not check.name.startswith("other")]
    loaded = not any(finding.rule == "does_not_load" for finding in result.findings) and bool(result.checks)
    metadata: dict[str, Any] = {
        "hardware": _hardware(),
        "device": "cpu",
        "correctness_trials": f"({sum(check.theirs for check in plain)} / {len(plain)})",
        "max_difference": [_shown(check.largest) for check in plain],
        "avg_difference": [_shown(check.mean) for check in plain],
        "verdict": result.verdict,
        "why": result.why,
        "rules": [finding.rule for finding in result.findings],
        "within_kernelbench_tolerance": result.within_their_tolerance,
        "weak_tolerance": list(result.weak),
        "smaller_sizes": result.smaller,
        "speedup": result.speedup,
        "speedup_bounds": result.interval,
    }
    if result.build_log:
        metadata["compilation_error"] = result.build_log
    answer, reference = _stats(result.timings, "answer_s"), _stats(result.timings, "reference_s")
    return {
        "sample_id": result.sample,
        "compiled": loaded,
        "correctness": result.verdict == "PASS",
        "metadata": metadata,
        "runtime": answer.get("mean", NEVER),
        "runtime_stats": answer,
        "ref_runtime": reference.get("mean", NEVER),
        "ref_runtime_stats": reference,
    }


def _stats(timings: Sequence[BenchTiming], who: str) -> dict[str, Any]:
    """Milliseconds a call, without the boundary."""
    values = [1e3 * max(0.0, getattr(timing, who) - timing.empty_s) for timing in timings]
    if not values:
        return {}
    return {
        "mean": fmean(values),
        "std": stdev(values) if len(values) > 1 else 0.0,
        "min": min(values),
        "max": max(values),
        "num_trials": len(values),
        "hardware": _hardware(),
        "device": "cpu",
    }


def _shown(value: float | None) -> str:
    return "inf" if value is None else f"{value:.6f}"


def _hardware() -> str:
    return platform.processor() or platform.machine()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise _unreadable(path, str(problem)) from None


def _unreadable(path: Path, why: str) -> UserError:
    return UserError(f"Cannot read the results: {why}", str(path), "give KernelBench's eval_results.json")
