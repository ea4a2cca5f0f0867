"""Routing of the state machine: the next step for each verdict, within bounds.

``machine`` routes with these tables and draws them.
"""

from __future__ import annotations

from bankable.graph.branch import Bound, Branch, Condition, Row, is_set, is_unset
from bankable.graph.state import RunState

BASELINE = Bound("baseline_attempt", 3)
PROFILE = Bound("profile_attempt", 2)
PATCH = Bound("patch_attempt", 3)
BUNDLE = Bound("bundle_attempt", 2)
HARNESS = Bound("bench_redone", 3)
"""Counts consecutive audits without a PASS."""


def _advises(action: str) -> Condition:
    def holds(state: RunState) -> bool:
        judged = state.get("judged")
        return judged is not None and judged.action == action

    return Condition(action, holds)


def _lever_of(track: str, text: str) -> Condition:
    return Condition(text, lambda state: state["track"] == track)


REMEASURE, EJECT = _advises("remeasure"), _advises("eject")
SETTINGS, OPERATORS = _lever_of("config", "settings"), _lever_of("kernels", "operators")
CLAIMED, NOT_CLAIMED = is_set("claimed", "gain claimed"), is_unset("claimed", "no gain claimed")
GIVEN_UP = is_set("given_up", "given up")
READ_ONLY = is_set("read_only", "server is read-only")
SEVERAL = Condition("several levers", lambda state: len(state["accepted"]) > 1)
ACCEPTED = is_set("accepted", "levers banked")
LOADS = is_set("several_loads", "several loads")

CONTROL_FITS = is_set("control_fits", "a quarter of the budget")
ONLY_NOISE = is_set("only_noise", "noise alone")
AN_OPERATOR = is_set("operator", "an operator")

NEXT_LEVER = (
    Row("integrator", conditions=(is_set("groups", "a group of operators"),)),
    Row("config_tuner", conditions=(is_unset("groups", "no group left"),)),
)
"""The next group of operators; the settings when none is left."""

BASELINE_AUDIT = Branch(
    "audit_baseline",
    (
        Row("profile", ("PASS", "SKIPPED")),
        Row("reporter", ("FLAG", "FAIL"), (EJECT,)),
        Row("baseline", ("FLAG", "FAIL"), (REMEASURE, BASELINE.left, CONTROL_FITS)),
        Row("profile", ("FLAG",)),
        Row("profile", ("FAIL",), (ONLY_NOISE,)),
        Row("reporter", ("FAIL",)),
    ),
)
"""FLAG and FAIL measure again, within the controls' share of the budget.

After that a FLAG continues, and so does a FAIL for noise alone: larger gains can still be proven, smaller ones are not
tried. Any other FAIL stops the run; the evidence stays.
"""

PROFILE_AUDIT = Branch(
    "audit_profile",
    (
        Row("profile", ("FAIL",), (PROFILE.left,)),
        Row("reporter", ("PASS", "FLAG", "FAIL", "SKIPPED"), (READ_ONLY,)),
        Row("strategist", ("PASS", "FLAG", "SKIPPED", "FAIL")),
    ),
)
"""Only a FAIL profiles again, once: a profile steers the search and banks nothing."""

HARNESS_AUDIT = Branch(
    "audit_harness",
    (
        Row("shortlist", ("PASS", "SKIPPED")),
        Row("op_benchmarker", ("FLAG", "FAIL"), (HARNESS.left,)),
        Row("kernel_extractor", ("FLAG", "FAIL"), (HARNESS.used_up,)),
    ),
)
"""PASS accepts the isolated number; FLAG and FAIL measure it again, and at the bound drop the operator."""

PATCH_AUDIT = Branch(
    "audit_patch",
    (
        Row("bank", ("PASS", "FLAG", "SKIPPED")),
        Row("config_tuner", ("FAIL",), (SETTINGS, PATCH.left)),
        Row("integrator", ("FAIL",), (OPERATORS, PATCH.left)),
        Row("eject", ("FAIL",), (PATCH.used_up,)),
    ),
)
"""PASS and FLAG bank (FLAG under the corrected headline). FAIL returns to the producer, which measures again, changes
the lever or gives it up; at the bound it is ejected."""

