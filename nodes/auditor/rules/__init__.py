"""The rules in the order in which they are asked. To add one: a file here, and one line in ``RULES``."""

from __future__ import annotations

from nodes.auditor.rule import Rule
from nodes.auditor.rules import (
    baseline_drift,
    baseline_noise,
    bundle_components,
    co_resident_valid,
    contention,
    control_covers_zero,
    engagement,
    evidence_readable,
    exactly_one_lever,
    headline_integrity,
    interleaving,
    lever_class,
    output_correctness,
    profile_quality,
    real_delta,
    reported_vs_raw,
    rows_complete,
    same_conditions,
    same_launch,
    same_workload,
    server_faults,
    stale_evidence,
)

RULES: tuple[Rule, ...] = (
    stale_evidence.rule,
    exactly_one_lever.rule,
    same_launch.rule,
    same_workload.rule,
    same_conditions.rule,
    co_resident_valid.rule,
    interleaving.rule,
    rows_complete.rule,
    engagement.rule,
    server_faults.rule,
    contention.rule,
    baseline_noise.rule,
    control_covers_zero.rule,
    baseline_drift.rule,
    real_delta.rule,
    reported_vs_raw.rule,
    headline_integrity.rule,
    output_correctness.rule,
    lever_class.rule,
    bundle_components.rule,
    profile_quality.rule,
    evidence_readable.rule,
)
