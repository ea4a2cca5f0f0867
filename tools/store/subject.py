"""What a measurement is of: model, engine, device and workload. Two that differ in it cannot be compared."""

from __future__ import annotations

from pydantic import Field

from bankable.tools.evidence.records.base import Record

LENGTH_SHARE = 0.05
"""Difference of mean lengths, as a fraction, up to which drawn lengths are those of one workload."""
CACHED_SHARE = 0.05
"""Difference of the shares of prompt tokens that came from the prefix cache, up to which it is one workload."""


class MeasuredSubject(Record):
    """Facts of the files and words of the caller. An empty text or ``None``: neither says."""

    tool: str
    """Format of the files, which is the load generator's."""
    model: str
    """Name of the model; of a local one the last part of its path."""
    engine: str
    """``sglang``, ``vllm`` or another name, without a version: another version is what a gate is for."""
    device: str
    """Kind of device and how many, as far as the files say."""
    workload: dict[str, str] = Field(default={})
    """Arguments of the load generator, latency limits, and further words of the caller, by name."""
    requests: int | None
    """Requests that were sent in a round."""
    prompt_tokens: float | None
    """Mean tokens of a prompt."""
    answer_tokens: float | None
    """Mean tokens of an answer."""
    cached_share: float | None
    """Share of all prompt tokens that came from the prefix cache."""


def find_subject_differences(baseline: MeasuredSubject, candidate: MeasuredSubject) -> list[str]:
    """Say in what the candidate is not of the same subject; empty where it may be compared."""
    texts = [
        f"{name}: {before} on the baseline, {after} on the candidate"
        for name in ("tool", "model", "engine", "device")
        if (before := getattr(baseline, name)) and (after := getattr(candidate, name)) and before != after
    ]
    texts += [
        f"workload, {name}: {value} on the baseline, {candidate.workload[name]} on the candidate"
        for name, value in sorted(baseline.workload.items())
        if name in candidate.workload and candidate.workload[name] != value
    ]
    if None not in (baseline.requests, candidate.requests) and baseline.requests != candidate.requests:
        texts.append(f"workload, requests a round: {baseline.requests} on the baseline, {candidate.requests}")
    for what, before, after in (
        ("tokens of a prompt", baseline.prompt_tokens, candidate.prompt_tokens),
        ("tokens of an answer", baseline.answer_tokens, candidate.answer_tokens),
    ):
        if before and after and abs(after / before - 1.0) > LENGTH_SHARE:
            texts.append(f"workload, mean {what}: {before:.1f} on the baseline, {after:.1f}")
    shares = baseline.cached_share, candidate.cached_share
    if shares[0] is not None and shares[1] is not None and abs(shares[1] - shares[0]) > CACHED_SHARE:
        texts.append(f"workload, prompts from the cache: {shares[0]:.0%} on the baseline, {shares[1]:.0%}")
    return texts


def find_unstated(baseline: MeasuredSubject, candidate: MeasuredSubject) -> list[str]:
    """Facts that only one of both states, or none: they could not be compared."""
    return [
        name for name in ("model", "engine", "device") if not (getattr(baseline, name) and getattr(candidate, name))
    ]
