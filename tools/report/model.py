"""The content of a report, read from a run folder; missing parts are listed in ``gaps``.

Texts are already cleaned and shortened (``reading.clean``), but not escaped: that is the template's business.
"""

from __future__ import annotations

from bankable.tools.evidence.records import Record
from bankable.tools.profiling.records import Profile
from bankable.tools.report.frontier_model import Interval, ReportFrontier

SIDES = ("reference", "candidate")
"""Of a comparison, in the order in which they are drawn."""
INFORMS = "INFO"
"""Severity of a finding that does not lower the verdict."""


class ReportSetting(Record):
    """A name and a value, both for display."""

    name: str
    """Name, for display."""
    value: str
    """Value, for display."""


class ReportFinding(Record):
    """One finding of the auditor."""

    rule: str
    """Id of the rule."""
    severity: str
    """``FAIL``, ``FLAG`` or ``INFO``."""
    expected: str
    """What the rule asks for."""
    observed: str
    """What the raw records show."""
    evidence: tuple[str, ...] = ()
    """``file:line``."""
    action: str
    """What the auditor asks for."""
    advice: str
    """What the producer could do."""


class ReportMetric(Record):
    """One number that the auditor recomputed for both legs."""

    name: str
    """Name of the figure."""
    unit: str
    """Its unit, for display."""
    reference: float | None
    """Value of the reference, in ``unit``."""
    candidate: float | None
    """Value of the candidate, in ``unit``."""
    delta: float | None
    """Change as a fraction of the reference."""
    interval: Interval | None
    """Bounds of ``delta``, as fractions."""


class ReportNote(Record):
    """Something that was not judged, or was only remarked upon."""

    source: str
    """Verdict and rule."""
    kind: str
    """``not applicable``, ``unverifiable``, ``degraded``, ``remark``."""
    text: str
    """The note."""


class ReportVerdict(Record):
    """One verdict of the auditor as in its file, lowered by the judge's record beside it where there is one."""

    folder: str
    """Folder below ``audits/``."""
    scope: str
    """``baseline``, ``profile``, ``harness``, ``patch``, ``bundle`` or ``frontier``."""
    subject: str
    """What was judged."""
    attempt: int | None
    """1-based; ``None`` when the file does not say."""
    verdict: str
    """``PASS``, ``FLAG`` or ``FAIL``."""
    action: str
    """What the machine should do next."""
    lever_class: str
    """``A``, ``B`` or ``indeterminate``."""
    headline: str
    """What the evidence supports."""
    findings: tuple[ReportFinding, ...] = ()
    """In the order of the file, the judge's last."""
    metrics: tuple[ReportMetric, ...] = ()
    """Figures that the auditor derived again."""
    notes: tuple[ReportNote, ...] = ()
    """What was not judged, and remarks."""
    degraded: tuple[str, ...] = ()
    """Ids of rules that did not finish."""

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
    """Name of the comparison."""
    decision: str
    """Such as ``banked`` or ``not proven``."""
    reason: str
    """In one sentence."""
    verdicts: tuple[str, ...] = ()
    """Verdicts on this subject in order, such as ``FAIL``, ``PASS``."""


class ReportAccepted(Record):
    """A lever that is part of the result."""

    name: str
    """Name of the comparison that banked it."""
    settings: tuple[ReportSetting, ...]
    """What it changes."""
    source: str = ""
    """``policy`` or ``llm``: who thought of it first; empty where no language model took part."""


class ReportRound(Record):
    """One timed round."""

    block: int
    """Index of the block, 0-based."""
    side: str
    """``reference`` or ``candidate``."""
    index: int
    """Among the timed rounds of its leg, 0-based."""
    value: float
    """In the unit of the comparison's metric."""


class ReportLeg(Record):
    """One launch."""

    leg_id: str
    """Folder name of the leg."""
    block: int
    """Index of the block, 0-based."""
    side: str
    """``reference`` or ``candidate``."""
    status: str
    """``complete`` or ``failed``."""
    rounds: int
    """Timed rounds on record."""
    median: float | None
    """Median over its rounds, in the unit of the metric."""
    ready_s: float | None
    """Seconds from launch to ready."""
    failure: str = ""
    """Kind of failure and the log line; empty for a complete leg."""
    identity: tuple[ReportSetting, ...] = ()
    """Host, device and versions, as this launch recorded them."""


class ReportHostPoint(Record):
    """The machine at one moment of a comparison."""

    t: float
    """Seconds since the first sample."""
    cpu_percent: float
    """Use of all cores together, 0–100."""
    load_1m: float
    """Load average over one minute, in processes."""
    tenants: int
    """Busy processes that are not ours."""


class ReportPlan(Record):
    """What was decided before the first launch."""

    blocks: tuple[str, ...]
    """One line per block: launch order, round order, seeds."""
    looks: str
    """Block counts at which the comparison may stop."""
    alpha: float
    """One-sided level of each look."""
    floor: float
    """Smallest gain worth banking, as a fraction."""
    rounds_per_leg: int
    """Timed rounds of each launch."""
    launch_plan: str
    """``alternating`` or ``coresident``."""
    seed: int
    """From which orders and data seeds were drawn."""
    workload: tuple[ReportSetting, ...]
    """Load of every round."""
    objective: tuple[ReportSetting, ...] = ()
    """Latency limits and guards; empty where none were asked for."""


