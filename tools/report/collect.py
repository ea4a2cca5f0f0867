"""Collects the content of a report from a run folder. Reads only; a missing part is listed as missing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import GOODPUT
from bankable.tools.profiling.records import Profile
from bankable.tools.report.comparisons import read_comparisons, settings_of
from bankable.tools.report.ladder import read_frontier
from bankable.tools.report.model import (
    ReportAccepted,
    ReportComparison,
    ReportDecision,
    ReportModel,
    ReportNote,
    ReportSetting,
    ReportTrial,
    ReportVerdict,
)
from bankable.tools.report.origins import kernel_sources
from bankable.tools.report.reading import ReportReader, clean, interval, mapping, number, sequence
from bankable.tools.report.requests import read_requests
from bankable.tools.report.verdicts import read_verdicts

MAX_TRIALS = 300
NOTHING = "no verified gain"
SUPPORT = ("PASS", "FLAG")
OPINIONS = frozenset({"judge"})
"""What is no rule: when it does not answer, nothing that code decides is open."""


def collect(run_dir: Path) -> ReportModel:
    """Everything that a report of this run can show. Raises ``UserError`` only when there is no folder at all."""
    if not run_dir.is_dir():
        raise UserError("Cannot make the report: not a run folder", str(run_dir), "give the folder that holds run.json")
    reader = ReportReader(run_dir)
    head = reader.json(run_dir / "run.json")
    preflight = reader.json(run_dir / "preflight.json")
    outcome = reader.json(run_dir / "outcome.json", needed=False)
    verdicts = read_verdicts(reader)
    config = mapping(head.get("config")) or head
    comparisons = read_comparisons(reader, number(config.get("price")))
    trials, omitted = _trials(reader)
    requests = read_requests(reader)
    kernels = kernel_sources(reader)
    anyone = bool(requests.roles or kernels or any(trial.source for trial in trials))
    accepted = _read_accepted(outcome, trials, kernels, anyone)
    outcome_verdict = clean(outcome.get("verdict"), 80) or NOTHING
    claims = outcome_verdict.lower().startswith("verified gain")
    proven = claims and bool(accepted) and _is_supported(verdicts)
    if claims and not proven:
        open_rules = ", ".join(
            dict.fromkeys(rule for verdict in verdicts if verdict.verdict in SUPPORT for rule in _open(verdict))
        )
        lacks = f"rules did not finish ({open_rules})" if open_rules else "no verdict on record supports it"
        lacks = lacks if accepted else "it names no accepted change"
        reader.gaps.append(f"The outcome says “{outcome_verdict}”, but {lacks}: it is shown as not verified.")
    profile = _profile(reader)
    return ReportModel(
        run_id=clean(head.get("run_id"), 80) or "unknown",
        model=clean(Path(str(config.get("model") or preflight.get("model") or "")).name, 120) or "unknown model",
        finished=bool(outcome),
        proven=proven,
        audited=bool(verdicts),
        verdict=outcome_verdict if proven or not claims else NOTHING,
        headline=_headline(outcome),
        reference=clean(outcome.get("reference"), 300),
        delta=number(outcome.get("delta")),
        interval=interval(outcome.get("interval")),
        metric=next((c.metric for c in comparisons), "output_throughput"),
        limits=next(
            (
                setting.value
                for comparison in comparisons
                if comparison.plan and comparison.metric == GOODPUT
                for setting in comparison.plan.objective
                if setting.name == "limits"
            ),
            "",
        ),
        floor=next((c.plan.floor for c in comparisons if c.plan), None),
        accepted=accepted,
        decisions=_decisions(outcome, verdicts),
        verdicts=tuple(verdicts),
        comparisons=tuple(comparisons),
        frontier=read_frontier(reader, verdicts),
        profile=profile,
        trials=trials,
        trials_omitted=omitted,
        not_judged=_not_judged(verdicts),
        asked=requests,
        configuration=_flat(config),
        environment=_environment(comparisons),
        gaps=tuple(reader.gaps),
    )


def _is_supported(verdicts: list[ReportVerdict]) -> bool:
    """The last verdict on the bundle stands behind a gain, or on a patch where no bundle was judged.

    A verdict some of whose rules did not finish stands behind nothing: what they would have found is open.
    """
    for scope in ("bundle", "patch"):
        stand = [verdict.verdict in SUPPORT and not _open(verdict) for verdict in verdicts if verdict.scope == scope]
        if stand:
            return stand[-1] if scope == "bundle" else any(stand)
    return False


def _open(verdict: ReportVerdict) -> list[str]:
    """Rules that raised or ran out of time."""
    return [rule for rule in verdict.degraded if rule not in OPINIONS]


def _headline(outcome: dict[str, Any]) -> str:
    if not outcome:
        return "The run is not finished: it has no outcome yet. What follows is what it has written so far."
    return clean(outcome.get("headline")) or "The outcome carries no headline."


def _read_accepted(
    outcome: dict[str, Any], trials: tuple[ReportTrial, ...], kernels: dict[str, str], with_models: bool
) -> tuple[ReportAccepted, ...]:
    """``kernels``: origin of each; ``with_models``: language models took part, so an origin has to be named."""
    views = []
    for raw in sequence(outcome.get("accepted"), 100):
        item = mapping(raw)
        settings = settings_of(item)
        source = _source(settings, trials, kernels) if with_models else ""
        views.append(ReportAccepted(name=clean(item.get("name"), 200) or "unnamed", settings=settings, source=source))
    return tuple(views)


def _source(settings: tuple[ReportSetting, ...], trials: tuple[ReportTrial, ...], kernels: dict[str, str]) -> str:
    """Who thought of it first: of a setting by its trial, a lever that was repaired by the trial that is part of it."""
    sources = {kernels[setting.value] for setting in settings if setting.value in kernels}
    mine = [trial for trial in trials if trial.source and trial.settings and set(trial.settings) <= set(settings)]
    sources |= {max(mine, key=lambda trial: len(trial.settings)).source} if mine else set()
    return "llm" if "llm" in sources else "policy"


def _decisions(outcome: dict[str, Any], verdicts: list[ReportVerdict]) -> tuple[ReportDecision, ...]:
    views = []
    for raw in sequence(outcome.get("decisions"), 300):
        item = mapping(raw)
        subject = clean(item.get("subject"), 200)
        views.append(
            ReportDecision(
                subject=subject,
                decision=clean(item.get("decision"), 40).replace("_", " "),
                reason=clean(item.get("reason")),
                verdicts=tuple(v.verdict for v in verdicts if v.subject == subject),
            )
        )
    return tuple(views)


def _profile(reader: ReportReader) -> Profile | None:
    path = reader.root / "profile" / "profile.json"
    raw = reader.json(path, needed=False)
    if not raw:
        return None
    try:
        return Profile.model_validate_json(orjson.dumps(raw))
    except (ValidationError, TypeError):
        reader.gaps.append("profile/profile.json is not a profile that this version knows; it is not shown.")
        return None


def _trials(reader: ReportReader) -> tuple[tuple[ReportTrial, ...], int]:
    views: list[ReportTrial] = []
    omitted = 0
    for raw in reader.lines(reader.root / "search" / "trials.jsonl", needed=False):
        if len(views) >= MAX_TRIALS:
            omitted += 1
            continue
        trial, outcome = mapping(raw.get("trial")) or raw, mapping(raw.get("outcome")) or raw
        score = number(outcome.get("score"))
        views.append(
            ReportTrial(
                id=clean(trial.get("id"), 20),
                stage=clean(trial.get("stage"), 30),
                source=clean(trial.get("source"), 20),
                settings=settings_of(trial),
                gain=math.expm1(score) if score is not None and abs(score) < 50 else None,
                failure=clean(outcome.get("failure"), 200),
                cost_s=number(outcome.get("cost_s")),
            )
        )
    return tuple(views), omitted


def _not_judged(verdicts: list[ReportVerdict]) -> tuple[ReportNote, ...]:
    notes: list[ReportNote] = []
    for verdict in verdicts:
        source = f"{verdict.scope} · {verdict.subject}"
        notes.extend(
            ReportNote(
                source=source, kind="degraded", text=f"{rule} did not finish; what it would have judged is open."
            )
            for rule in verdict.degraded
        )
        notes.extend(note for note in verdict.notes if note.kind != "remark")
    distinct = dict.fromkeys((n.kind, n.text, n.source) for n in notes)
    order = {"degraded": 0, "unverifiable": 1}
    unique = [ReportNote(kind=kind, text=text, source=source) for kind, text, source in distinct]
    return tuple(sorted(unique, key=lambda note: order.get(note.kind, 2)))


def _flat(config: dict[str, Any]) -> tuple[ReportSetting, ...]:
    rows = []
    for name, value in list(config.items())[:100]:
        if value is None or value in ({}, []):
            continue
        text = Path(value).name if name == "model" and isinstance(value, str) else value
        rows.append(ReportSetting(name=clean(name, 60), value=clean(text, 300)))
    return tuple(rows)


def _environment(comparisons: list[ReportComparison]) -> tuple[ReportSetting, ...]:
    """Host and versions of the launches. Where launches disagree every value is shown."""
    values: dict[str, dict[str, None]] = {}
    for leg in (leg for comparison in comparisons for leg in comparison.legs):
        for setting in leg.identity:
            values.setdefault(setting.name, {})[setting.value] = None
    return tuple(
        ReportSetting(name=name, value=" / ".join(list(shown)[:6])) for name, shown in list(values.items())[:60]
    )
