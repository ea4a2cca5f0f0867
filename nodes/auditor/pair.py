"""Audits benchmark files of other tools: without a plan, a control, or many launches.

Takes every format of ``importers/readers``: two legs, a run folder of GEAK that holds both, or a baseline alone. They
become legs with the interface of a sealed run, and the same engine runs the same rules on them. The variance between
launches is assumed where there are too few of them (``few.py``), and the verdict states it. Missing records are named
and never give a PASS. Reading is bounded by sizes, each rule by a time budget that needs no alarm signal
(``budget.py``), and a rule that raises does not stop the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.engine import judge
from bankable.nodes.auditor.importers import formats, geak
from bankable.nodes.auditor.importers.geak_claims import read_claims
from bankable.nodes.auditor.importers.intake import Intake
from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.importers.load import CopiedLaunch
from bankable.nodes.auditor.importers.loads import Sweep, describe, find_sweep, select
from bankable.nodes.auditor.importers.readers import KNOWN
from bankable.nodes.auditor.importers.view import ImportedComparison, ImportedView, PairScope
from bankable.nodes.auditor.options import AuditOptions
from bankable.nodes.auditor.reading.claims import BenchmarkSummary, StoredClaim, stored_claim
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.rule_runner import RuleRun
from bankable.nodes.auditor.service import add_goodput
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Side

SCOPES: tuple[PairScope, ...] = ("patch", "bundle", "baseline")
MAX_IGNORED = 20
"""Ignored files that are named."""
_GEAKS = frozenset({"throughput_speedup", "e2e_delta_pct", "ref_med", "e2e"})
"""One of these names marks a summary of GEAK."""


def audit_pair(
    reference: Path,
    candidate: Path | None = None,
    claim: Path | None = None,
    scope: PairScope = "patch",
    *,
    one_server: bool = False,
    options: AuditOptions | None = None,
    origins: dict[str, str] | None = None,
) -> Verdict:
    """Judge two legs and, where given, a claim about them. ``audit_loads`` takes legs of several loads.

    Without a candidate, ``reference`` is a run folder of GEAK with both legs, or with scope ``baseline`` a leg that is
    judged alone. ``one_server``: all files of a leg are runs of one server, so one launch. ``options``: the deciding
    metric, and the margins of a change that is no gain. ``origins`` receives the given path
    of each file by its path in the verdict, which names no place outside the evidence. Raises ``UserError`` when a leg
    has no usable round or no known format.
    """
    verdicts = audit_loads(reference, candidate, claim, scope, one_server=one_server, options=options, origins=origins)
    if len(verdicts) > 1:
        names = "; ".join(name for name, _ in verdicts[:5])
        raise UserError(f"Cannot audit: {len(verdicts)} loads in one leg ({names})", str(reference), "give one load")
    return verdicts[0][1]


def audit_loads(
    reference: Path,
    candidate: Path | None = None,
    claim: Path | None = None,
    scope: PairScope = "patch",
    *,
    one_server: bool = False,
    options: AuditOptions | None = None,
    origins: dict[str, str] | None = None,
) -> list[tuple[str, Verdict]]:
    """The same for each load of a sweep: (load, verdict). Legs that are no sweep give one verdict, without a name."""
    with tempfile.TemporaryDirectory(prefix="audit-pair-") as name:
        # Resolved: a temporary folder may itself lie behind a link (macOS).
        intake = Intake(Path(name).resolve())
        if scope == "baseline":
            if candidate is not None:
                raise UserError(
                    "Cannot audit: scope baseline judges one leg", str(candidate), "give the reference alone"
                )
            alone = _audit_alone(intake, (reference,), one_server, options)
            verdicts = [(audited.load, audited.verdict) for audited in alone]
        else:
            verdicts = _pair(intake, reference, candidate, claim, scope, one_server, options)
        if origins is not None:
            origins.update(intake.origins)
        return verdicts


def _pair(
    intake: Intake,
    reference: Path,
    candidate: Path | None,
    claim: Path | None,
    scope: PairScope,
    one_server: bool,
    options: AuditOptions | None,
) -> list[tuple[str, Verdict]]:
    run = geak.locate(reference) if candidate is None else None
    if candidate is None and run is None:
        raise UserError(
            "Cannot audit: one path, and it is no run folder with two legs",
            str(reference),
            "give a reference and a candidate",
        )
    places = {Side.REFERENCE: reference, Side.CANDIDATE: candidate}
    if run is not None:
        places = {Side.REFERENCE: run.reference, Side.CANDIDATE: run.candidate}
    launches = {side: formats.take(intake, place, side.value) for side, place in places.items() if place is not None}
    names = geak.take_summaries(intake, run.summaries) if run is not None else ()
    if claim is not None:
        intake.file(claim, "claim.json")
    reader = Reader(intake.root, intake.digests)
    names += tuple(f"candidate/{name}" for name in geak.SUMMARIES if reader.exists(f"candidate/{name}"))
    # A candidate that was never measured is a leg without a round, which gives a finding.
    launches.setdefault(Side.CANDIDATE, [CopiedLaunch("candidate", None, None)])
    legs = formats.read(reader, {side: launches[side] for side in Side}, one_server=one_server)
    _usable(reader, legs)
    legs = {side: _hold_to_limits(legs[side], options) for side in Side}
    ignored = _describe_ignored(intake, [place for place in places.values() if place is not None])
    claims, benchmarks = _claims(reader, claim is not None, names)
    sweep = find_sweep([legs[side] for side in Side])
    if sweep is not None and not sweep.common:
        raise UserError("Cannot audit: no load is in both legs", str(reference), "measure both with the same loads")
    ignored += _describe_other_loads(sweep)
    verdicts = []
    for load in sweep.common if sweep is not None else (None,):
        chosen = {side: legs[side] if load is None else select(legs[side], load) for side in Side}
        comparison = ImportedComparison(reader, chosen[Side.REFERENCE], chosen[Side.CANDIDATE], ignored)
        view = ImportedView(reader, scope, comparison, claims, benchmarks, options)
        verdicts.append((describe(load) if load is not None else "", _judge(view)))
    return verdicts


def _describe_ignored(intake: Intake, places: Sequence[Path]) -> tuple[str, ...]:
    """What was found in the given folders and not used, by its path below them."""
    texts = []
    for path, why in sorted(intake.ignored.items())[:MAX_IGNORED]:
        place = next((place for place in places if Path(path).is_relative_to(place)), None)
        texts.append(f"ignored: {Path(path).relative_to(place).as_posix() if place else Path(path).name} ({why})")
    more = len(intake.ignored) - MAX_IGNORED
    return (*texts, *([f"ignored: {more} more files"] if more > 0 else []))


def _describe_other_loads(sweep: Sweep | None) -> tuple[str, ...]:
    """The loads of a sweep that only one leg has, a few of them by name."""
    others = sweep.others if sweep is not None else ()
    return (f"ignored: {len(others)} loads of one leg only ({'; '.join(map(describe, others[:5]))})",) if others else ()


@dataclass(frozen=True)
class AuditedLoad:
    """A leg that was audited alone, at one of its loads."""

    load: str
    """Arguments that tell the load apart from the leg's others; empty where it has one."""
    legs: tuple[ImportedLeg, ...]
    """Its launches; their files can be read until the next load is asked for."""
    verdict: Verdict
    origins: Mapping[str, str]
    """Path as the caller gave it, by the path in the verdict."""