BUNDLE_AUDIT = Branch(
    "audit_bundle",
    (
        Row("validator", ("FAIL",), (SEVERAL, BUNDLE.left)),
        Row("ladder", ("PASS", "FLAG", "SKIPPED", "FAIL"), (LOADS,)),
        Row("reporter", ("PASS", "FLAG", "SKIPPED", "FAIL")),
    ),
)
"""PASS and FLAG publish; FAIL drops the weakest lever and validates again; then nothing is published."""

AUDITS = (BASELINE_AUDIT, PROFILE_AUDIT, HARNESS_AUDIT, PATCH_AUDIT, BUNDLE_AUDIT)

BRANCHES = (
    Branch(
        "baseline",
        (
            Row("reporter", conditions=(is_set("stop_reason", "not measurable"),)),
            Row("audit_baseline", conditions=(is_unset("stop_reason", "measured"),)),
        ),
    ),
    # A profile that could not be taken is tried once more; without one the search is not steered.
    Branch(
        "profile",
        (
            Row("audit_profile", conditions=(is_set("profiled", "taken"),)),
            Row("profile", conditions=(Condition("not taken", lambda _: True), PROFILE.left)),
            Row("reporter", conditions=(READ_ONLY,)),
            Row("strategist"),
        ),
    ),
    # Operators first, where they can be replaced: the possible gain of a kernel is known in advance (Amdahl's law).
    Branch(
        "strategist", (Row("kernel_extractor", conditions=(OPERATORS,)), Row("config_tuner", conditions=(SETTINGS,)))
    ),
    Branch(
        "kernel_extractor",
        (
            Row("kernel_author", conditions=(AN_OPERATOR, is_set("searching", "to be searched"))),
            Row("op_benchmarker", conditions=(AN_OPERATOR,)),
            *NEXT_LEVER,
        ),
    ),
    Branch(
        "op_benchmarker",
        (
            Row("audit_harness", conditions=(is_set("benched", "measured"),)),
            Row("kernel_extractor", conditions=(is_unset("benched", "not measurable"),)),
        ),
    ),
    # A kernel without an operator benchmark is benchmarked before it is served.
    Branch(
        "kernel_author",
        (
            Row("kernel_extractor", conditions=(is_set("trusted", "winner is measured"),)),
            Row("op_benchmarker", conditions=(is_unset("trusted", "new kernel"),)),
        ),
    ),
    Branch(
        "integrator",
        (
            Row("eject", conditions=(GIVEN_UP,)),
            Row("audit_patch", conditions=(CLAIMED,)),
            *NEXT_LEVER,
        ),
    ),
    Branch(
        "config_tuner",
        (
            Row("eject", conditions=(GIVEN_UP,)),
            Row("measure_patch", conditions=(is_set("lever", "a lever"),)),
            Row("validator", conditions=(ACCEPTED,)),
            Row("ladder", conditions=(LOADS,)),
            Row("reporter"),
        ),
    ),
    Branch(
        "measure_patch",
        (Row("audit_patch", conditions=(CLAIMED,)), Row("config_tuner", conditions=(NOT_CLAIMED,))),
    ),
    Branch("bank", NEXT_LEVER),
    Branch("eject", NEXT_LEVER),
    # A bundle without a proven gain is validated once more without its weakest lever.
    Branch(
        "validator",
        (
            Row("audit_bundle", conditions=(CLAIMED,)),
            Row("validator", conditions=(NOT_CLAIMED, SEVERAL, BUNDLE.left)),
            Row("ladder", conditions=(LOADS,)),
            Row("reporter"),
        ),
    ),
    # Several loads: which configuration at which load. Its verdict publishes or withholds the points, nothing else.
    Branch(
        "ladder",
        (
            Row("audit_frontier", conditions=(is_set("laddered", "measured"),)),
            Row("reporter", conditions=(is_unset("laddered", "not measurable"),)),
        ),
    ),
    *AUDITS,
)
"""All conditional edges of the state machine."""
