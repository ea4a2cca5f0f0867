"""The state that the machine checkpoints between steps: small decisions only; measurements are in the run folder."""

from __future__ import annotations

import operator
from typing import Annotated, Literal, TypedDict

from bankable.tools.evidence.records import Lever, Record, ServerConfig
from bankable.tools.measurement.direction import Direction

AuditVerdict = Literal["PASS", "FLAG", "FAIL", "SKIPPED"]
"""``SKIPPED`` when the run was started without an auditor."""


class Judged(Record):
    """The parts of a verdict that routing needs; the verdict itself is in ``audits/``."""

    scope: Literal["baseline", "profile", "patch", "harness", "bundle", "frontier"]
    """What was audited."""
    subject: str
    """The comparison, profile or operator, without its attempt number."""
    attempt: int
    """Number of the attempt, 1-based."""
    verdict: AuditVerdict
    """The auditor's verdict."""
    action: str
    """The auditor's advice, such as ``remeasure`` or ``eject``."""
    rules: tuple[str, ...]
    """Rules with a FAIL or FLAG."""
    headline: str
    """The auditor's summary in one sentence."""
    folder: str
    """Folder of the verdict below ``audits/``; empty when nothing was judged."""
    degraded: tuple[str, ...] = ()
    """Rules that raised or ran out of time: what they cover was not judged."""


class Accepted(Record):
    """A lever that was banked."""

    name: str
    """Comparison that proved it."""
    lever: Lever
    """The change itself."""
    delta: float | None
    """Claimed gain, as a fraction; ``None`` over a reference that serves nothing within the limits."""
    interval: tuple[float, float] | None
    """Its confidence interval, as fractions."""
    headline: str
    """Headline, as the auditor corrected it where it did."""
    audit: str
    """Folder of the verdict below ``audits/``; empty without an auditor."""
    stacked: bool = False
    """Whether the gain is too small to be shown alone: the bundle has to prove it."""


class Shortlisted(Record):
    """An operator with a faster kernel, signed off by the auditor: waits for the group's confirmation."""

    operator: str
    """Name of the operator."""
    bench: int
    """Attempt of the operator benchmark that the kernel won."""
    lever: Lever | None
    """The kernel as an overlay; ``None`` where no kernel of ours won."""
    speedup: float
    """Speed-up of the kernel in isolation over the live implementation."""
    ceiling: float
    """End-to-end gain that this allows (Amdahl), as a fraction."""


class Decided(Record):
    """One decision of the run, for the report."""

    subject: str
    """Subject of the decision."""
    decision: Literal[
        "banked", "stacked", "ejected", "not_proven", "returned", "flagged", "stopped", "published", "failed", "skipped"
    ]
    """The decision."""
    reason: str
    """Reason, in one sentence."""


class RunState(TypedDict, total=False):
    """State of a run. Attempts are counted here, and every loop is bounded by them."""

    track: Literal["kernels", "config"]
    """Track to return to after a lever was decided."""
    operators: list[str]
    """Operators that wait for a kernel, the most promising first."""
    operator_order: list[str]
    """Operators worth a kernel in the strategist's order; absent where the expected gain alone decides."""
    operator: str
    """The current operator; empty when there is none."""
    bench_attempt: int
    """Number of its last operator benchmark."""
    bench_redone: int
    """Consecutive operator benchmarks that the auditor returned."""
    benched: bool
    searching: bool
    """Whether the kernel author searches a faster kernel for the current operator."""
    candidate: str
    """Implementation that the author found; empty before the search, and when it found none."""
    trusted: bool
    """Whether the last operator benchmark holds the author's best kernel and was signed off."""
    isolated: dict[str, float]
    """Signed-off isolated speed-ups, by operator."""
    shortlist: list[Shortlisted]
    """Operators with a kernel to confirm, the most promising first."""
    searched: list[str]
    """Operators whose kernel search is done."""
    groups: list[list[str]]
    """Groups of operators to confirm together, one after the other; a group without a proven gain is halved."""
    reference: ServerConfig
    """The true baseline plus every accepted lever."""
    accepted: list[Accepted]
    directions: list[Direction]
    baseline_attempt: int
    control_fits: bool
    """Whether one more control stays within the controls' share of the budget."""
    only_noise: bool
    """Whether noise of the machine was the only finding of the last audit of the baseline."""
    detectable_gain: float
    """Smallest gain, as a fraction, that a confirmation detects with 80 % power on a noisy machine; else 0."""
    profile_attempt: int
    patch_attempt: int
    bundle_attempt: int
    lever: Lever | None
    """The lever under test."""
    comparison: str
    """Name of the comparison that was measured last."""
    claimed: bool
    """Whether the producer claims a real gain for the lever, or stacks it."""
    tried: list[str]
    """Levers that were confirmed or ejected, by the name of their first comparison."""
    judged: Judged | None
    decisions: Annotated[list[Decided], operator.add]
    read_only: bool
    """Whether the server is attached: nothing can be launched, so no lever can be tried."""
    profiled: bool
    given_up: bool
    """Whether the producer has no response to the auditor's findings."""
    several_loads: bool
    """Whether the run has a load ladder; absent in a run at one load."""
    laddered: bool
    """Whether the ladder was measured."""
    frontier: Judged | None
    """The verdict on the frontier over several loads; ``None`` or absent without one."""
    bundle: str
    """Comparison that proved the bundle; empty when none did."""
    stop_reason: str