def audit_leg(
    sources: Sequence[Path],
    *,
    one_server: bool = False,
    options: AuditOptions | None = None,
) -> Iterator[AuditedLoad]:
    """Judge one leg alone, with scope ``baseline``, and hand out its launches load by load.

    ``sources``: files or folders that are launches of one leg. Raises ``UserError`` as ``audit_pair`` does.
    """
    with tempfile.TemporaryDirectory(prefix="audit-leg-") as name:
        intake = Intake(Path(name).resolve())
        yield from _audit_alone(intake, sources, one_server, options)


def _audit_alone(
    intake: Intake, sources: Sequence[Path], one_server: bool, options: AuditOptions | None
) -> Iterator[AuditedLoad]:
    runs = [geak.locate(source, baseline=True) for source in sources]
    places = [source if run is None else run.reference for source, run in zip(sources, runs, strict=True)]
    side = Side.REFERENCE.value
    launches = [
        launch
        for index, place in enumerate(places)
        for launch in formats.take(intake, place, side if len(places) == 1 else f"{side}/{index:03}")
    ]
    reader = Reader(intake.root, intake.digests)
    legs = formats.read(reader, {Side.REFERENCE: launches}, one_server=one_server)[Side.REFERENCE]
    _usable(reader, {Side.REFERENCE: legs})
    legs = _hold_to_limits(legs, options)
    ignored = _describe_ignored(intake, places)
    sweep = find_sweep([legs])
    for load in sweep.common if sweep is not None else (None,):
        chosen = legs if load is None else select(legs, load)
        comparison = ImportedComparison(reader, chosen, (), ignored)
        verdict = _judge(ImportedView(reader, "baseline", comparison, options=options))
        yield AuditedLoad(describe(load) if load is not None else "", chosen, verdict, intake.origins)


def _hold_to_limits(legs: tuple[ImportedLeg, ...], options: AuditOptions | None) -> tuple[ImportedLeg, ...]:
    """The launches with the goodput of each round, where the caller gives limits."""
    if options is None or not options.limits:
        return legs
    return tuple(leg.with_rows(add_goodput(leg.rows, options.limits)) for leg in legs)


def _judge(view: ImportedView) -> Verdict:
    return judge(Case(view, view.request), RuleRun(imported=True))


def _usable(reader: Reader, sides: dict[Side, tuple[ImportedLeg, ...]]) -> None:
    """A leg without a round is a user error, unless its own records show a failed launch."""
    for side, legs in sides.items():
        usable = any(leg.log is not None for leg in legs) or not any(leg.format for leg in legs)
        if not any(leg.rows for leg in legs) and (side is Side.REFERENCE or not usable):
            why = reader.problems[0].text if reader.problems else "no result in it"
            raise UserError(f"Cannot audit: no usable round of the {side.value}", why, f"give results of {KNOWN}")
    kinds = sorted({leg.format for legs in sides.values() for leg in legs if leg.format})
    if len(kinds) > 1:
        raise UserError(
            f"Cannot audit: legs of two tools, {' and '.join(kinds)}", "", "measure both legs with one benchmark"
        )


def _claims(
    reader: Reader, claim_expected: bool, names: tuple[str, ...]
) -> tuple[tuple[StoredClaim, ...], tuple[BenchmarkSummary, ...]]:
    """A claim file may be ours or one of GEAK's summaries; its content decides."""
    own: tuple[StoredClaim, ...] = ()
    if claim_expected:
        document = reader.document("claim.json")
        if document is not None and _GEAKS & document.keys():
            names = (*names, "claim.json")
        elif (
            document is not None and (typed := reader.validate(document, ReportedClaim, "claim.json", None)) is not None
        ):
            own = (stored_claim("claim.json", typed),)
    claims, benchmarks = read_claims(reader, names)
    return (*own, *claims), benchmarks
