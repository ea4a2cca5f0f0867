"""Where to go on each verdict, within the design's bounds. Every function reads the state and nothing else."""

from __future__ import annotations

from typing import Literal

from bankable.graph.state import RunState

BASELINE_ATTEMPTS = 3
PROFILE_ATTEMPTS = 2
PATCH_ATTEMPTS = 3
BUNDLE_ATTEMPTS = 2
HARNESS_ATTEMPTS = 3


def after_baseline(state: RunState) -> Literal["audit_baseline", "reporter"]:
    """A reference that cannot be measured ends the run, with its evidence kept."""
    return "reporter" if state.get("stop_reason") else "audit_baseline"


def after_audit_baseline(state: RunState) -> Literal["profile", "baseline", "reporter"]:
    """PASS goes on. FLAG and FAIL measure again; at the bound a FLAG goes on and a FAIL stops."""
    judged = state["judged"]
    if judged is None or judged.verdict in ("PASS", "SKIPPED"):
        return "profile"
    if judged.action == "eject":
        return "reporter"
    if state["baseline_attempt"] < BASELINE_ATTEMPTS and judged.action == "remeasure":
        return "baseline"
    return "profile" if judged.verdict == "FLAG" else "reporter"


def after_profile(state: RunState) -> Literal["audit_profile", "profile", "strategist", "reporter"]:
    """A profile that could not be taken is tried once more; without one the search is not steered."""
    if state["profiled"]:
        return "audit_profile"
    return "profile" if state["profile_attempt"] < PROFILE_ATTEMPTS else _search_or_report(state)


def after_audit_profile(state: RunState) -> Literal["strategist", "profile", "reporter"]:
    """Only a FAIL profiles again, once; a profile steers the search and banks nothing."""
    judged = state["judged"]
    failed = judged is not None and judged.verdict == "FAIL"
    return "profile" if failed and state["profile_attempt"] < PROFILE_ATTEMPTS else _search_or_report(state)


def _search_or_report(state: RunState) -> Literal["strategist", "reporter"]:
    """A server that is not ours cannot be tuned: the read-only parts end here."""
    return "reporter" if state["read_only"] else "strategist"


def after_config_tuner(state: RunState) -> Literal["measure_patch", "eject", "validator", "reporter"]:
    """A lever to confirm, one to give up, or none left."""
    if state.get("given_up"):
        return "eject"
    if state.get("lever") is not None:
        return "measure_patch"
    return "validator" if state["accepted"] else "reporter"


def after_measure_patch(state: RunState) -> Literal["audit_patch", "config_tuner"]:
    """Only a claimed gain needs an auditor."""
    return "audit_patch" if state["claimed"] else "config_tuner"


def after_audit_patch(state: RunState) -> Literal["bank", "config_tuner", "integrator", "eject"]:
    """PASS and FLAG bank (FLAG under the corrected headline); FAIL returns to the producer, and at the bound ejects.

    Its producer measures again, changes it, or gives it up.
    """
    judged = state["judged"]
    if judged is None or judged.verdict != "FAIL":
        return "bank"
    if state["patch_attempt"] >= PATCH_ATTEMPTS:
        return "eject"
    return "config_tuner" if state["track"] == "config" else "integrator"


def next_lever(state: RunState) -> Literal["integrator", "config_tuner"]:
    """The next group of operators; the settings when none is left."""
    return "integrator" if state.get("groups") else "config_tuner"


def after_strategist(state: RunState) -> Literal["kernel_extractor", "config_tuner"]:
    """Operators first, where they can be replaced: what a kernel may give is known before it is made (Amdahl)."""
    return "kernel_extractor" if state["track"] == "kernels" else "config_tuner"


def after_kernel_extractor(
    state: RunState,
) -> Literal["op_benchmarker", "kernel_author", "integrator", "config_tuner"]:
    """The next operator to benchmark, or to search a kernel for; then the group; the settings where there is none."""
    if state["operator"]:
        return "kernel_author" if state["searching"] else "op_benchmarker"
    return next_lever(state)


def after_op_benchmarker(state: RunState) -> Literal["audit_harness", "kernel_extractor"]:
    """Only an operator benchmark that was held can be judged."""
    return "audit_harness" if state["benched"] else "kernel_extractor"


def after_audit_harness(
    state: RunState,
) -> Literal["shortlist", "op_benchmarker", "kernel_extractor"]:
    """PASS trusts the number; FLAG and FAIL have it measured again, and at the bound drop the operator."""
    if state["bench_redone"] == 0:
        return "shortlist"
    return "op_benchmarker" if state["bench_redone"] < HARNESS_ATTEMPTS else "kernel_extractor"


def after_kernel_author(state: RunState) -> Literal["op_benchmarker", "kernel_extractor"]:
    """A kernel that no benchmark has seen is benchmarked before it is served."""
    return "kernel_extractor" if state["trusted"] else "op_benchmarker"


def after_integrator(state: RunState) -> Literal["audit_patch", "integrator", "config_tuner", "eject"]:
    """Only a claimed gain needs an auditor; one that was returned and given up is ejected; else the next group."""
    if state.get("given_up"):
        return "eject"
    return "audit_patch" if state["claimed"] else next_lever(state)


def after_validator(state: RunState) -> Literal["audit_bundle", "validator", "reporter"]:
    """A bundle that did not prove its gain is tried once more without its weakest lever."""
    if state["claimed"]:
        return "audit_bundle"
    return "validator" if len(state["accepted"]) > 1 and state["bundle_attempt"] < BUNDLE_ATTEMPTS else "reporter"


def after_audit_bundle(state: RunState) -> Literal["validator", "reporter"]:
    """PASS and FLAG publish; FAIL drops the weakest lever and validates again; then nothing is published."""
    judged = state["judged"]
    failed = judged is not None and judged.verdict == "FAIL"
    again = failed and len(state["accepted"]) > 1 and state["bundle_attempt"] < BUNDLE_ATTEMPTS
    return "validator" if again else "reporter"