class ReportComparison(Record):
    """One comparison: what was planned, what was measured, what was claimed."""

    name: str
    """Folder name."""
    kind: str
    """``control``, ``patch`` or ``bundle``."""
    metric: str
    """Name of the deciding figure."""
    unit: str
    """Its unit, for display."""
    lever: tuple[ReportSetting, ...] = ()
    """What the candidate changes."""
    plan: ReportPlan | None = None
    """``None`` when the file is missing."""
    claim_headline: str = ""
    """What the producer claims."""
    delta: float | None = None
    """Gain as claimed by the producer, as a fraction."""
    interval: Interval | None = None
    """Bounds of ``delta``, as claimed."""
    decision: str = ""
    """``real``, ``not_real`` or ``undecided``, as claimed."""
    service: tuple[ReportSetting, ...] = ()
    """Goodput and attainment of both sides, as claimed; empty for a plan without limits."""
    guards: tuple[ReportSetting, ...] = ()
    """Guarded figures, as claimed; empty for a plan without guards."""
    costs: tuple[ReportSetting, ...] = ()
    """What both sides cost at the claimed rates, with a price; joules per token, or that there is no meter."""
    admission: str = ""
    """Whether a public leaderboard would admit a gain, and why not; empty where none is claimed."""
    legs: tuple[ReportLeg, ...] = ()
    """In order of their folders."""
    rounds: tuple[ReportRound, ...] = ()
    """All timed rounds."""
    gains: tuple[tuple[int, float], ...] = ()
    """Block and its gain as a fraction, recomputed here from the rounds: exp(y_B − y_A) − 1."""
    host: tuple[ReportHostPoint, ...] = ()
    """The machine over the comparison, thinned out."""
    tenants: tuple[str, ...] = ()
    """Names of the busiest other processes."""
    gaps: tuple[str, ...] = ()
    """What could not be read, in plain words."""


class ReportTrial(Record):
    """One screened configuration. Screening decides nothing; it only chooses what to confirm."""

    id: str
    """Number of the trial."""
    stage: str
    """Part of the search."""
    source: str = ""
    """``policy`` or ``llm``: whose idea it was; empty where no language model took part."""
    settings: tuple[ReportSetting, ...]
    """What it changes."""
    gain: float | None
    """Screening score as a fraction."""
    failure: str
    """Why it did not serve; empty when it did."""
    cost_s: float | None
    """Seconds, launch included."""


class ReportRole(Record):
    """What one role asked of a language model."""

    role: str
    """Name of the role."""
    requests: int
    """Number of requests sent."""
    answered: int
    """Requests with a usable answer."""
    other: str
    """How the others ended, those over budget too, which were not sent."""
    prompt_tokens: int
    """Tokens sent."""
    completion_tokens: int
    """Tokens of the answers."""
    estimated: bool
    """Token counts are estimates: the endpoint reported none."""
    seconds: float
    """Time spent waiting for answers, in seconds."""
    cost: str
    """For display, such as ``$0.0004``."""


class ReportRequests(Record):
    """What the run asked of language models."""

    roles: tuple[ReportRole, ...] = ()
    """Totals by role; empty when no model was asked."""
    audit: str = ""
    """What one audit took, in words."""


class ReportModel(Record):
    """Everything on the page."""

    run_id: str
    """Nonce of the run."""
    model: str
    """Name of the served model, without its folder."""
    finished: bool
    """The run has an outcome."""
    proven: bool
    """The outcome names a verified gain, an accepted change, and a verdict on a patch or bundle supports it."""
    audited: bool
    """At least one verdict was read."""
    verdict: str
    """Verdict of the whole run, in words."""
    headline: str
    """The sentence on top of the page."""
    reference: str = ""
    """What the gain is over: engine, device and how its operators run."""
    metric: str = "output_throughput"
    """Name of the deciding figure."""
    limits: str = ""
    """Latency limits in words; empty where none were asked for."""
    delta: float | None = None
    """Mean gain as a fraction."""
    interval: Interval | None = None
    """One-sided bounds of ``delta``, as fractions."""
    floor: float | None = None
    """Smallest gain worth banking, as a fraction."""
    accepted: tuple[ReportAccepted, ...] = ()
    """Levers that are part of the result."""
    decisions: tuple[ReportDecision, ...] = ()
    """In order."""
    verdicts: tuple[ReportVerdict, ...] = ()
    """In the order of the machine: baseline first, bundle last."""
    comparisons: tuple[ReportComparison, ...] = ()
    """Control first, bundle last; a load ladder stands in ``frontier``."""
    frontier: ReportFrontier | None = None
    """Several loads; ``None`` for a run at one load."""
    profile: Profile | None = None
    """``None`` when none is on record."""
    trials: tuple[ReportTrial, ...] = ()
    """Screened configurations, in order."""
    trials_omitted: int = 0
    """Further trials that are not listed."""
    not_judged: tuple[ReportNote, ...] = ()
    """What the auditor left open, the gravest first."""
    asked: ReportRequests = ReportRequests()
    """Empty when no language model was asked."""
    configuration: tuple[ReportSetting, ...] = ()
    """Settings of the run."""
    environment: tuple[ReportSetting, ...] = ()
    """Host, device, versions, as the legs recorded them."""
    gaps: tuple[str, ...] = ()
    """What this report could not read, in plain words."""
