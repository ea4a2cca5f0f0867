"""Reporter: records what was proven, writes the bundle and the report. It adds no number of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from bankable.tools.bundle import write_bundle
from bankable.tools.evidence.folder import finished_legs
from bankable.tools.evidence.layout import OVERLAY_FOLDER
from bankable.tools.evidence.records import Claim, FrontierClaim, Lever, Record, Scalar
from bankable.tools.evidence.reference import describe_reference
from bankable.tools.evidence.store import write_once
from bankable.tools.measurement.comparison import read_claim
from bankable.tools.measurement.ladder_plan import LADDER
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.report import collect, render


class AcceptedLine(Record):
    """A lever that is part of the result."""

    name: str
    """Comparison that proved it."""
    flags: dict[str, Scalar]
    """Settings, and replaced operators with their implementation."""


class DecisionLine(Record):
    """One decision of the run."""

    subject: str
    """Subject of the decision."""
    decision: str
    """The decision."""
    reason: str
    """Reason, in one sentence."""


class RunOutcome(Record):
    """``outcome.json``."""

    verdict: str
    """One of the sentences in ``WORDS``, or ``OPEN``."""
    headline: str
    """The result in one sentence."""
    delta: float | None
    """Proven gain, as a fraction; ``None`` without one."""
    interval: tuple[float, float] | None
    """Its confidence interval, as fractions."""
    accepted: list[AcceptedLine]
    """Levers of the bundle."""
    decisions: list[DecisionLine]
    """Every decision, in order."""
    reference: str = ""
    """Conditions of the gain: engine, device and how operators run; empty in runs of versions without this field."""
    frontier: str = ""
    """Result over several loads in one sentence; empty for a run at one load."""

    @model_serializer(mode="wrap")
    def _without_absent_frontier(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A run at one load is written as it always was."""
        written: dict[str, Any] = dump(self)
        if not self.frontier:
            written.pop("frontier", None)
        return written


WORDS = {
    "PASS": "verified gain",
    "FLAG": "verified gain, corrected headline",
    "SKIPPED": "measured gain, not audited",
    None: "no verified gain",
}
OPEN = "measured gain, not fully judged"
"""Outcome when some rules did not complete: no finding withholds the gain, but it is not proven."""


def verdict_words(word: str | None, degraded: Sequence[str]) -> str:
    """The sentence for a bundle's verdict, and for the rules of it that raised or ran out of time."""
    return OPEN if word in ("PASS", "FLAG") and degraded else WORDS[word]


def publish(
    context: RunContext,
    *,
    bundle: str,
    accepted: Sequence[tuple[str, Lever]],
    decisions: Sequence[tuple[str, str, str]],
    word: str | None,
    headline: str,
    stopped: str,
    degraded: Sequence[str] = (),
    frontier: str | None = None,
) -> RunOutcome:
    """Write ``outcome.json``, ``bundle/`` and ``report.html``.

    ``bundle`` names the comparison that proved the result, empty when nothing was proven; ``word`` is its verdict and
    ``degraded`` lists its rules that did not complete. ``frontier`` is the verdict on the ladder; the bundle names
    configurations for its loads unless that is a FAIL.
    """
    claim = read_claim(context, bundle) if bundle else None
    sentence = headline or (claim.headline if claim else stopped or "no gain was proven within the budget")
    legs = finished_legs(context.folder.root)
    ladder = _read_frontier(context) if frontier is not None and frontier != "FAIL" else None
    outcome = RunOutcome(
        frontier=_describe_frontier(ladder, frontier),
        reference=describe_reference(legs, context.chosen)
        + (f", on workload {context.workload.name}" if context.workload.name else ""),
        verdict=verdict_words(word, degraded),
        headline=sentence,
        delta=claim.delta if claim else None,
        interval=claim.interval if claim else None,
        accepted=[AcceptedLine(name=name, flags=lever.settings()) for name, lever in accepted],
        decisions=[DecisionLine(subject=subject, decision=kind, reason=why) for subject, kind, why in decisions],
    )
    context.folder.put(context.folder.root / "outcome.json", outcome.model_dump(mode="json"))
    overlay = context.folder.comparison(bundle) / OVERLAY_FOLDER if bundle else None
    _bundle(context, accepted, claim, outcome, overlay if overlay is not None and overlay.is_dir() else None, ladder)
    write_once(context.folder.root / "report.html", render(collect(context.folder.root)).encode())
    context.tell(ProgressEvent("decision", _over(outcome)))
    if outcome.frontier:
        context.tell(ProgressEvent("decision", outcome.frontier))
    return outcome


def _read_frontier(context: RunContext) -> FrontierClaim:
    return FrontierClaim.model_validate_json((context.folder.comparison(LADDER) / "claim.json").read_bytes())


def _describe_frontier(ladder: FrontierClaim | None, verdict: str | None) -> str:
    """The result of the ladder and what the auditor says of it."""
    if verdict is None:
        return ""
    word = {"PASS": "verified", "FLAG": "verified with reservations", "SKIPPED": "not audited"}.get(verdict, "withheld")
    return f"frontier {word}: {ladder.headline}" if ladder is not None else f"frontier {word}: see the findings"


def _over(outcome: RunOutcome) -> str:
    """The headline with the conditions of the gain."""
    reference = outcome.reference if outcome.delta is not None else ""
    over = f", over {reference}" if reference and reference not in outcome.headline else ""
    return f"{outcome.verdict}: {outcome.headline}{over}"


def _bundle(
    context: RunContext,
    accepted: Sequence[tuple[str, Lever]],
    claim: Claim | None,
    outcome: RunOutcome,
    overlay: Path | None,
    ladder: FrontierClaim | None,
) -> None:
    legs = finished_legs(context.folder.root)
    write_bundle(
        context.folder,
        run_id=context.run_id,
        model=str(Path(context.model).resolve()) if Path(context.model).is_dir() else context.model,
        base=context.base,
        accepted=[lever for _, lever in accepted],
        comparisons=sorted(path.name for path in (context.folder.root / "comparisons").glob("*") if path.is_dir()),
        claim=claim,
        headline=_over(outcome),
        device=context.driver.device,
        overlay=overlay,
        points=ladder.operating_points if ladder is not None else (),
        engine=next((leg.engine for leg in legs if leg.status == "complete"), None),
    )
