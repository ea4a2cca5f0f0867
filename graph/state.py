"""What the state machine remembers between steps. Small decisions only: everything measured is in the run folder."""

from __future__ import annotations

import operator
from typing import Annotated, Literal, TypedDict

from bankable.tools.evidence.records import Lever, Record, ServerConfig
from bankable.tools.measurement.direction import Direction

AuditVerdict = Literal["PASS", "FLAG", "FAIL", "SKIPPED"]
"""``SKIPPED`` when the run was started without an auditor."""


class Judged(Record):
    """What routing needs of a verdict; the verdict itself is in ``audits/``."""

    scope: Literal["baseline", "profile", "patch", "harness", "bundle"]
    """What was audited."""
    subject: str
    """The comparison, profile or operator, without its attempt number."""
    attempt: int
    """Number of the attempt, 1-based."""
    verdict: AuditVerdict
    """The auditor's verdict."""
    action: str
    """What the auditor advises, such as ``remeasure`` or ``eject``."""
    rules: tuple[str, ...]
    """Rules with a FAIL or FLAG."""
    headline: str
    """The result in one sentence, as the auditor words it."""
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
    delta: float
    """Claimed gain, as a fraction."""
    interval: tuple[float, float]
    """Its confidence interval, as fractions."""
    headline: str
    """As the auditor corrected it, where it did."""
    audit: str
    """Folder of the verdict below ``audits/``; empty without an auditor."""
    stacked: bool = False
    """An operator that is faster alone and too small to be shown in the server: the bundle has to prove it."""


class Shortlisted(Record):
    """An operator whose kernel is faster alone, signed off by the auditor: it waits for the group's confirmation."""

    operator: str
    """Name of the operator."""
    bench: int
    """Attempt of the operator benchmark that the kernel won."""
    lever: Lever | None
    """The kernel as an overlay; ``None`` where no kernel of ours won."""
    speedup: float
    """Of the kernel alone over the live implementation."""
    ceiling: float
    """Gain of the whole that this allows (Amdahl), as a fraction."""


class Decided(Record):
    """One decision of the run, for the report."""

    subject: str
    """What was decided on."""
    decision: Literal[
        "banked", "stacked", "ejected", "not_proven", "returned", "flagged", "stopped", "published", "failed", "skipped"
    ]
    """What was decided."""
    reason: str
    """Why, in one sentence."""


class RunState(TypedDict, total=False):
    """State of a run. Attempts are counted here, and every loop is bounded by them."""

    track: Literal["kernels", "config"]
    """Where a lever that was decided goes back to."""
    operators: list[str]
    """Operators that wait for a kernel, the most promising first."""
    operator_order: list[str]
    """Operators worth a kernel as the strategist put them; not there where the promise alone decides."""
    operator: str
    """The operator at hand; empty when none is."""
    bench_attempt: int
    """Number of its last operator benchmark."""
    bench_redone: int
    """Operator benchmarks in a row that the auditor gave back."""
    benched: bool
    searching: bool
    """The kernel author is to search a faster kernel for the operator at hand."""
    candidate: str
    """Implementation that the author found; empty before that, and where it found none."""
    trusted: bool
    """The last operator benchmark holds the author's best kernel and was signed off."""
    isolated: dict[str, float]
    """Signed-off speed-ups alone, by operator."""
    shortlist: list[Shortlisted]
    """Operators with a kernel to confirm, the most promising first."""
    searched: list[str]
    """Operators whose kernel author has had its turn."""
    groups: list[list[str]]
    """Operators to confirm together, one group after the other; a group that is not proven is halved."""
    reference: ServerConfig
    """The true baseline with every accepted lever laid over it."""
    accepted: list[Accepted]
    directions: list[Direction]
    baseline_attempt: int
    control_fits: bool
    """One more control stays within the controls' share of the budget."""
    only_noise: bool
    """The last audit of the baseline found nothing wrong but the noise of the machine."""
    detectable_gain: float
    """Smallest gain, as a fraction, that a confirmation finds with 80 % chance on a machine found noisy; else 0."""
    profile_attempt: int
    patch_attempt: int
    bundle_attempt: int
    lever: Lever | None
    """The lever under test."""
    comparison: str
    """Name of the comparison that was measured last."""
    claimed: bool
    """The producer claims a real gain for it, or that it is worth stacking."""
    tried: list[str]
    """Levers that were confirmed or refused, by the name of their first comparison."""
    judged: Judged | None
    decisions: Annotated[list[Decided], operator.add]
    read_only: bool
    """The server is somebody else's: nothing can be launched, so nothing can be tried."""
    profiled: bool
    given_up: bool
    """The producer has no answer to the auditor's reasons."""
    bundle: str
    """Comparison that proved the bundle; empty when none did."""
    stop_reason: str
