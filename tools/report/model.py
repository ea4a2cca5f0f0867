"""What a report shows. Everything in here was read from a run folder; what was not there is said in ``gaps``.

Texts are already cleaned and shortened (``reading.clean``), but not escaped: that is the template's business.
"""

from __future__ import annotations

from bankable.tools.evidence.records import Record
from bankable.tools.profiling.records import Profile

Interval = tuple[float, float]
SIDES = ("reference", "candidate")
"""Of a comparison, in the order in which they are drawn."""
INFORMS = "INFO"
"""Severity of a finding that does not lower the verdict."""


class Setting(Record):
    """A name and a value, both for display."""

    name: str
    value: str


class ReportFinding(Record):
    """One finding of the auditor."""

    rule: str
    severity: str
    expected: str
    observed: str
    evidence: tuple[str, ...] = ()
    """``file:line``."""
    action: str
    advice: str


class ReportMetric(Record):
    """One number that the auditor recomputed for both legs."""

    name: str
    unit: str
    reference: float | None
    candidate: float | None
    delta: float | None
    interval: Interval | None


class ReportNote(Record):
    """Something that was not judged, or was only remarked upon."""

    source: str
    """Verdict and rule."""
    kind: str
    """``not applicable``, ``unverifiable``, ``degraded``, ``remark``."""
    text: str


class ReportVerdict(Record):
    """One verdict of the auditor as its file says it, lowered by the judge's record beside it where there is one."""

    folder: str
    scope: str
    subject: str
    attempt: int | None
    verdict: str
    action: str
    lever_class: str
    headline: str
    findings: tuple[ReportFinding, ...] = ()
    metrics: tuple[ReportMetric, ...] = ()
    notes: tuple[ReportNote, ...] = ()
    degraded: tuple[str, ...] = ()

    @property
    def deciding(self) -> tuple[ReportFinding, ...]:
        """Findings that lower the verdict: FAIL before FLAG."""
        against = [finding for finding in self.findings if finding.severity != INFORMS]
        return tuple(sorted(against, key=lambda finding: finding.severity != "FAIL"))

    @property
    def informing(self) -> tuple[ReportFinding, ...]:
        """Findings that lower nothing."""
        return tuple(finding for finding in self.findings if finding.severity == INFORMS)


class ReportDecision(Record):
    """One decision of the run."""

    subject: str
    decision: str
    reason: str
    verdicts: tuple[str, ...] = ()
    """Verdicts on this subject in order, such as ``FAIL``, ``PASS``."""


class ReportAccepted(Record):
    """A lever that is part of the result."""

    name: str
    settings: tuple[Setting, ...]
    source: str = ""
    """``policy`` or ``llm``: who thought of it first; empty where no language model took part."""


class ReportRound(Record):
    """One timed round."""

    block: int
    side: str
    index: int
    value: float
    """In the unit of the comparison's metric."""


class ReportLeg(Record):
    """One launch."""

    leg_id: str
    block: int
    side: str
    status: str
    rounds: int
    median: float | None
    ready_s: float | None
    """Seconds from launch to ready."""
    failure: str = ""
    identity: tuple[Setting, ...] = ()
    """Host, device and versions, as this launch recorded them."""


class ReportHostPoint(Record):
    """The machine at one moment of a comparison."""

    t: float
    """Seconds since the first sample."""
    cpu_percent: float
    load_1m: float
    tenants: int
    """Busy processes that are not ours."""


class ReportPlan(Record):
    """What was decided before the first launch."""

    blocks: tuple[str, ...]
    """One line per block: launch order, round order, seeds."""
    looks: str
    alpha: float
    floor: float
    rounds_per_leg: int
    launch_plan: str
    seed: int
    workload: tuple[Setting, ...]


class ReportComparison(Record):
    """One comparison: what was planned, what was measured, what was claimed."""

    name: str
    kind: str
    metric: str
    unit: str
    lever: tuple[Setting, ...] = ()
    plan: ReportPlan | None = None
    claim_headline: str = ""
    delta: float | None = None
    """As claimed by the producer."""
    interval: Interval | None = None
    decision: str = ""
    legs: tuple[ReportLeg, ...] = ()
    rounds: tuple[ReportRound, ...] = ()
    gains: tuple[tuple[int, float], ...] = ()
    """Block and its gain as a fraction, recomputed here from the rounds: exp(y_B − y_A) − 1."""
    host: tuple[ReportHostPoint, ...] = ()
    tenants: tuple[str, ...] = ()
    """Names of the busiest other processes."""
    gaps: tuple[str, ...] = ()


class ReportTrial(Record):
    """One screened configuration. Screening decides nothing; it only chooses what to confirm."""

    id: str
    stage: str
    source: str = ""
    """``policy`` or ``llm``: whose idea it was; empty where no language model took part."""
    settings: tuple[Setting, ...]
    gain: float | None
    """Screening score as a fraction."""
    failure: str
    cost_s: float | None


class ReportRole(Record):
    """What one role asked of a language model."""

    role: str
    requests: int
    """Sent."""
    answered: int
    other: str
    """How the others ended, those over budget too, which were not sent."""
    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    seconds: float
    cost: str


class ReportRequests(Record):
    """What the run asked of language models."""

    roles: tuple[ReportRole, ...] = ()
    audit: str = ""
    """What one audit took, in words."""


class ReportModel(Record):
    """Everything on the page."""

    run_id: str
    model: str
    finished: bool
    proven: bool
    """The outcome names a verified gain, an accepted change, and a verdict on a patch or bundle supports it."""
    audited: bool
    """At least one verdict was read."""
    verdict: str
    headline: str
    metric: str = "output_throughput"
    delta: float | None = None
    interval: Interval | None = None
    floor: float | None = None
    accepted: tuple[ReportAccepted, ...] = ()
    decisions: tuple[ReportDecision, ...] = ()
    verdicts: tuple[ReportVerdict, ...] = ()
    comparisons: tuple[ReportComparison, ...] = ()
    profile: Profile | None = None
    trials: tuple[ReportTrial, ...] = ()
    trials_omitted: int = 0
    not_judged: tuple[ReportNote, ...] = ()
    asked: ReportRequests = ReportRequests()
    """Empty when no language model was asked."""
    configuration: tuple[Setting, ...] = ()
    environment: tuple[Setting, ...] = ()
    """Host, device, versions, as the legs recorded them."""
    gaps: tuple[str, ...] = ()
    """What this report could not read, in plain words."""
