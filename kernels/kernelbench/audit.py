"""Audits other people's ``eval_results.json``: what its own figures contradict, and what another evaluation says.

From the file alone: entries that contradict themselves, and times that no memory could serve. With the problems:
outputs that compute nothing and that KernelBench's tolerance would accept. With the answers: our own verdicts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from bankable.kernels.kernelbench.result import BenchResult
from bankable.kernels.kernelbench.their_files import EvalEntry, RuntimeStats
from bankable.tools.evidence.records import Record

BANDWIDTH = {
    "B200": 8.0e12,
    "H200": 4.8e12,
    "H100 PCIe": 2.0e12,
    "H100 NVL": 3.9e12,
    "H100": 3.35e12,
    "A100": 2.04e12,
    "L40S": 0.864e12,
    "A10G": 0.6e12,
    "MI355": 8.0e12,
    "MI325": 6.0e12,
    "MI300": 5.3e12,
}
"""Bytes per second of the memory of devices, as their vendors state them; the first name that is in the device's."""
LEAST_BYTES = 512 << 20
"""Fewer bytes than this may lie in a cache, and say nothing about memory."""
EXCESSIVE = 10.0
"""Times as fast as the reference, above which KernelBench itself warns."""
SAME = 0.02
"""Relative difference up to which two figures count as one."""
TRIALS = re.compile(r"\(?\s*(\d+)\s*/\s*(\d+)\s*\)?")
REFUSING = frozenset({"contradiction", "failed_trials", "not_finite", "faster_than_memory", "failed_here", "duplicate"})
EntryVerdict = Literal["stands", "doubted", "refused"]


class EntryAudit(Record):
    """One sample of an ``eval_results.json``."""

    problem: int
    """Number of the problem."""
    name: str
    """File name of the problem; empty where the problems are not at hand."""
    sample: int
    """Number of the sample."""
    claimed_correct: bool
    """``compiled`` and ``correctness``, as the file has them."""
    claimed_speedup: float | None
    """Over the baseline or the file's own ``ref_runtime``; ``None`` where there is neither, or no time."""
    verdict: EntryVerdict
    """Only what *stands* counts in the corrected ``fast_p``; of *doubted* a remark says why it does not."""
    findings: tuple[str, ...]
    """``rule: detail``."""


def audit_entries(
    entries: Mapping[int, Sequence[EvalEntry]],
    baseline: Mapping[str, RuntimeStats] | None = None,
    results: Sequence[BenchResult] = (),
    moved_bytes: Mapping[int, int] | None = None,
) -> list[EntryAudit]:
    """Every sample. ``results``: what was evaluated here; ``moved_bytes``: of inputs and outputs at full size."""
    by_problem = {result.problem: result.name for result in results}
    audits = []
    for number, samples in sorted(entries.items()):
        name = by_problem.get(number, "")
        own = {result.sample: result for result in results if result.problem == number}
        reference = _reference(baseline, number)
        for index, entry in enumerate(samples):
            repeated = any(entry.sample_id == other.sample_id for other in samples[:index])
            findings = [
                *(["duplicate: another entry has the same sample_id"] if repeated else []),
                *_of_outcome(entry),
                *_of_trials(entry.metadata),
                *_of_times(entry, reference),
                *_of_memory(entry, (moved_bytes or {}).get(number)),
                *_of_result(own.get(entry.sample_id) or own.get(None)),
            ]
            rules = {finding.partition(":")[0] for finding in findings}
            claimed = entry.compiled and entry.correctness
            verdict: EntryVerdict = "refused" if rules & REFUSING else "doubted" if rules else "stands"
            audits.append(
                EntryAudit(
                    problem=number,
                    name=name,
                    sample=entry.sample_id,
                    claimed_correct=claimed or entry.correctness,
                    claimed_speedup=_speedup(entry, reference),
                    verdict=verdict if entry.correctness else "stands",
                    findings=tuple(findings) if entry.correctness else (),
                )
            )
    return audits


def fast_shares(audits: Sequence[EntryAudit], p: float) -> tuple[float, float]:
    """fast_p of the first samples as the file claims it, and of those that stand."""
    first = [audit for audit in audits if audit.sample == 0]
    fast = [audit for audit in first if audit.claimed_correct and (audit.claimed_speedup or 0.0) > p]
    number = max(1, len(first))
    return len(fast) / number, sum(audit.verdict == "stands" for audit in fast) / number


def _of_outcome(entry: EvalEntry) -> Iterator[str]:
    """Whether the entry says itself that it is not correct."""
    if not entry.compiled:
        yield "contradiction: correct, but not compiled"
    for name in ("runtime_error", "compilation_error", "correctness_issue"):
        if entry.metadata.get(name):
            yield f"contradiction: correct, but {name} is {str(entry.metadata[name])[:80]}"
    if any(not math.isfinite(value) for value in _listed(entry.metadata.get("max_difference"))):
        yield "not_finite: the largest difference is no number"


def _of_trials(metadata: Mapping[str, Any]) -> Iterator[str]:
    """How many sets of inputs it was right on."""
    trials = TRIALS.fullmatch(str(metadata.get("correctness_trials", "")).strip())
    passed, number = map(int, trials.groups()) if trials else (0, 0)
    if trials is None:
        yield "few_trials: the number of trials is not recorded"
    elif passed < number:
        yield f"failed_trials: {passed} of {number} trials passed"
    elif number < 2:
        yield "few_trials: one trial, on one set of inputs"


def _of_times(entry: EvalEntry, reference: RuntimeStats | None) -> Iterator[str]:
    """Whether its times agree with each other, and with what they are compared to."""
    if entry.runtime <= 0:
        yield "not_timed: there is no time"
        return
    stats = entry.runtime_stats
    if stats.mean is None:
        yield "no_spread: there are no runtime_stats"
    else:
        if abs(stats.mean - entry.runtime) > SAME * entry.runtime:
            yield f"contradiction: runtime {entry.runtime:g} ms, mean of runtime_stats {stats.mean:g} ms"
        low, high = stats.min, stats.max
        if low is not None and high is not None and not low * (1 - SAME) <= stats.mean <= high * (1 + SAME):
            yield f"contradiction: mean {stats.mean:g} ms outside of {low:g} to {high:g} ms"
    if reference is not None and reference.hardware and stats.hardware and reference.hardware != stats.hardware:
        yield f"other_hardware: measured on {stats.hardware}, the baseline on {reference.hardware}"
    ratio = _speedup(entry, reference)
    if ratio is not None and ratio > EXCESSIVE:
        yield f"excessive: {ratio:.1f} times as fast as the reference, beyond {EXCESSIVE:g}"
    elif entry.metadata.get("excessive_speedup"):
        yield "excessive: flagged so by KernelBench itself"


def _of_memory(entry: EvalEntry, moved: int | None) -> Iterator[str]:
    """Whether the time is enough to read the inputs and write the outputs once."""
    hardware = str(entry.runtime_stats.hardware or entry.metadata.get("hardware") or "")
    rate = next((rate for name, rate in BANDWIDTH.items() if name.lower() in hardware.lower()), None)
    if rate is None or not moved or moved < LEAST_BYTES or entry.runtime <= 0:
        return
    least_ms = 1e3 * moved / rate
    if entry.runtime < least_ms:
        yield (
            f"faster_than_memory: {entry.runtime:g} ms for {moved / 1e9:.2f} GB, which {hardware} moves in "
            f"{least_ms:.3g} ms at least ({rate / 1e12:g} TB/s)"
        )


def _of_result(result: BenchResult | None) -> Iterator[str]:
    """What the evaluation here says."""
    if result is None:
        return
    if result.weak:
        yield f"weak_tolerance: {', '.join(result.weak)} would be called correct on this problem"
    if result.sample is not None and result.verdict == "FAIL":
        yield f"failed_here: {result.why[:300]}"
    elif result.sample is not None and result.verdict != "PASS":
        yield f"not_shown_here: {result.why[:200]}"


def _reference(baseline: Mapping[str, RuntimeStats] | None, number: int) -> RuntimeStats | None:
    return next(
        (stats for name, stats in (baseline or {}).items() if name.partition("_")[0] == str(number)),
        None,
    )


def _speedup(entry: EvalEntry, reference: RuntimeStats | None) -> float | None:
    base = reference.mean if reference is not None and reference.mean is not None else entry.ref_runtime
    return base / entry.runtime if base > 0 and entry.runtime > 0 else None


def _listed(value: Any) -> list[float]:
    """Differences, which the file has as text."""
    numbers = []
    for part in value if isinstance(value, list) else [value]:
        try:
            numbers.append(float(part))
        except (TypeError, ValueError):
            continue
    return numbers
